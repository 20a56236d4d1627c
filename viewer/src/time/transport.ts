/** Play, pause, steps, the time line. */

import { makeBands } from "./bands";
import { drawCurve } from "./curve";
import type { Viewer } from "../drawing/viewer";
import { drawStrip } from "../gaze/strip";
import { makeTracks } from "../gaze/tracks";
import { regionAt } from "../maps/regions";
import { announce, byId, clockText } from "../page/dom";
import type { Player } from "./playback";
import { showPreviews } from "./previews";
import type { RegionTrack, Scene } from "../scene.gen";
import type { Store } from "../state";

const ICONS = { play: "M7 4l13 8-13 8z", pause: "M6 4h4v16H6zM14 4h4v16h-4z" };

export class Transport {
  private readonly slider = byId<HTMLInputElement>("seek");
  private shown_s = -1;

  constructor(
    private readonly scene: Scene,
    private readonly store: Store,
    private readonly viewer: Viewer,
    private readonly video: Player,
    private readonly onMessage: (text: string) => void,
  ) {
    this.showLength();
    this.slider.step = `${1 / (scene.media.frame_rate || 30)}`;
    this.slider.addEventListener("input", () => video.seek(this.slider.valueAsNumber));
    byId("play").addEventListener("click", () => this.toggle());
    byId("back").addEventListener("click", () => this.step(-1));
    byId("forward").addEventListener("click", () => this.step(1));
    video.onPlaying((playing) => this.showPlaying(playing));
    viewer.maps.listen(() => this.showBits());
    makeBands(byId("bands"), scene, video.duration_s, (track) => this.lookAt(track));
    showPreviews(scene, video.duration_s, (time_s) => this.bitsAt(time_s) ?? undefined);
    store.subscribe((state) => video.set(state));
    store.subscribe((state, before) => {
      const isOther = state.stream !== before.stream || state.viewer !== before.viewer;
      if (state === before || isOther) this.drawCurve();
    });
    new ResizeObserver(() => this.drawCurve()).observe(byId("curve"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.drawCurve());
  }

  /** Take over the length of the video: the page may open another one. */
  showLength(): void {
    this.slider.max = `${this.video.duration_s}`;
    this.shown_s = -1;
  }

  toggle(): void {
    if (this.video.playing) this.video.pause();
    else this.video.play().catch((error: Error) => this.onMessage(`The browser did not play: ${error.message}`));
  }

  /** Go to the next or the last frame that was predicted; outside the maps, by a frame of the video. */
  step(direction: 1 | -1): void {
    this.video.pause();
    const { maps, time_s } = this.viewer;
    const target_s = maps.stepFrom(time_s, direction);
    this.video.seek(target_s ?? time_s + direction * Number(this.slider.step));
  }

  /** Turn the view to a region, at a time when it is there. */
  lookAt(track: RegionTrack): void {
    const step_s = this.scene.region_step_s;
    const time_s = this.viewer.time_s;
    let direction = regionAt(track, time_s, step_s);
    if (!direction) {
      const nearest_s = track.times_s.reduce((a, b) => (Math.abs(b - time_s) < Math.abs(a - time_s) ? b : a));
      direction = regionAt(track, nearest_s, step_s);
      this.video.seek(nearest_s + Number(this.slider.step) / 4);
    }
    if (direction) this.store.set(direction);
    announce(`Looking at region ${track.id}`);
  }

  /** Show the time of the frame on screen. */
  showTime(): void {
    const { time_s } = this.viewer;
    if (time_s === this.shown_s) return;
    this.shown_s = time_s;
    this.slider.valueAsNumber = time_s;
    this.slider.setAttribute("aria-valuetext", `${time_s.toFixed(2)} of ${this.video.duration_s.toFixed(2)} seconds`);
    byId("time").textContent = `${clockText(time_s)} / ${clockText(this.video.duration_s)}`;
    this.showBits();
  }

  private showBits(): void {
    const bits = this.bitsAt(this.viewer.time_s);
    if (this.isPhoto) byId("curve-name").textContent = "Viewing time";
    else byId("curve-name").textContent = bits === null ? "Concentration" : `Concentration ${bits.toFixed(1)} bit`;
  }

  private bitsAt(time_s: number): number | null {
    return this.viewer.maps.bits(this.store.state.stream, time_s);
  }

  private showPlaying(playing: boolean): void {
    byId("play-icon").setAttribute("d", playing ? ICONS.pause : ICONS.play);
    const label = byId("play").querySelector("span");
    if (label) label.textContent = playing ? "Pause" : "Play";
    byId("play").title = playing ? "Pause (space)" : "Play (space)";
  }

  private get isPhoto(): boolean {
    return this.scene.media.kind === "image";
  }

  private drawCurve(): void {
    const [canvas, { gaze, maps }] = [byId<HTMLCanvasElement>("curve"), this.scene];
    const { stream, viewer } = this.store.state;
    if (this.isPhoto && gaze) drawStrip(canvas, makeTracks(gaze), viewer, this.video.duration_s);
    else drawCurve(canvas, maps, stream, this.video.duration_s);
  }
}

/** Puts on screen a frame, the map of that very frame, and what stands over both. */

import { colourTable } from "./colours";
import { drawCompass } from "./compass";
import { type Direction, type Lens, makeLens } from "./geometry";
import { MapStore } from "../maps/maps";
import { RegionLabels } from "../maps/regions";
import { byId } from "../page/dom";
import { showPeak } from "../page/panel";
import type { Painter } from "./painter";
import type { Scene, Stream } from "../scene.gen";
import type { State, Store } from "../state";
import type { Frame } from "../time/playback";

const MOST_PIXEL_RATIO = 2;

/** Something that is drawn over the picture, as the numbers of the regions. */
export interface Overlay {
  draw(lens: Lens, time_s: number, state: State): void;
}

export class Viewer {
  readonly maps: MapStore;
  time_s = 0; // of the frame on screen
  private aspect = 1;
  private readonly stage = byId("stage");
  private readonly overlays: Overlay[];
  private shown: { stream: Stream; index: number; levels: Uint8Array } | null = null;
  private pending = false;

  constructor(
    private readonly scene: Scene,
    private readonly store: Store,
    private readonly painter: Painter,
    private readonly onMessage: (text: string) => void,
  ) {
    this.overlays = [new RegionLabels(byId("labels"), scene.regions, scene.region_step_s)];
    this.maps = new MapStore(scene.maps, scene.media.frame_rate, () => this.drawSoon(), onMessage);
    new ResizeObserver(() => this.resize()).observe(this.stage);
    this.resize();
    store.subscribe((state, before) => {
      if (state === before || state.colormap !== before.colormap) this.setColours(state.colormap);
      this.drawSoon();
    });
  }

  /** Draw something more over the picture. */
  add(overlay: Overlay): void {
    this.overlays.push(overlay);
  }

  get lens(): Lens {
    return makeLens(this.store.state, this.aspect);
  }

  /** A time that is within the frame on screen, also after rounding; 0 for the first frame. */
  momentWithin(): number {
    return this.time_s > 0 ? this.time_s + 0.25 / (this.scene.media.frame_rate || 30) : 0;
  }

  /** Draw a new frame at once: frame and map change together. */
  show(frame: Frame): void {
    this.painter.setFrame(frame);
    this.showAt(frame.time_s);
  }

  /** Draw another time of the frame on screen, as a photo has while viewers look at it. */
  showAt(time_s: number): void {
    this.time_s = time_s;
    this.draw();
  }

  drawSoon(): void {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => this.pending && this.draw());
  }

  /** The density that is predicted in a direction, as a multiple of the average; null where there is no map. */
  densityAt({ yaw_deg, pitch_deg }: Direction): number | null {
    if (!this.shown) return null;
    const { width, height } = this.scene.maps;
    const column = Math.min(Math.floor((yaw_deg / 360 + 0.5) * width), width - 1);
    const row = Math.min(Math.floor((0.5 - pitch_deg / 180) * height), height - 1);
    const level = this.shown.levels[row * width + column] ?? 0;
    return (level / 255) * (this.shown.stream.peak_ratio[this.shown.index] ?? 0);
  }

  private draw(): void {
    this.pending = false;
    const { store: { state }, lens } = this;
    this.findMap();
    this.painter.setMap(this.shown?.levels ?? null);
    this.painter.draw(state, lens);
    for (const overlay of this.overlays) overlay.draw(lens, this.time_s, state);
    drawCompass(state, lens);
    showPeak(this.shown?.stream.peak_ratio[this.shown.index]);
    this.stage.classList.toggle("flat", lens.flat);
    this.stage.dataset.time = this.time_s.toFixed(6);
    this.stage.dataset.map = this.shown ? `${this.shown.index}` : "";
  }

  private findMap(): void {
    const stream = this.maps.stream(this.store.state.stream);
    const index = this.maps.indexAt(this.time_s);
    const levels = stream && index !== null ? this.maps.levels(stream, index) : null;
    this.shown = stream && index !== null && levels ? { stream, index, levels } : null;
    this.stage.classList.toggle("without-map", this.store.state.layer && index === null);
  }

  private setColours(name: string): void {
    const colormap = this.scene.colormaps.find((known) => known.name === name);
    if (colormap) this.painter.setColours(colourTable(colormap));
    else this.onMessage(`There is no colour map ${name}.`);
  }

  private resize(): void {
    const ratio = Math.min(window.devicePixelRatio, MOST_PIXEL_RATIO);
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height) return;
    this.painter.resize(Math.round(width * ratio), Math.round(height * ratio));
    this.aspect = width / height;
    this.draw();
  }
}

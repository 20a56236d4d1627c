/** The controls of the film, which change its plan and follow it. */

import type { FilmCamera } from "./film_camera";
import { markFilm } from "./marks";
import type { Viewer } from "../drawing/viewer";
import { announce, byId, clockText, make } from "../page/dom";
import { saveFile } from "../page/save_file";
import type { Media } from "../scene.gen";
import type { Video } from "../time/playback";

const ICONS = { record: "M6 12a6 6 0 1 0 12 0a6 6 0 1 0-12 0", stop: "M7 7h10v10H7z" };
const EMPTY = "No film yet. Record a path, or set keyframes.";

export class FilmPanel {
  private text = "";
  private readonly canEdit: boolean;

  constructor(
    private readonly camera: FilmCamera,
    private readonly media: Media,
    private readonly viewer: Viewer,
    private readonly video: Video,
  ) {
    const { draft } = camera;
    this.canEdit = !viewer.flatOnly; // a path is made on the sphere
    byId("film").hidden = false;
    byId("film-edit").hidden = !this.canEdit;
    for (const { name } of draft.film.shapes) byId("aspect").append(make("option", { value: name, textContent: name }));
    this.bind();
    camera.onRecording((text) => this.say(text));
    draft.subscribe(() => this.show());
    video.onPlaying((playing) => this.endWithVideo(playing));
    window.addEventListener("beforeunload", (event) => {
      if (draft.unsaved || camera.isRecording) event.preventDefault();
    });
    this.show();
  }

  toggleRecording(): void {
    if (!this.canEdit) return;
    if (this.camera.isRecording) {
      this.video.pause();
      this.camera.stopRecording();
    } else {
      this.camera.startRecording();
      this.video.play().catch((error: Error) => announce(`The browser did not play: ${error.message}`));
    }
  }

  setKeyframe(): void {
    if (this.camera.isRecording || !this.canEdit) return;
    this.camera.setKeyframe();
    const { length } = this.camera.draft.keyframes;
    this.say(length < 2 ? "The film lasts from the first keyframe to the last: set another one." : "");
  }

  removeKeyframe(): void {
    if (!this.camera.isRecording && this.canEdit) this.camera.draft.remove(this.viewer.time_s);
  }

  /** Go to the next keyframe, or to the one before. */
  goToKeyframe(direction: 1 | -1): void {
    goTo(this.camera.draft.keyframes.map(({ timestamp_s }) => timestamp_s), direction, this.viewer, this.video);
  }

  /** Show what belongs to the frame on screen. */
  showTime(): void {
    const { draft, isRecording } = this.camera;
    const keyframe = draft.keyframeAt(this.viewer.time_s);
    const cut = byId<HTMLInputElement>("keyframe-cut");
    cut.checked = keyframe?.cut ?? false;
    cut.disabled = isRecording || !keyframe || keyframe === draft.keyframes[0];
    byId<HTMLButtonElement>("keyframe-remove").disabled = isRecording || !keyframe;
  }

  private bind(): void {
    const { draft } = this.camera;
    byId("record").addEventListener("click", () => this.toggleRecording());
    byId("keyframe").addEventListener("click", () => this.setKeyframe());
    byId("keyframe-remove").addEventListener("click", () => this.removeKeyframe());
    byId("keyframe-before").addEventListener("click", () => this.goToKeyframe(-1));
    byId("keyframe-after").addEventListener("click", () => this.goToKeyframe(1));
    byId("film-save").addEventListener("click", () => this.save());
    byId("film-discard").addEventListener("click", () => {
      this.text = "";
      draft.restore();
    });
    const aspect = byId<HTMLSelectElement>("aspect");
    aspect.addEventListener("change", () => draft.setShape(aspect.value));
    byId<HTMLInputElement>("keyframe-cut").addEventListener("change", (event) => {
      const wanted = (event.target as HTMLInputElement).checked;
      draft.setCut(this.viewer.time_s, wanted);
      const found = draft.keyframeAt(this.viewer.time_s)?.cut ?? false;
      const problem = wanted ? `Cuts are at least ${draft.film.min_cut_s} s apart.` : "Without a cut the turn would be too fast.";
      this.say(found === wanted ? "" : problem);
    });
  }

  private save(): void {
    const stem = this.media.name.replace(/\.[^.]*$/, "");
    saveFile(this.camera.draft.toFile(), `${stem}.plan.json`);
    this.camera.draft.saved();
    this.say(`Saved ${stem}.plan.json. To render it: atsal direct ${this.media.name} --plan ${stem}.plan.json -o film.mp4`);
  }

  /** Recording ends at the end of the video. */
  private endWithVideo(playing: boolean): void {
    const left_s = this.video.duration_s - this.viewer.time_s;
    if (!playing && this.camera.isRecording && left_s < 1.5 / (this.media.frame_rate || 30)) this.camera.stopRecording();
  }

  private say(text: string): void {
    this.text = text;
    if (text) announce(text);
    this.show();
  }

  private show(): void {
    const { draft, isRecording } = this.camera;
    const { length } = draft.keyframes;
    const isFilm = length > 1 && !isRecording;
    byId("film-state").textContent = this.describe();
    byId("film-text").textContent = this.text;
    byId("record").classList.toggle("recording", isRecording);
    byId("record-icon").setAttribute("d", isRecording ? ICONS.stop : ICONS.record);
    byId("record-label").textContent = isRecording ? "Stop recording" : "Record path";
    for (const id of ["keyframe", "aspect"]) byId<HTMLButtonElement>(id).disabled = isRecording;
    for (const id of ["outline", "through"]) byId<HTMLInputElement>(id).disabled = !length || isRecording;
    for (const id of ["keyframe-before", "keyframe-after"]) byId<HTMLButtonElement>(id).disabled = !length || isRecording;
    byId<HTMLButtonElement>("film-save").disabled = !isFilm;
    byId<HTMLButtonElement>("film-discard").disabled = !draft.unsaved || isRecording;
    byId<HTMLSelectElement>("aspect").value = draft.shape.name;
    markFilm(draft, this.video.duration_s);
    this.showTime();
  }

  private describe(): string {
    const { draft, isRecording } = this.camera;
    const { keyframes, unsaved } = draft;
    if (isRecording) return "Recording.";
    if (!keyframes.length) return EMPTY;
    const cuts = keyframes.filter(({ cut }, i) => cut && i > 0).length;
    const counts = [`${keyframes.length} keyframe${keyframes.length > 1 ? "s" : ""}`, `${cuts} cut${cuts === 1 ? "" : "s"}`];
    const { start_s, end_s } = draft.span;
    return `${counts.join(", ")}, from ${clockText(start_s)} to ${clockText(end_s)}.${unsaved ? " Not saved." : ""}`;
  }
}

/** Show the first frame after the next of these times, or after the one before; the last one is where the frame is. */
export function goTo(times_s: readonly number[], direction: 1 | -1, { time_s }: Viewer, video: Video): void {
  const margin_s = 1e-3 + 1e-6; // a cut may be written this much before its frame
  const found = direction > 0
    ? times_s.filter((other) => other > time_s + margin_s).reduce((a, b) => Math.min(a, b), Infinity)
    : times_s.filter((other) => other < time_s - margin_s).reduce((a, b) => Math.max(a, b), -Infinity);
  video.pause();
  if (Number.isFinite(found)) video.seek(found + 2 * margin_s);
  else announce(direction > 0 ? "There is none after this" : "There is none before this");
}

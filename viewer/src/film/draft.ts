/** The plan that the page shows, and that its user changes. */

import { Camera, type Pose } from "./camera";
import { rounded, withinRules } from "./rules";
import type { Film, Keyframe, Media, Plan, Shape } from "../scene.gen";

const OPEN_END_S = 1; // the last keyframe of a plan may be this long before its end

export class PlanDraft {
  shape: Shape;
  keyframes: readonly Keyframe[] = [];
  unsaved = false;
  private camera: Camera | null = null;
  private readonly frame_s: number;
  private readonly listeners: (() => void)[] = [];

  constructor(
    private readonly media: Media,
    readonly film: Film,
  ) {
    this.frame_s = 1 / (media.frame_rate || 30);
    this.shape = this.firstShape();
    this.restore();
  }

  /** Call `listener` after each change. */
  subscribe(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Where the camera looks; null outside the film. */
  at(time_s: number): Pose | null {
    const { start_s, end_s } = this.span;
    const isInside = time_s >= start_s - this.frame_s / 2 && time_s <= end_s + this.frame_s / 2;
    return this.camera && isInside ? this.camera.at(time_s) : null;
  }

  /** From which to which time of the source the film lasts. */
  get span(): { start_s: number; end_s: number } {
    const first_s = this.keyframes[0]?.timestamp_s ?? 0;
    const last_s = this.keyframes[this.keyframes.length - 1]?.timestamp_s ?? 0;
    const planned_s = this.film.plan ? this.film.plan.start_s + this.film.plan.duration_s : 0;
    const isPlanned = last_s <= planned_s && last_s >= planned_s - OPEN_END_S;
    const source_s = this.source_s || last_s + this.frame_s;
    return { start_s: first_s, end_s: isPlanned ? planned_s : Math.max(last_s, Math.min(last_s + this.frame_s, source_s)) };
  }

  /** The keyframe of the frame that is on screen at a time. */
  keyframeAt(time_s: number): Keyframe | null {
    return this.keyframes.find((keyframe) => this.isOfFrame(keyframe, time_s)) ?? null;
  }

  setKeyframe(time_s: number, pose: Pose): void {
    const cut = this.keyframeAt(time_s)?.cut ?? false;
    this.change([...this.without(time_s), rounded({ timestamp_s: time_s, ...pose, cut })]);
  }

  setCut(time_s: number, cut: boolean): void {
    this.change(this.keyframes.map((keyframe) => (this.isOfFrame(keyframe, time_s) ? { ...keyframe, cut } : keyframe)));
  }

  remove(time_s: number): void {
    this.change(this.without(time_s));
  }

  /** Put a path in, in place of what is there during its time. */
  put(path: readonly Keyframe[]): void {
    const [start_s, end_s] = [path[0]?.timestamp_s ?? 0, path[path.length - 1]?.timestamp_s ?? 0];
    const others = this.keyframes.filter(({ timestamp_s: time_s }) => time_s < start_s || time_s > end_s);
    this.change([...others, ...path.map((keyframe, i) => (i ? keyframe : { ...keyframe, cut: false }))]);
  }

  setShape(name: string): void {
    this.shape = this.film.shapes.find((shape) => shape.name === name) ?? this.shape;
    this.change(this.keyframes);
  }

  /** Go back to the plan that the page was opened with. */
  restore(): void {
    this.shape = this.firstShape();
    this.take(this.film.plan?.keyframes ?? [], false);
  }

  saved(): void {
    this.take(this.keyframes, false);
  }

  /** The plan as a file. */
  toFile(): Blob {
    const { format, version } = this.film;
    const { start_s, end_s } = this.span;
    const plan: Plan = {
      source: this.media.name,
      source_duration_s: this.source_s || end_s,
      aspect: this.shape.name,
      start_s,
      duration_s: +(end_s - start_s).toFixed(6),
      keyframes: this.keyframes,
      made_from: null,
      predicted_in_frame: null,
      recorded_in_frame: null,
    };
    return new Blob([JSON.stringify({ format, version, ...plan }, null, 1), "\n"], { type: "application/json" });
  }

  private get source_s(): number {
    return this.film.source_duration_s || this.media.duration_s;
  }

  private firstShape(): Shape {
    const name = this.film.plan?.aspect ?? this.film.shapes[0]?.name;
    return this.film.shapes.find((shape) => shape.name === name) as Shape;
  }

  private without(time_s: number): Keyframe[] {
    return this.keyframes.filter((keyframe) => !this.isOfFrame(keyframe, time_s));
  }

  private isOfFrame({ timestamp_s }: Keyframe, time_s: number): boolean {
    return Math.abs(timestamp_s - time_s) < this.frame_s / 2;
  }

  private change(keyframes: readonly Keyframe[]): void {
    const inOrder = [...keyframes].sort((a, b) => a.timestamp_s - b.timestamp_s);
    this.take(withinRules(inOrder, this.film), true);
  }

  private take(keyframes: readonly Keyframe[], unsaved: boolean): void {
    this.keyframes = keyframes;
    this.unsaved = unsaved && (keyframes.length > 0 || this.film.plan !== null);
    this.camera = keyframes.length ? new Camera(keyframes, this.film.rounding_s) : null;
    for (const listener of this.listeners) listener();
  }
}

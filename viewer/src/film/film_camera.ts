/** The film's camera on the page: its frame at each time, looking through it, and recording its path. */

import type { Pose } from "./camera";
import { PlanDraft } from "./draft";
import { fovOfView, fovThatFits } from "./frame";
import { type Frame, FrameOverlay } from "./frame_overlay";
import { rounded } from "./rules";
import { keyframesOfPath } from "./thin";
import type { Lens } from "../drawing/geometry";
import type { Viewer } from "../drawing/viewer";
import type { Film, Keyframe, Scene } from "../scene.gen";
import { clamp, type State, type Store } from "../state";

const SHADE = { outside: 0.45, recording: 0.6, through: 0.9 };
const LONGEST_STEP_S = 3; // between two frames that are recorded: a slow machine shows few

export class FilmCamera {
  readonly draft: PlanDraft;
  private path: Keyframe[] | null = null; // while it is recorded
  private isFollowing = false;
  private readonly listeners: ((text: string) => void)[] = [];

  constructor(
    scene: Scene,
    private readonly film: Film,
    private readonly store: Store,
    private readonly viewer: Viewer,
  ) {
    this.draft = new PlanDraft(scene.media, film);
    viewer.add(({ element }) => new FrameOverlay(element, (lens, time_s, state) => this.frame(lens, time_s, state)));
    this.draft.subscribe(() => this.showChange());
    store.subscribe((state, before) => this.leaveOrFollow(state, before));
  }

  get isRecording(): boolean {
    return this.path !== null;
  }

  /** Call `listener` with a sentence when recording starts or ends. */
  onRecording(listener: (text: string) => void): void {
    this.listeners.push(listener);
  }

  /** Take note of a frame, before it is drawn. */
  onFrame(time_s: number): void {
    this.follow(time_s);
    if (this.path) this.record(time_s);
  }

  /** Where the film would look if it showed what the view shows. */
  poseOfView(): Pose {
    const { yaw_deg, pitch_deg } = this.store.state;
    const fov_deg = clamp(fovThatFits(this.viewer.lens, this.draft.shape.ratio), ...this.film.fov_deg);
    return { yaw_deg, pitch_deg, fov_deg };
  }

  startRecording(): void {
    this.store.set({ through: false, projection: "sphere" });
    this.path = [];
    this.record(this.viewer.time_s);
    this.tell("Recording: look around while the video plays.");
  }

  stopRecording(why = ""): void {
    const path = this.path ?? [];
    this.path = null;
    if (path.length < 2) {
      this.tell("Nothing was recorded: the video did not play.");
      return;
    }
    const { keyframes, missed_deg } = keyframesOfPath(path, this.film);
    this.draft.put(keyframes);
    const away = missed_deg <= 1 ? "The film follows your path to 1°." : `The film rounds fast turns by up to ${Math.ceil(missed_deg)}°.`;
    this.tell(`${why}${away}`);
  }

  setKeyframe(): void {
    this.store.set({ projection: "sphere" });
    this.draft.setKeyframe(this.viewer.time_s, this.poseOfView());
  }

  private record(time_s: number): void {
    const last = this.path?.[this.path.length - 1];
    const sample = rounded({ timestamp_s: time_s, ...this.poseOfView(), cut: false });
    const step_s = last ? sample.timestamp_s - last.timestamp_s : 1e-6;
    if (step_s < 0 || step_s > LONGEST_STEP_S) this.stopRecording("The time jumped, so recording ended. ");
    else if (step_s > 0) this.path?.push(sample);
    else this.path?.splice(-1, 1, sample);
  }

  private tell(text: string): void {
    for (const listener of this.listeners) listener(text);
    this.viewer.drawSoon();
  }

  private frame({ flat }: Lens, time_s: number, { outline, through }: State): Frame | null {
    const { ratio } = this.draft.shape;
    if (this.path) return { pose: this.poseOfView(), ratio, shade: SHADE.recording, note: "Recording. M stops it" };
    const pose = outline || through ? this.draft.at(time_s) : null;
    return pose && { pose, ratio, shade: through && !flat ? SHADE.through : SHADE.outside };
  }

  private showChange(): void {
    this.follow(this.viewer.time_s);
    this.viewer.drawSoon();
  }

  /** Turn the view to what the camera sees, where the user looks through it. */
  private follow(time_s: number): void {
    const pose = this.store.state.through ? this.draft.at(time_s) : null;
    if (!pose) return;
    this.isFollowing = true;
    const { yaw_deg, pitch_deg } = pose;
    const fov_deg = fovOfView(pose.fov_deg, this.draft.shape.ratio, this.viewer.lens);
    this.store.set({ yaw_deg, pitch_deg, fov_deg });
    this.isFollowing = false;
  }

  /** Who turns the view does not look through the camera any more. */
  private leaveOrFollow(state: State, before: State): void {
    if (!state.through || this.isFollowing) return;
    const isTurned = (["yaw_deg", "pitch_deg", "fov_deg", "projection"] as const).some((name) => state[name] !== before[name]);
    if (!before.through || state === before) {
      if (state.projection === "flat") this.store.set({ projection: "sphere" });
      this.follow(this.viewer.time_s);
    } else if (isTurned) {
      this.store.set({ through: false });
    }
  }
}

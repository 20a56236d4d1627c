/** What the user has chosen. One object, replaced as a whole; whoever draws subscribes to it. */

export type Projection = "sphere" | "flat";
export type Style = "colours" | "contours" | "spotlight";

/** How long fixations stay: seconds, since the start, or all of them at any time. */
export type Trail = (typeof TRAILS)[number];
export const TRAILS = ["0.5", "1", "2", "5", "past", "all"] as const;

export interface State {
  readonly projection: Projection;
  readonly yaw_deg: number; // of the middle of the view
  readonly pitch_deg: number;
  readonly fov_deg: number; // from the top of the view to its bottom
  readonly layer: boolean;
  readonly stream: string;
  readonly pair: boolean; // two views side by side
  readonly second: string; // stream of the second view; `NO_LAYER` for the picture alone
  readonly style: Style;
  readonly colormap: string;
  readonly opacity: number; // 0 to 1
  readonly threshold: number; // share of the peak below which the layer is hidden
  readonly regions: boolean;
  readonly outline: boolean; // of the film's frame
  readonly through: boolean; // look through the film's camera
  readonly speed: number;
  readonly loop: boolean;
  readonly sound: boolean;
  readonly fixations: boolean;
  readonly scanpaths: boolean;
  readonly trail: Trail;
  readonly viewer: string; // whose gaze is shown; "" for all viewers
  readonly follow: boolean; // the view looks where the viewer looks
}

type Listener = (state: State, before: State) => void;

const FOV_DEG = { least: 20, most: 120 };
const MOST_PITCH_DEG = 90;
const SPEEDS: readonly number[] = [0.25, 0.5, 1, 2]; // those of index.html

export class Store {
  private readonly listeners: Listener[] = [];

  constructor(private current: State) {
    this.current = limited(current);
  }

  get state(): State {
    return this.current;
  }

  set(changes: Partial<State>): void {
    const before = this.current;
    this.current = limited({ ...before, ...changes });
    for (const listener of this.listeners) listener(this.current, before);
  }

  /** Call `listener` now and after each change. */
  subscribe(listener: Listener): void {
    this.listeners.push(listener);
    listener(this.current, this.current);
  }
}

export function isTrail(text: string): text is Trail {
  return (TRAILS as readonly string[]).includes(text);
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/** The same angle in [-180, 180). */
export function wrapDegrees(angle_deg: number): number {
  return ((((angle_deg + 180) % 360) + 360) % 360) - 180;
}

function limited(state: State): State {
  return {
    ...state,
    yaw_deg: wrapDegrees(state.yaw_deg),
    pitch_deg: clamp(state.pitch_deg, -MOST_PITCH_DEG, MOST_PITCH_DEG),
    fov_deg: clamp(state.fov_deg, FOV_DEG.least, FOV_DEG.most),
    opacity: clamp(state.opacity, 0, 1),
    threshold: clamp(state.threshold, 0, 0.95),
    speed: SPEEDS.includes(state.speed) ? state.speed : 1,
  };
}

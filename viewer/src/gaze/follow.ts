/** Where a viewer looks at any time, and the view that looks there too. */

import { type Direction, directionOf, type Vector } from "../drawing/geometry";
import { lastAtOrBefore } from "../maps/maps";
import type { Gaze } from "../scene.gen";
import type { Store } from "../state";
import { makeTracks, type Track } from "./tracks";

const SPREAD_S = 0.2; // the view turns from one fixation to the next over twice this time
const SAMPLES = 8; // on each side

/** The direction of a viewer: that of the fixation, and between two of them in even steps from one to the other. */
export function gazeAt({ starts_s, ends_s, vectors }: Track, time_s: number): Vector {
  const index = Math.max(0, lastAtOrBefore(starts_s, time_s));
  const from: Vector = vectors[index] ?? [0, 0, 1];
  const to = vectors[index + 1];
  const [end_s = 0, next_s = 0] = [ends_s[index], starts_s[index + 1]];
  if (!to || time_s <= end_s || time_s < (starts_s[index] ?? 0)) return from;
  const share = (time_s - end_s) / (next_s - end_s);
  return sum([from, 1 - share], [to, share]);
}

/** The mean direction around a time, so that the view turns smoothly; the same at every visit. */
export function smoothGazeAt(track: Track, time_s: number): Vector {
  const parts: [Vector, number][] = [];
  for (let i = -SAMPLES; i <= SAMPLES; i++) {
    const weight = 1 + Math.cos((Math.PI * i) / (SAMPLES + 1));
    parts.push([gazeAt(track, time_s + (SPREAD_S * i) / SAMPLES), weight]);
  }
  return sum(...parts);
}

/** Turns the view with the chosen viewer. It stops when the user turns the view. */
export class Follower {
  private readonly tracks: readonly Track[];
  private readonly calm = matchMedia("(prefers-reduced-motion: reduce)");
  private turning = false;

  constructor(gaze: Gaze, private readonly store: Store, time: () => number) {
    this.tracks = makeTracks(gaze);
    store.subscribe((state, before) => {
      if (!state.follow || this.turning) return;
      const isTurned = state.yaw_deg !== before.yaw_deg || state.pitch_deg !== before.pitch_deg;
      if (!state.viewer) store.set(before.follow ? { follow: false } : { viewer: this.tracks[0]?.name ?? "" });
      else if (isTurned || (before.follow && state.projection === "flat")) store.set({ follow: false });
      else if (!before.follow || state.viewer !== before.viewer || state === before) this.turn(time());
    });
  }

  /** Look where the viewer looks at a time. */
  turn(time_s: number): void {
    const { follow, viewer } = this.store.state;
    const track = this.tracks.find(({ name }) => name === viewer);
    if (!follow || !track) return;
    const vector = this.calm.matches ? gazeAt(track, time_s) : smoothGazeAt(track, time_s);
    const direction: Direction = directionOf(vector);
    this.turning = true;
    this.store.set({ projection: "sphere", ...direction });
    this.turning = false;
  }
}

function sum(...parts: (readonly [Vector, number])[]): Vector {
  const total: [number, number, number] = [0, 0, 0];
  for (const [vector, weight] of parts) vector.forEach((value, i) => (total[i] = (total[i] ?? 0) + weight * value));
  return total;
}

/** The recorded gaze of each viewer, ready to be drawn at a time. */

import { Color } from "three";

import { unitVector, type Vector } from "../drawing/geometry";
import { lastAtOrBefore } from "../maps/maps";
import type { Gaze } from "../scene.gen";
import type { Trail } from "../state";

export interface Track {
  readonly name: string;
  readonly colour: string; // as CSS
  readonly rgb: readonly [number, number, number]; // the same, 0 to 1
  readonly starts_s: readonly number[]; // empty where no times are known
  readonly ends_s: readonly number[];
  readonly durations_s: readonly number[]; // 0 where it is not known
  readonly longest_s: number;
  readonly yaw_deg: readonly number[];
  readonly pitch_deg: readonly number[];
  readonly vectors: readonly Vector[];
}

const GOLDEN_ANGLE_DEG = 137.508; // neighbours in the list get hues far from each other

export function makeTracks(gaze: Gaze): Track[] {
  return gaze.viewers.map((viewer, number) => ({
    ...viewer,
    ...colourOf(number),
    ends_s: viewer.starts_s.map((start_s, i) => start_s + (viewer.durations_s[i] ?? 0)),
    longest_s: viewer.durations_s.reduce((most, duration_s) => Math.max(most, duration_s), 0),
    vectors: viewer.yaw_deg.map((yaw_deg, i) => unitVector({ yaw_deg, pitch_deg: viewer.pitch_deg[i] ?? 0 })),
  }));
}

/** The rgb of a hue with 90 % saturation and 66 % lightness. */
function colourOf(number: number): Pick<Track, "colour" | "rgb"> {
  const hue_deg = Math.round(205 + number * GOLDEN_ANGLE_DEG) % 360;
  const { r, g, b } = new Color().setHSL(hue_deg / 360, 0.9, 0.66);
  return { colour: `hsl(${hue_deg} 90% 66%)`, rgb: [r, g, b] };
}

export function isTimed(gaze: Gaze | null): boolean {
  return gaze?.viewers.some(({ starts_s }) => starts_s.length > 0) ?? false;
}

const ROUNDING_S = 0.0006; // of times in logs, as for the frames of fixations in atsal

/** The frame on screen, and how long before it fixations are shown. */
export class Moment {
  readonly from_s: number; // a fixation that overlaps [from_s, until_s] is in the frame
  readonly until_s: number;
  readonly trail_s: number;
  readonly always: boolean; // fixations of any time are shown

  /** `frame_s` is how long the frame is on screen; 0 for a photo. */
  constructor(time_s: number, frame_s: number, trail: Trail, isTimed: boolean) {
    this.from_s = time_s + (frame_s && ROUNDING_S);
    this.until_s = time_s + frame_s - (frame_s && ROUNDING_S);
    this.always = trail === "all" || !isTimed;
    this.trail_s = trail === "past" || this.always ? Infinity : Number(trail);
  }

  /** The first fixation that may be shown and the one after the last, of fixations in order of time. */
  range(starts_s: readonly number[], longest_s: number): [number, number] {
    if (this.always) return [0, starts_s.length];
    const earliest_s = this.from_s - this.trail_s - longest_s;
    return [lastAtOrBefore(starts_s, earliest_s) + 1, lastAtOrBefore(starts_s, this.until_s) + 1];
  }

  /** About how many fixations of a viewer are shown. */
  count({ starts_s, vectors }: Track): number {
    if (this.always) return vectors.length;
    const [first, end] = this.range(starts_s, 0);
    return end - first;
  }
}

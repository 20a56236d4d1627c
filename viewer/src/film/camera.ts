/** The camera of a plan, as `atsal.directing.camera` computes it: even turns, with corners that are rounded. */

import type { Direction } from "../drawing/geometry";
import { lastAtOrBefore } from "../maps/maps";
import type { Keyframe } from "../scene.gen";
import { wrapDegrees } from "../state";

export interface Pose extends Direction {
  readonly fov_deg: number; // along the longer side of the film
}

type Values = readonly [number, number, number]; // yaw, pitch, field of view

interface Shot {
  readonly times_s: readonly number[];
  readonly values: readonly Values[]; // yaw takes the shorter way, and may leave [-180, 180)
  readonly speeds: readonly Values[]; // from each keyframe to the next; 0 after the last
}

const CLOCK_S = 1e-5; // the times of the player are rounded; a cut is not to be a frame late

export class Camera {
  private readonly starts_s: readonly number[];
  private readonly shots: readonly Shot[];

  /** `keyframes` are in the order of time, one at least; the path is averaged over `rounding_s`. */
  constructor(
    keyframes: readonly Keyframe[],
    private readonly rounding_s: number,
  ) {
    const shots = splitAtCuts(keyframes);
    this.starts_s = shots.map((shot) => shot[0]?.timestamp_s ?? 0);
    this.shots = shots.map(makeShot);
  }

  at(time_s: number): Pose {
    const number = Math.max(0, lastAtOrBefore(this.starts_s, time_s + CLOCK_S));
    const [yaw, pitch_deg, fov_deg] = this.rounded(this.shots[number] as Shot, time_s);
    return { yaw_deg: wrapDegrees(yaw), pitch_deg, fov_deg };
  }

  /** The straight line that ends before the window of the average, plus each rounded corner within it. */
  private rounded({ times_s, values, speeds }: Shot, time_s: number): Values {
    const half_s = this.rounding_s / 2;
    const before = lastAtOrBefore(times_s, time_s - half_s);
    let sum = values[Math.max(0, before)] as Values;
    let speed: Values = [0, 0, 0];
    if (before >= 0) {
      speed = speeds[before] as Values;
      sum = plus(sum, speed, time_s - (times_s[before] ?? 0));
    }
    for (let i = before + 1; i < times_s.length && (times_s[i] ?? 0) < time_s + half_s; i++) {
      const bend_s = roundedRamp(time_s - (times_s[i] ?? 0), this.rounding_s);
      sum = plus(plus(sum, speeds[i] as Values, bend_s), speed, -bend_s);
      speed = speeds[i] as Values;
    }
    return sum;
  }
}

/** The keyframes from cut to cut. */
export function splitAtCuts(keyframes: readonly Keyframe[]): Keyframe[][] {
  const shots: Keyframe[][] = [];
  for (const keyframe of keyframes) {
    const last = shots[shots.length - 1];
    if (last && !keyframe.cut) last.push(keyframe);
    else shots.push([keyframe]);
  }
  return shots;
}

/** The turn from one yaw to another by the shorter way, in [-180, 180]. */
export function shorterTurn(from_deg: number, to_deg: number): number {
  const turn = wrapDegrees(to_deg - from_deg);
  return turn === -180 && to_deg > from_deg ? 180 : turn;
}

function makeShot(keyframes: readonly Keyframe[]): Shot {
  const times_s = keyframes.map(({ timestamp_s }) => timestamp_s);
  const values: Values[] = [];
  for (const { yaw_deg, pitch_deg, fov_deg } of keyframes) {
    const yaw_before = values[values.length - 1]?.[0] ?? yaw_deg;
    values.push([yaw_before + shorterTurn(yaw_before, yaw_deg), pitch_deg, fov_deg]);
  }
  const speeds = values.map((value, i): Values => {
    const [next, elapsed_s] = [values[i + 1], (times_s[i + 1] ?? 0) - (times_s[i] ?? 0)];
    return next ? [0, 1, 2].map((k) => ((next[k] ?? 0) - (value[k] ?? 0)) / elapsed_s) as unknown as Values : [0, 0, 0];
  });
  return { times_s, values, speeds };
}

/** The average of max(0, t) around a time, weighted by a Hann window. */
function roundedRamp(time_s: number, rounding_s: number): number {
  const half_s = rounding_s / 2;
  const inside_s = Math.min(Math.max(time_s, -half_s), half_s);
  const frequency = (2 * Math.PI) / rounding_s;
  return ((inside_s + half_s) ** 2 / 2 - (1 + Math.cos(frequency * inside_s)) / frequency ** 2) / rounding_s;
}

function plus(a: Values, b: Values, times: number): Values {
  return [a[0] + times * b[0], a[1] + times * b[1], a[2] + times * b[2]];
}

/** Makes keyframes that a plan may have: no turn is too fast, and cuts are far enough apart. */

import { shorterTurn } from "./camera";
import type { Film, Keyframe } from "../scene.gen";
import { wrapDegrees } from "../state";

const JUMP_DEG = 30; // whoever turns too fast by more than this wants to be there at once
const SLOWED = 0.99; // of the highest speed: values are rounded

/**
 * Return the keyframes, in the order of time, as a plan may have them.
 *
 * A turn that is too fast becomes a cut if it is far, and is slowed down if it is not, or if the last cut was a moment
 * ago. The first keyframe begins the film, and counts as a cut.
 */
export function withinRules(keyframes: readonly Keyframe[], film: Film): Keyframe[] {
  const found: Keyframe[] = [];
  let cut_s = 0;
  for (let i = 0; i < keyframes.length; i++) {
    const before = found[found.length - 1];
    if (before && !mustCut(before, keyframes, i, cut_s, film)) {
      found.push({ ...slowed(before, keyframes[i] as Keyframe, film), cut: false });
      continue;
    }
    if (before) i = endOfJump(keyframes, i, film);
    const next = keyframes[i] as Keyframe;
    cut_s = cutTime(next);
    found.push({ ...next, timestamp_s: cut_s, cut: true });
  }
  return found;
}

/** The values as a plan has them: no more digits than people want to read. */
export function rounded({ timestamp_s, yaw_deg, pitch_deg, fov_deg, cut }: Keyframe): Keyframe {
  const [yaw, pitch, fov] = [yaw_deg, pitch_deg, fov_deg].map((value) => Math.round(value * 1000) / 1000);
  return { timestamp_s: +timestamp_s.toFixed(6), yaw_deg: yaw ?? 0, pitch_deg: pitch ?? 0, fov_deg: fov ?? 0, cut };
}

/** A moment before the frame that begins a shot: times are rounded, and the cut is not to be a frame late. */
function cutTime({ timestamp_s }: Keyframe): number {
  return Math.floor(timestamp_s * 1000 + 1e-6) / 1000;
}

/** The greatest angle that the camera turns between two keyframes, as `atsal.directing` measures it. */
export function turnBetween(a: Keyframe, b: Keyframe): number {
  return Math.hypot(shorterTurn(a.yaw_deg, b.yaw_deg), b.pitch_deg - a.pitch_deg);
}

export function isTooFast(a: Keyframe, b: Keyframe, film: Film): boolean {
  return turnBetween(a, b) > film.max_speed_deg_s * (b.timestamp_s - a.timestamp_s);
}

function mustCut(before: Keyframe, all: readonly Keyframe[], index: number, cut_s: number, film: Film): boolean {
  const next = all[index] as Keyframe;
  if (cutTime(next) - cut_s < film.min_cut_s) return false;
  if (next.cut) return true;
  const end = all[endOfJump(all, index, film)] as Keyframe;
  return isTooFast(before, next, film) && turnBetween(before, end) > JUMP_DEG;
}

/** The last keyframe of a fast turn: the cut goes there, and what is between is left out. */
function endOfJump(all: readonly Keyframe[], index: number, film: Film): number {
  let end = index;
  while (!all[index]?.cut) {
    const [here, next] = [all[end], all[end + 1]];
    if (!here || !next || next.cut || !isTooFast(here, next, film)) break;
    end++;
  }
  return end;
}

function slowed(before: Keyframe, wanted: Keyframe, film: Film): Keyframe {
  if (!isTooFast(before, wanted, film)) return wanted;
  const most_deg = SLOWED * film.max_speed_deg_s * (wanted.timestamp_s - before.timestamp_s);
  const share = most_deg / turnBetween(before, wanted);
  return rounded({
    ...wanted,
    yaw_deg: wrapDegrees(before.yaw_deg + share * shorterTurn(before.yaw_deg, wanted.yaw_deg)),
    pitch_deg: before.pitch_deg + share * (wanted.pitch_deg - before.pitch_deg),
  });
}

/** A recorded path as a few keyframes, whose camera follows it. */

import { Camera, type Pose, shorterTurn, splitAtCuts } from "./camera";
import { isTooFast, rounded, turnBetween, withinRules } from "./rules";
import { unitVector } from "../drawing/geometry";
import type { Film, Keyframe } from "../scene.gen";
import { clamp, wrapDegrees } from "../state";

const TOLERANCE_DEG = 0.6; // of the straight lines between keyframes
const WANTED_DEG = 0.9; // of the camera
const PASSES = 12;

export interface Fit {
  readonly keyframes: readonly Keyframe[];
  readonly missed_deg: number; // the most that the camera is away from the path
}

/**
 * Return few keyframes for a path of many, in the order of time: the camera stays within 1° of it where it can.
 *
 * The camera rounds the corners of the lines between keyframes. So the keyframes are moved, again and again, by what it
 * missed, as long as it comes closer and no turn is too fast.
 */
export function keyframesOfPath(path: readonly Keyframe[], film: Film): Fit {
  const shots = splitAtCuts(withinRules(path, film)).map((shot) => keyframesOfShot(shot, film));
  return {
    keyframes: shots.flatMap(({ keyframes }) => keyframes),
    missed_deg: Math.max(...shots.map(({ missed_deg }) => missed_deg)),
  };
}

/** How far two poses are apart: the angle between their directions, or the change of the field of view. */
export function apart(a: Pose, b: Pose): number {
  const [u, v] = [unitVector(a), unitVector(b)];
  const chord = Math.hypot(u[0] - v[0], u[1] - v[1], u[2] - v[2]);
  const angle_deg = (2 * Math.asin(Math.min(chord / 2, 1)) * 180) / Math.PI;
  return Math.max(angle_deg, Math.abs(a.fov_deg - b.fov_deg));
}

function keyframesOfShot(path: readonly Keyframe[], film: Film): Fit {
  let best = fitOf(path, path, film);
  let aim = path;
  let gain = 1;
  for (let pass = 0; pass < PASSES && best.missed_deg > WANTED_DEG; pass++) {
    const camera = new Camera(best.keyframes, film.rounding_s);
    const next = aim.map((keyframe, i) => moved(keyframe, camera, path[i] as Keyframe, gain, film));
    const tried = fitOf(next, path, film);
    const isBetter = tried.missed_deg < best.missed_deg && !hasFastTurn(tried.keyframes, film);
    if (isBetter) [best, aim] = [tried, next];
    else gain /= 2;
  }
  return best;
}

/** The keyframes of an aim, and how far their camera is from the path. */
function fitOf(aim: readonly Keyframe[], path: readonly Keyframe[], film: Film): Fit {
  const keyframes = thin(aim, film).map(rounded);
  const camera = new Camera(keyframes, film.rounding_s);
  const missed_deg = path.reduce((most, wanted) => Math.max(most, apart(wanted, camera.at(wanted.timestamp_s))), 0);
  return { keyframes, missed_deg };
}

function hasFastTurn(keyframes: readonly Keyframe[], film: Film): boolean {
  return keyframes.some((next, i) => i > 0 && isTooFast(keyframes[i - 1] as Keyframe, next, film));
}

/** A keyframe that is moved by what the camera missed, times `gain`. */
function moved(keyframe: Keyframe, camera: Camera, wanted: Keyframe, gain: number, film: Film): Keyframe {
  const seen = camera.at(wanted.timestamp_s);
  return {
    ...keyframe,
    yaw_deg: wrapDegrees(keyframe.yaw_deg + gain * shorterTurn(seen.yaw_deg, wanted.yaw_deg)),
    pitch_deg: clamp(keyframe.pitch_deg + gain * (wanted.pitch_deg - seen.pitch_deg), -90, 90),
    fov_deg: clamp(keyframe.fov_deg + gain * (wanted.fov_deg - seen.fov_deg), ...film.fov_deg),
  };
}

/**
 * Leave out the keyframes that the lines between the others come near.
 *
 * Douglas & Peucker, Cartographica 10, 1973, with angles on the sphere. Each line turns by the shorter way.
 */
function thin(path: readonly Keyframe[], film: Film): Keyframe[] {
  const turned_deg = [0]; // since the start, all turns added up
  path.slice(1).forEach((keyframe, i) => turned_deg.push((turned_deg[i] ?? 0) + turnBetween(path[i] as Keyframe, keyframe)));
  const kept = new Set([0, path.length - 1]);
  const waiting: [number, number][] = [[0, path.length - 1]];
  for (let span = waiting.pop(); span; span = waiting.pop()) {
    const [first, last] = span;
    const isLong = (turned_deg[last] ?? 0) - (turned_deg[first] ?? 0) > film.longest_turn_deg;
    const middle = isLong ? (first + last) >> 1 : farthest(path, first, last);
    if (middle <= first || middle >= last) continue;
    kept.add(middle);
    waiting.push([first, middle], [middle, last]);
  }
  return path.filter((_, i) => kept.has(i));
}

/** The number of the keyframe that is farthest from the line between two others; the first one's if all are near. */
function farthest(path: readonly Keyframe[], first: number, last: number): number {
  const [a, b] = [path[first] as Keyframe, path[last] as Keyframe];
  const turn_deg = shorterTurn(a.yaw_deg, b.yaw_deg);
  let [found, most_deg] = [first, TOLERANCE_DEG];
  for (let i = first + 1; i < last; i++) {
    const keyframe = path[i] as Keyframe;
    const share = (keyframe.timestamp_s - a.timestamp_s) / (b.timestamp_s - a.timestamp_s);
    const onLine = {
      yaw_deg: a.yaw_deg + share * turn_deg,
      pitch_deg: a.pitch_deg + share * (b.pitch_deg - a.pitch_deg),
      fov_deg: a.fov_deg + share * (b.fov_deg - a.fov_deg),
    };
    const away_deg = apart(keyframe, onLine);
    if (away_deg > most_deg) [found, most_deg] = [i, away_deg];
  }
  return found;
}

/** The frame of the film's camera: its size, and its outline in the view. */

import type { Pose } from "./camera";
import type { Lens } from "../drawing/geometry";

export type Point = readonly [number, number]; // in pixels of the view, from its upper left corner

export interface Outline {
  readonly line: readonly Point[]; // the border of the frame
  readonly area: readonly Point[]; // what is inside; it differs where a pole is
}

const RADIAN = Math.PI / 180;
const POINTS = 24; // along each side of the frame
const NEAREST = 1e-3; // depth at which lines that go behind the viewer end

/** Half the width and half the height of the frame on the image plane at distance 1. `ratio` is width by height. */
export function halfExtents(fov_deg: number, ratio: number): readonly [number, number] {
  const longer = Math.tan((fov_deg * RADIAN) / 2);
  return ratio >= 1 ? [longer, longer / ratio] : [longer * ratio, longer];
}

/** The field of view along the longer side of the largest frame that fits into the view. */
export function fovThatFits(lens: Lens, ratio: number): number {
  const halfWidth = Math.min(lens.tangent[0], lens.tangent[1] * ratio);
  return (2 * Math.atan(ratio >= 1 ? halfWidth : halfWidth / ratio)) / RADIAN;
}

/** The field of view from the top to the bottom of the view into which the frame just fits. */
export function fovOfView(fov_deg: number, ratio: number, lens: Lens): number {
  const [halfWidth, halfHeight] = halfExtents(fov_deg, ratio);
  return (2 * Math.atan(Math.max(halfHeight, (halfWidth * lens.tangent[1]) / lens.tangent[0]))) / RADIAN;
}

/** The outline on the sphere: its sides are straight in the view, so its corners are enough. Empty behind the viewer. */
export function outlineOnSphere(pose: Pose, ratio: number, lens: Lens, width: number, height: number): Outline {
  const corners = border(pose, ratio, 1).map((ray) => [dot(ray, lens.right), dot(ray, lens.up), dot(ray, lens.forward)]);
  const ahead = corners.flatMap((corner, i) => clipped(corner, corners[(i + 1) % corners.length] ?? corner));
  const area = ahead.map(([x = 0, y = 0, z = 1]): Point => [
    (width / 2) * (1 + x / z / lens.tangent[0]),
    (height / 2) * (1 - y / z / lens.tangent[1]),
  ]);
  return { line: [...area, ...area.slice(0, 1)], area };
}

/** The outline in the flat view, once for each place where a part of it is seen: beyond the left, here, to the right. */
export function outlinesOnFlat(pose: Pose, ratio: number, lens: Lens, width: number, height: number): Outline[] {
  const line = directions(pose, ratio);
  const area = [...line, ...alongPole(line, pose)];
  const place = ([yaw, pitch]: Point, turns: number): Point => [
    (width / 2) * (1 + (yaw / 180 + 2 * turns) * lens.flatScale[0]),
    (height / 2) * (1 - (pitch / 90) * lens.flatScale[1]),
  ];
  return [-1, 0, 1].map((turns) => {
    const [lineThere, areaThere] = [line, area].map((list) => list.map((direction) => place(direction, turns)));
    return { line: lineThere ?? [], area: areaThere ?? [] };
  });
}

/** Yaw and pitch along the border, without jumps, back to its start. */
function directions(pose: Pose, ratio: number): Point[] {
  const found: Point[] = [];
  const rays = border(pose, ratio, POINTS);
  for (const [x = 0, y = 0, z = 0] of [...rays, rays[0] ?? []]) {
    const yaw = Math.atan2(x, z) / RADIAN;
    const before = found[found.length - 1]?.[0] ?? yaw;
    found.push([yaw - 360 * Math.round((yaw - before) / 360), Math.atan2(y, Math.hypot(x, z)) / RADIAN]);
  }
  return found;
}

/** What closes a border that goes all around, because a pole is in the frame: two points at the pole. */
function alongPole(line: readonly Point[], pose: Pose): Point[] {
  const [first, last] = [line[0]?.[0] ?? 0, line[line.length - 1]?.[0] ?? 0];
  const pole = Math.sign(pose.pitch_deg) * 90;
  return Math.abs(last - first) < 180 ? [] : [[last, pole], [first, pole]];
}

/** Rays along the border, clockwise from the upper left corner. */
function border(pose: Pose, ratio: number, points: number): number[][] {
  const [halfWidth, halfHeight] = halfExtents(pose.fov_deg, ratio);
  const along = Array.from({ length: points }, (_, i) => (2 * i) / points - 1);
  const places = [
    ...along.map((at) => [at, 1]),
    ...along.map((at) => [1, -at]),
    ...along.map((at) => [-at, -1]),
    ...along.map((at) => [-1, at]),
  ];
  return places.map(([right = 0, up = 0]) => rayAt(pose, right * halfWidth, up * halfHeight));
}

function rayAt({ yaw_deg, pitch_deg }: Pose, right: number, up: number): number[] {
  const [yaw, pitch] = [yaw_deg * RADIAN, pitch_deg * RADIAN];
  const level = Math.cos(pitch) - up * Math.sin(pitch); // what is left of the ray on the horizon, straight ahead
  return [
    level * Math.sin(yaw) + right * Math.cos(yaw),
    Math.sin(pitch) + up * Math.cos(pitch),
    level * Math.cos(yaw) - right * Math.sin(yaw),
  ];
}

/** The start of a line, and where it crosses the plane in front of the viewer, as far as they are ahead. */
function clipped(from: number[], to: number[]): number[][] {
  const [start, end] = [from[2] ?? 0, to[2] ?? 0];
  const found = start >= NEAREST ? [from] : [];
  if (start >= NEAREST === end >= NEAREST) return found;
  const share = (NEAREST - start) / (end - start);
  return [...found, from.map((value, i) => value + share * ((to[i] ?? 0) - value))];
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

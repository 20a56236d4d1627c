/**
 * Directions and places in the view.
 *
 * Unit vectors are x right, y up, z forward, as in atsal. A place is in [-1, 1] from the left to the right and from the
 * bottom to the top of the view.
 */

import type { State } from "../state";

export type Vector = readonly [number, number, number];

export interface Direction {
  readonly yaw_deg: number;
  readonly pitch_deg: number;
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** How places and directions belong together, for a view of `aspect` times the width by height. */
export interface Lens {
  readonly right: Vector;
  readonly up: Vector;
  readonly forward: Vector;
  readonly tangent: readonly [number, number]; // of half the field of view
  readonly flat: boolean;
  readonly flatScale: readonly [number, number]; // share of the view's sides that the flat picture takes
}

/** Where a point of the page is in a box of it: as a place, beyond [-1, 1] outside the box. */
export function placeIn(box: { left: number; top: number; width: number; height: number }, x: number, y: number): Place {
  return { x: ((x - box.left) / box.width) * 2 - 1, y: 1 - ((y - box.top) / box.height) * 2 };
}

const RADIAN = Math.PI / 180;

export function makeLens(state: State, aspect: number): Lens {
  const [yaw, pitch] = [state.yaw_deg * RADIAN, state.pitch_deg * RADIAN];
  const tangent = Math.tan((state.fov_deg * RADIAN) / 2);
  return {
    right: [Math.cos(yaw), 0, -Math.sin(yaw)],
    up: [-Math.sin(pitch) * Math.sin(yaw), Math.cos(pitch), -Math.sin(pitch) * Math.cos(yaw)],
    forward: unitVector(state),
    tangent: [tangent * aspect, tangent],
    flat: state.projection === "flat",
    flatScale: aspect > 2 ? [2 / aspect, 1] : [1, aspect / 2],
  };
}

export function directionOf([x, y, z]: Vector): Direction {
  return { yaw_deg: Math.atan2(x, z) / RADIAN, pitch_deg: Math.atan2(y, Math.hypot(x, z)) / RADIAN };
}

export function unitVector({ yaw_deg, pitch_deg }: Direction): Vector {
  const [yaw, pitch] = [yaw_deg * RADIAN, pitch_deg * RADIAN];
  return [Math.cos(pitch) * Math.sin(yaw), Math.sin(pitch), Math.cos(pitch) * Math.cos(yaw)];
}

/** The place where a direction is seen; null outside the view. */
export function project(lens: Lens, direction: Direction): Place | null {
  if (lens.flat) {
    return { x: (direction.yaw_deg / 180) * lens.flatScale[0], y: (direction.pitch_deg / 90) * lens.flatScale[1] };
  }
  const vector = unitVector(direction);
  const depth = dot(vector, lens.forward);
  if (depth <= 0) return null;
  const x = dot(vector, lens.right) / depth / lens.tangent[0];
  const y = dot(vector, lens.up) / depth / lens.tangent[1];
  return Math.abs(x) <= 1 && Math.abs(y) <= 1 ? { x, y } : null;
}

/** The direction that is seen at a place; null beside the flat picture. */
export function directionAt(lens: Lens, { x, y }: Place): Direction | null {
  if (lens.flat) {
    const [u, v] = [x / lens.flatScale[0], y / lens.flatScale[1]];
    return Math.abs(u) <= 1 && Math.abs(v) <= 1 ? { yaw_deg: u * 180, pitch_deg: v * 90 } : null;
  }
  const [a, b] = [x * lens.tangent[0], y * lens.tangent[1]];
  const ray = [0, 1, 2].map((i) => (lens.forward[i] ?? 0) + a * (lens.right[i] ?? 0) + b * (lens.up[i] ?? 0));
  const [dx = 0, dy = 0, dz = 0] = ray;
  return directionOf([dx, dy, dz]);
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

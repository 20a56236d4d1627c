/** The streams by what they are: each has maps of gaze, of heads, or of both. */

import type { Maps, Stream } from "../scene.gen";

export const NO_LAYER = "none"; // in place of the name of a stream: the picture alone

export type Direction = Stream["direction"];

const DIRECTIONS: Record<Direction, string> = { head_eye: "gaze", head: "heads" };

/** The kinds of streams, each once: fused, attention, experts. */
export function kinds({ streams }: Maps): string[] {
  return [...new Set(streams.map(({ kind }) => kind))];
}

/** The directions that there are maps of. */
export function directions({ streams }: Maps): Direction[] {
  return [...new Set(streams.map(({ direction }) => direction))];
}

/** The name of the stream that differs from `name` as the changes say, else of any that is as they say, else `name`. */
export function similar({ streams }: Maps, name: string, changes: { kind?: string; direction?: Direction }): string {
  const wanted = { ...streams.find((stream) => stream.name === name), ...changes };
  const found = streams.find(({ kind, direction }) => kind === wanted.kind && direction === wanted.direction);
  const { kind: wantedKind, direction: wantedDirection } = changes;
  const near = streams.find(({ kind, direction }) => kind === (wantedKind ?? kind) && direction === (wantedDirection ?? direction));
  return (found ?? near)?.name ?? name;
}

/** The name of the same stream in the other direction; `name` where there is none. */
export function inOtherDirection(maps: Maps, name: string): string {
  const own = maps.streams.find((stream) => stream.name === name)?.direction;
  const other = directions(maps).find((direction) => direction !== own);
  return other ? similar(maps, name, { direction: other }) : name;
}

/** The name for people, as "Fused, gaze"; without a stream, that of the picture. */
export function streamTitle(maps: Maps, name: string): string {
  const stream = maps.streams.find((known) => known.name === name);
  return stream ? `${capitalised(stream.kind)}, ${DIRECTIONS[stream.direction]}` : "Picture only";
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

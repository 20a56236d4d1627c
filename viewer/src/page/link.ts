/** The part of the address after `#`, which restores a view. */

import { NO_LAYER } from "../maps/streams";
import { type Projection, type State, type Style, TRAILS } from "../state";

const NUMBERS = ["yaw_deg", "pitch_deg", "fov_deg", "opacity", "threshold", "speed"] as const;
const SWITCHES = ["layer", "regions", "outline", "through", "loop", "pair", "fixations", "scanpaths", "follow"] as const;
const CHOICES = ["projection", "stream", "second", "style", "colormap", "trail", "viewer"] as const;

/** The state and the time as text; what is as at the start is left out. */
export function toHash(state: State, start: State, time_s: number): string {
  const values = new URLSearchParams();
  if (time_s > 0) values.set("t", time_s.toFixed(3));
  for (const name of [...NUMBERS, ...SWITCHES, ...CHOICES]) {
    const value = state[name];
    if (value !== start[name]) values.set(name, typeof value === "number" ? `${+value.toFixed(2)}` : `${value}`);
  }
  return values.toString();
}

/** The changes that a text asks for. Values that this page does not have are ignored: links outlive results. */
export function fromHash(
  hash: string,
  known: { streams: readonly string[]; colormaps: readonly string[]; viewers: readonly string[] },
): { changes: Partial<State>; time_s: number } {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const changes: { -readonly [K in keyof State]?: State[K] } = {};
  for (const name of NUMBERS) {
    const number = values.get(name) ? Number(values.get(name)) : NaN;
    if (Number.isFinite(number)) changes[name] = number;
  }
  for (const name of SWITCHES) {
    const value = values.get(name);
    if (value === "true" || value === "false") changes[name] = value === "true";
  }
  const projection = oneOf<Projection>(values.get("projection"), ["sphere", "flat"]);
  const style = oneOf<Style>(values.get("style"), ["colours", "contours", "spotlight"]);
  const stream = oneOf(values.get("stream"), known.streams);
  const second = oneOf(values.get("second"), [...known.streams, NO_LAYER]);
  const colormap = oneOf(values.get("colormap"), known.colormaps);
  const trail = oneOf(values.get("trail"), TRAILS);
  const viewer = oneOf(values.get("viewer"), known.viewers);
  const time_s = Number(values.get("t"));
  return {
    changes: {
      ...changes,
      ...(projection && { projection }),
      ...(style && { style }),
      ...(stream && { stream }),
      ...(second && { second }),
      ...(colormap && { colormap }),
      ...(trail && { trail }),
      ...(viewer && { viewer }),
    },
    time_s: Number.isFinite(time_s) && time_s > 0 ? time_s : 0,
  };
}

function oneOf<T extends string>(value: string | null, allowed: readonly T[]): T | null {
  return allowed.find((name) => name === value) ?? null;
}

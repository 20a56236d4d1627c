/** The maps by stream and frame: fetched by time, with the latest files kept, so that memory is steady. */

import { unpackMaps } from "./packed";
import type { Maps, Stream } from "../scene.gen";
import type { FrameMap, MapSource } from "./source";

const KEPT_FILES = 12;

interface Chunk {
  maps: Uint8Array[] | null; // null while it loads
}

export class MapStore implements MapSource {
  private readonly chunks = new Map<string, Chunk>(); // the file used last is at the end
  private readonly failed = new Set<string>();
  private readonly listeners: (() => void)[] = [];
  private readonly step_s: number; // from map to map
  private readonly slack_s: number; // well within a frame: times are rounded

  /** `onError` is called when a file cannot be loaded. */
  constructor(
    private readonly maps: Maps,
    private readonly frameRate: number,
    private readonly onError: (message: string) => void,
  ) {
    this.step_s = typicalStep(maps.times_s);
    this.slack_s = Math.min(this.step_s, frameRate ? 1 / frameRate : this.step_s) / 4;
  }

  listen(listener: () => void): void {
    this.listeners.push(listener);
  }

  at(name: string, time_s: number): FrameMap | null {
    const [stream, index] = [this.stream(name), this.indexAt(time_s)];
    const levels = stream && index !== null ? this.levels(stream, index) : null;
    return levels && { name: `${index}`, levels, peak_ratio: stream?.peak_ratio[index ?? 0] ?? 0 };
  }

  covers(time_s: number): boolean {
    return this.indexAt(time_s) !== null;
  }

  bits(name: string, time_s: number): number | null {
    const index = this.indexAt(time_s);
    return index === null ? null : (this.stream(name)?.concentration_bits[index] ?? null);
  }

  stepFrom(time_s: number, direction: 1 | -1): number | null {
    const index = this.indexAt(time_s);
    return index === null ? null : this.timeWithin(index + direction);
  }

  /** A time within the first frame that has a map; 0 where it is the first frame of all. */
  get first_s(): number {
    return this.covers(0) ? 0 : (this.timeWithin(0) ?? 0);
  }

  private stream(name: string): Stream | undefined {
    return this.maps.streams.find((stream) => stream.name === name);
  }

  /** The number of the map of the frame at a time; null where nothing was predicted. */
  private indexAt(time_s: number): number | null {
    if (!this.frameRate) return 0; // a photo has one map at all times
    const times = this.maps.times_s;
    const index = lastAtOrBefore(times, time_s + this.slack_s);
    const [start, next] = [times[index], times[index + 1]];
    if (start === undefined) return null;
    const end = next === undefined ? start + this.step_s : Math.min(next, start + 1.5 * this.step_s);
    return time_s < end - this.slack_s ? index : null;
  }

  /** A time within the frame of a map; null outside the list. */
  private timeWithin(index: number): number | null {
    const start = this.maps.times_s[index];
    return start === undefined ? null : start + this.slack_s;
  }

  /** The levels of a map; null while its file loads. The file after it is fetched too. */
  private levels(stream: Stream, index: number): Uint8Array | null {
    const number = Math.floor(index / this.maps.chunk_frames);
    const found = this.load(stream.chunks[number]);
    this.load(stream.chunks[(number + 1) % stream.chunks.length]);
    this.load(stream.chunks[number]); // used last
    return found?.maps?.[index % this.maps.chunk_frames] ?? null;
  }

  private load(file: string | undefined): Chunk | undefined {
    if (file === undefined || this.failed.has(file)) return undefined;
    const known = this.chunks.get(file);
    const chunk = known ?? { maps: null };
    this.chunks.delete(file);
    this.chunks.set(file, chunk);
    if (!known) void this.fetch(file, chunk);
    return chunk;
  }

  private async fetch(file: string, chunk: Chunk): Promise<void> {
    try {
      const response = await fetch(file);
      if (!response.ok) throw new Error(`answer ${response.status}`);
      chunk.maps = await unpackMaps(await response.arrayBuffer());
      for (const old of [...this.chunks.keys()].slice(0, -KEPT_FILES)) this.chunks.delete(old);
      for (const listener of this.listeners) listener();
    } catch (error) {
      this.failed.add(file);
      this.chunks.delete(file);
      this.onError(`The maps in ${file} cannot be loaded (${(error as Error).message}). Is atsal view still running?`);
    }
  }
}

/** The index of the last value that is not greater; -1 where there is none. */
export function lastAtOrBefore(values: readonly number[], value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? Infinity) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function typicalStep(times: readonly number[]): number {
  const steps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1] ?? 1 / 30;
}

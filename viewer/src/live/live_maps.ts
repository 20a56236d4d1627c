/** The map that the network made last, and the frame it belongs to. */

import type { FrameMap, MapSource } from "../maps/source";
import type { Found } from "./messages";

const LASTS_S = 1; // while a video plays, a map stands for later frames up to this time;
const LASTS_PREDICTIONS = 3; // on a slow machine, for as long as so many predictions take
const FRAME_S = { guess: 1 / 24, most: 0.2 }; // the time from frame to frame, which no browser tells

export class LiveMaps implements MapSource {
  running = true; // predictions are made
  moving = false; // the video plays
  latest: Found | null = null;
  private frame_s = FRAME_S.guess;
  private isGuess = true;
  private last_s = 0;
  private steppedFrom_s: number | null = null;
  private readonly listeners: (() => void)[] = [];

  /** Begin another file. */
  clear(): void {
    this.latest = null;
    [this.frame_s, this.isGuess] = [FRAME_S.guess, true];
    [this.last_s, this.steppedFrom_s] = [0, null];
  }

  put(found: Found): void {
    this.latest = found;
    for (const listener of this.listeners) listener();
  }

  /** Take note of the time of a frame: the least difference is the time from frame to frame. */
  noteTime(time_s: number): void {
    const gap_s = Math.abs(time_s - this.last_s);
    this.last_s = time_s;
    if (gap_s === 0 || gap_s > FRAME_S.most) return;
    this.frame_s = this.isGuess ? gap_s : Math.min(this.frame_s, gap_s);
    this.isGuess = false;
  }

  /** The age of the map, where it may stand for a frame; else null. A video that rests needs the map of its frame. */
  ageAt(time_s: number): number | null {
    if (!this.latest) return null;
    const age_s = time_s - this.latest.time_s;
    const most_s = Math.max(LASTS_S, (LASTS_PREDICTIONS * this.latest.took_ms) / 1000);
    const fits = age_s === 0 || (this.moving && age_s > 0 && age_s <= most_s);
    return fits ? age_s : null;
  }

  at(stream: string, time_s: number): FrameMap | null {
    const found = this.ageAt(time_s) === null ? undefined : this.latest?.maps[stream];
    return found && this.latest ? { name: this.latest.time_s.toFixed(6), ...found } : null;
  }

  bits(stream: string, time_s: number): number | null {
    return this.ageAt(time_s) === null ? null : (this.latest?.maps[stream]?.bits ?? null);
  }

  covers(time_s: number): boolean {
    return this.running || this.ageAt(time_s) !== null;
  }

  stepFrom(time_s: number, direction: 1 | -1): number {
    if (time_s === this.steppedFrom_s) this.frame_s *= 1.5; // the last step led nowhere: frames are longer
    this.steppedFrom_s = time_s;
    return time_s + (direction + 0.25) * this.frame_s; // well within the frame
  }

  listen(listener: () => void): void {
    this.listeners.push(listener);
  }
}

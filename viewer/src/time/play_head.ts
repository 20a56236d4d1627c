/** Time for a photo with recorded gaze: how long viewers have seen it. */

import type { Player } from "./playback";

export class PlayHead implements Player {
  private time_s = 0;
  private clock_ms: number | null = null; // of the last step, while it plays
  private options = { speed: 1, loop: true };
  private readonly listeners: ((playing: boolean) => void)[] = [];

  constructor(
    readonly duration_s: number,
    private readonly onTime: (time_s: number) => void,
  ) {}

  get playing(): boolean {
    return this.clock_ms !== null;
  }

  seek(time_s: number): void {
    this.time_s = Math.min(Math.max(time_s, 0), this.duration_s);
    this.onTime(this.time_s);
  }

  async play(): Promise<void> {
    if (this.time_s >= this.duration_s) this.time_s = 0;
    this.clock_ms = performance.now();
    this.tell();
    requestAnimationFrame((now_ms) => this.step(now_ms));
  }

  pause(): void {
    this.clock_ms = null;
    this.tell();
  }

  set(options: { speed: number; loop: boolean }): void {
    this.options = options;
  }

  onPlaying(listener: (playing: boolean) => void): void {
    this.listeners.push(listener);
  }

  private step(now_ms: number): void {
    if (this.clock_ms === null) return;
    const time_s = this.time_s + (Math.max(0, now_ms - this.clock_ms) / 1000) * this.options.speed;
    this.clock_ms = now_ms;
    if (time_s >= this.duration_s && !this.options.loop) this.pause();
    this.seek(time_s >= this.duration_s && this.options.loop ? 0 : time_s);
    requestAnimationFrame((next_ms) => this.step(next_ms));
  }

  private tell(): void {
    for (const listener of this.listeners) listener(this.playing);
  }
}

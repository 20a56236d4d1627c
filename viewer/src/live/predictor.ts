/** Keeps the worker busy with the newest frame; frames that come while it works on another one are left out. */

import type { Frame, Picture } from "../time/playback";
import type { Found, FromWorker, Look, Setup, ToWorker } from "./messages";

const RATED_MAPS = 8; // the rate is that of the last maps

export interface Listener {
  onReady(): void;
  onFound(found: Found): void;
  onFailed(problem: string): void;
}

type Waiting = Omit<Look, "kind" | "first">;

export class Predictor {
  private readonly worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "atsal" });
  private busy = true; // also until the network is loaded
  private first = true;
  private offers = 0;
  private offered_s = NaN; // time of the last frame
  private waiting: Waiting | null = null;
  private found_ms: number[] = []; // when the last maps came

  constructor(
    setup: Omit<Setup, "kind">,
    private readonly photo_s: number,
    private readonly listener: Listener,
  ) {
    this.worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.take(data));
    this.worker.addEventListener("error", (event) => {
      event.preventDefault();
      listener.onFailed(event.message || "the program of the worker cannot be loaded");
    });
    this.send({ kind: "setup", ...setup });
  }

  /** Forget the frames of a file: another one follows. */
  begin(): void {
    this.first = true;
    this.stop();
  }

  /** Drop the frame that waits. */
  stop(): void {
    this.offers++;
    this.offered_s = NaN;
    this.waiting?.picture.close();
    this.waiting = null;
  }

  /** Measure the rate from now on. */
  restartRate(): void {
    this.found_ms = [];
  }

  /** Ask for the maps of a frame, unless it is the same as before; it replaces one that waits. */
  async offer({ picture, time_s }: Frame, isPhoto: boolean): Promise<void> {
    if (time_s === this.offered_s) return;
    this.offered_s = time_s;
    const offer = ++this.offers;
    const copy = isVideoFrame(picture) ? picture.clone() : await createImageBitmap(picture);
    if (offer !== this.offers) return copy.close(); // a newer one came
    this.waiting?.picture.close();
    this.waiting = { picture: copy, time_s, seconds: isPhoto ? this.photo_s : time_s };
    this.sendNewest();
  }

  /** Maps a second of late; null before there are two. */
  get rate(): number | null {
    const [first, last] = [this.found_ms[0], this.found_ms[this.found_ms.length - 1]];
    if (first === undefined || last === undefined || last === first) return null;
    return (1000 * (this.found_ms.length - 1)) / (last - first);
  }

  private sendNewest(): void {
    if (this.busy || !this.waiting) return;
    this.busy = true;
    this.send({ kind: "look", first: this.first, ...this.waiting }, [this.waiting.picture]);
    this.first = false;
    this.waiting = null;
  }

  private send(message: ToWorker, transfer: Transferable[] = []): void {
    this.worker.postMessage(message, transfer);
  }

  private take(message: FromWorker): void {
    if (message.kind === "failed") return this.listener.onFailed(message.problem);
    this.busy = false;
    const isOfThisFile = !this.first;
    this.sendNewest();
    if (message.kind === "ready") this.listener.onReady();
    if (message.kind === "found" && isOfThisFile) {
      this.found_ms = [...this.found_ms, performance.now()].slice(-RATED_MAPS);
      this.listener.onFound(message);
    }
  }
}

function isVideoFrame(picture: Picture): picture is VideoFrame {
  return "VideoFrame" in window && picture instanceof VideoFrame;
}

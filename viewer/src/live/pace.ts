/**
 * Draws the frames of the page that predicts. Where the processor draws them, they leave it to the network: while a video is
 * predicted, they are drawn with fewer pixels, and only when there is a new map, or from time to time.
 */

import { GlPainter, type Painter } from "../drawing/painter";
import type { Viewer } from "../drawing/viewer";
import type { Frame } from "../time/playback";
import { hasPlanes, readPlanes, writeRgb } from "./planes";

const LEAST_MS = 500; // between frames without a new map
const MOST_WIDTH = 960; // of pictures

export class Pace {
  private readonly slow: GlPainter | null;
  private drawn_ms = 0;
  private latest: Frame | null = null;

  /** `onShown` is called when a frame is on screen. */
  constructor(
    private readonly viewer: Viewer,
    painter: Painter,
    private readonly onShown: () => void,
  ) {
    this.slow = painter instanceof GlPainter && painter.drawsOnProcessor ? painter : null;
  }

  /** Say whether a video is being predicted. */
  set predicting(predicting: boolean) {
    this.viewer.coarse = predicting && this.slow !== null;
  }

  /** Whether frames are left out. */
  get saves(): boolean {
    return this.viewer.coarse;
  }

  /** Draw the next frame in any case. */
  hurry(): void {
    this.drawn_ms = -Infinity;
  }

  /** Forget a frame that is being made smaller: another file follows. */
  drop(): void {
    this.latest = null;
  }

  /** Draw a frame, unless it is left out. */
  show(frame: Frame): void {
    if (this.saves && performance.now() - this.drawn_ms < LEAST_MS) return;
    this.drawn_ms = performance.now();
    this.latest = frame;
    if (this.saves && hasPlanes(frame.picture)) void this.showReduced(frame, frame.picture.clone());
    else {
      this.viewer.show(frame);
      this.onShown();
    }
  }

  private async showReduced(frame: Frame, picture: VideoFrame): Promise<void> {
    const pixels = await reduce(picture);
    picture.close();
    if (frame !== this.latest) return; // another one was quicker
    this.slow?.setPixels(pixels);
    this.viewer.showAt(frame.time_s);
    this.onShown();
  }
}

async function reduce(picture: VideoFrame): Promise<ImageData> {
  const planes = await readPlanes(picture);
  const { width, height } = planes.luma;
  const scale = Math.min(1, MOST_WIDTH / width);
  const pixels = new ImageData(Math.round(scale * width), Math.round(scale * height));
  pixels.data.fill(255); // opaque
  writeRgb(planes, pixels.width, pixels.height, pixels.data, 4);
  return pixels;
}

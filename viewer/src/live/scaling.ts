/** Scales frames to the size of the network, by area average as Python does. */

import { areaMeans } from "./area";
import type { Look } from "./messages";
import { hasPlanes, readPlanes, writeRgb } from "./planes";

const MOST_WIDTH = 1280; // wider pictures are halved first: the canvas then averages 2 x 2 pixels

export class Scaler {
  private readonly contexts: OffscreenCanvasRenderingContext2D[] = []; // one for each drawing of a picture

  constructor(
    private readonly width: number,
    private readonly height: number,
  ) {}

  /** The picture in RGB, (height, width, 3) row by row. */
  async scale(picture: Look["picture"]): Promise<Uint8Array> {
    const rgb = new Uint8ClampedArray(3 * this.width * this.height);
    if (hasPlanes(picture) && this.reduces(picture)) writeRgb(await readPlanes(picture), this.width, this.height, rgb, 3);
    else this.draw(picture, rgb);
    return new Uint8Array(rgb.buffer);
  }

  private reduces(picture: Look["picture"]): boolean {
    const [width, height] = sizeOf(picture);
    return width >= this.width && height >= this.height;
  }

  /** Let a canvas turn the picture into RGB. */
  private draw(picture: Look["picture"], rgb: Uint8ClampedArray): void {
    let [width, height] = this.reduces(picture) ? sizeOf(picture) : [this.width, this.height];
    let source: CanvasImageSource = picture;
    for (let number = 0; ; number++) {
      if (width > MOST_WIDTH) [width, height] = [width >> 1, height >> 1];
      const context = this.context(number, width, height);
      context.drawImage(source, 0, 0, width, height);
      if (width <= MOST_WIDTH) return this.reduce(context.getImageData(0, 0, width, height), rgb);
      source = context.canvas;
    }
  }

  private reduce({ data, width, height }: ImageData, rgb: Uint8ClampedArray): void {
    for (const start of [0, 1, 2]) {
      const means = areaMeans({ data, start, step: 4, stride: 4 * width, width, height }, this.width, this.height);
      means.forEach((mean, i) => (rgb[3 * i + start] = mean));
    }
  }

  private context(number: number, width: number, height: number): OffscreenCanvasRenderingContext2D {
    const context = (this.contexts[number] ??= makeContext());
    const { canvas } = context;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    return context;
  }
}

function makeContext(): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { alpha: false, willReadFrequently: true });
  if (!context) throw new Error("this browser cannot scale pictures in a worker; try another one");
  return context;
}

function sizeOf(picture: Look["picture"]): [number, number] {
  return "displayWidth" in picture ? [picture.displayWidth, picture.displayHeight] : [picture.width, picture.height];
}

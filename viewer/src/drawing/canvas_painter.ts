/** Draws the flat view without WebGL: the picture, and over it the map in colours. */

import type { Lens } from "./geometry";
import type { Painter, View } from "./painter";
import type { Media } from "../scene.gen";
import type { State } from "../state";
import type { Frame } from "../time/playback";

export class CanvasPainter implements Painter {
  readonly flatOnly = true;
  private readonly context: CanvasRenderingContext2D;
  private readonly picture = document.createElement("canvas").getContext("2d");
  private readonly layer = document.createElement("canvas").getContext("2d");
  private readonly colours = new Uint8Array(256 * 4);

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private media: Media,
    private readonly mapSize: { width: number; height: number },
  ) {
    const context = canvas.getContext("2d");
    if (!context) throw new Error("This browser can draw neither with WebGL nor on a canvas. Try another browser.");
    this.context = context;
    if (this.layer) [this.layer.canvas.width, this.layer.canvas.height] = [mapSize.width, mapSize.height];
  }

  setMedia(media: Media): void {
    this.media = media;
  }

  setFrame(frame: Frame): void {
    if (!this.picture) return;
    const [left, top, width, height] = this.media.crop;
    const target = this.picture.canvas;
    [target.width, target.height] = [this.canvas.width, Math.round(this.canvas.width / 2)];
    const from = [left * frame.width, top * frame.height, width * frame.width, height * frame.height] as const;
    this.picture.drawImage(frame.picture, ...from, 0, 0, target.width, target.height);
  }

  setColours(table: Uint8Array): void {
    this.colours.set(table);
  }

  resize(width: number, height: number): void {
    [this.canvas.width, this.canvas.height] = [width, height];
  }

  draw(state: State, lens: Lens, [view]: readonly View[]): void {
    const { width, height } = this.canvas;
    const [shownWidth, shownHeight] = [width * lens.flatScale[0], height * lens.flatScale[1]];
    const place = [(width - shownWidth) / 2, (height - shownHeight) / 2, shownWidth, shownHeight] as const;
    this.context.clearRect(0, 0, width, height);
    if (this.picture) this.context.drawImage(this.picture.canvas, ...place);
    if (!state.layer || !view?.levels || !this.layer) return;
    this.layer.putImageData(this.coloured(view.levels, state), 0, 0);
    this.context.drawImage(this.layer.canvas, ...place);
  }

  private coloured(levels: Uint8Array, state: State): ImageData {
    const image = new ImageData(this.mapSize.width, this.mapSize.height);
    levels.forEach((level, i) => {
      image.data.set(this.colours.subarray(4 * level, 4 * level + 3), 4 * i);
      image.data[4 * i + 3] = level / 255 >= state.threshold ? level * state.opacity : 0;
    });
    return image;
  }
}

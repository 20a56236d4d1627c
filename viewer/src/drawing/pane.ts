/** A view on the stage: its place, the map that it shows, and what stands over it. There are two side by side. */

import type { Direction, Lens } from "./geometry";
import type { Overlay } from "./viewer";
import type { FrameMap, MapSource } from "../maps/source";
import { make } from "../page/dom";
import type { Scene } from "../scene.gen";
import type { State } from "../state";

/** A place on the stage, from its left and from its top, in pixels of the page. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The place in pixels of the canvas, of which `ratio` make one of the page. */
export function inPixels({ left, top, width, height }: Box, ratio: number): Box {
  const scaled = (length: number): number => Math.round(length * ratio);
  return { left: scaled(left), top: scaled(top), width: scaled(width), height: scaled(height) };
}

export class Pane {
  box: Box = { left: 0, top: 0, width: 0, height: 0 }; // without size while it is not shown
  shown: FrameMap | null = null;
  readonly overlays: Overlay[] = [];
  private readonly name = make("span", { className: "pane-name" });

  constructor(
    readonly element: HTMLElement,
    private readonly scene: Scene,
  ) {
    element.append(this.name);
  }

  get visible(): boolean {
    return this.box.width > 0 && this.box.height > 0;
  }

  measure(): void {
    const { offsetLeft: left, offsetTop: top, offsetWidth: width, offsetHeight: height } = this.element;
    this.box = { left, top, width, height };
  }

  /** Take the map of a stream at a time; there is none while it loads, without a prediction, and without a stream. */
  find(maps: MapSource, name: string, time_s: number): void {
    this.shown = maps.at(name, time_s);
    this.element.dataset.map = this.shown?.name ?? "";
  }

  drawOver(lens: Lens, time_s: number, state: State, name: string): void {
    this.name.textContent = name;
    for (const overlay of this.overlays) overlay.draw(lens, time_s, state);
  }

  /** The density that is predicted in a direction, as a multiple of the average; null where there is no map. */
  densityAt({ yaw_deg, pitch_deg }: Direction): number | null {
    if (!this.shown) return null;
    const { width, height } = this.scene.maps;
    const column = Math.min(Math.floor((yaw_deg / 360 + 0.5) * width), width - 1);
    const row = Math.min(Math.floor((0.5 - pitch_deg / 180) * height), height - 1);
    const level = this.shown.levels[row * width + column] ?? 0;
    return (level / 255) * this.shown.peak_ratio;
  }
}

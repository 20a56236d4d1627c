/** Puts on screen a frame, the map of that very frame, and what stands over both. */

import { colourTable } from "./colours";
import { drawCompass } from "./compass";
import { type Direction, directionAt, type Lens, makeLens, placeIn } from "./geometry";
import { RegionLabels } from "../maps/regions";
import type { MapSource } from "../maps/source";
import { NO_LAYER, streamTitle } from "../maps/streams";
import { byId } from "../page/dom";
import { showPeak } from "../page/panel";
import type { Painter, View } from "./painter";
import { inPixels, Pane } from "./pane";
import type { Scene } from "../scene.gen";
import type { State, Store } from "../state";
import type { Frame } from "../time/playback";

const MOST_PIXEL_RATIO = 2;
const COARSE_PIXEL_RATIO = 0.5;

/** Something that is drawn over the picture, as the numbers of the regions. Each pane has its own. */
export interface Overlay {
  draw(lens: Lens, time_s: number, state: State): void;
}

export class Viewer {
  time_s = 0; // of the frame on screen
  private readonly stage = byId("stage");
  private readonly first: Pane;
  private readonly second: Pane;
  private ratio = 1; // pixels of the canvas in a pixel of the page
  private pending = false;
  private isCoarse = false;

  constructor(
    private readonly scene: Scene,
    private readonly store: Store,
    private readonly painter: Painter,
    readonly maps: MapSource,
    private readonly onMessage: (text: string) => void,
  ) {
    [this.first, this.second] = [new Pane(byId("first"), scene), new Pane(byId("second"), scene)];
    this.add(({ element }) => new RegionLabels(element, scene.regions, scene.region_step_s));
    maps.listen(() => (this.coarse ? undefined : this.drawSoon())); // else the newest frame follows at once
    store.subscribe((state, before) => {
      if (state === before || state.pair !== before.pair) this.second.element.hidden = !state.pair;
      if (state === before || state.colormap !== before.colormap) this.setColours(state.colormap);
      this.drawSoon();
    });
    const observer = new ResizeObserver(() => this.resize());
    for (const element of [this.stage, this.first.element, this.second.element]) observer.observe(element);
    this.resize();
  }

  get flatOnly(): boolean {
    return this.painter.flatOnly;
  }

  /** Draw something over each pane. */
  add(make: (pane: Pane) => Overlay): void {
    for (const pane of [this.first, this.second]) pane.overlays.push(make(pane));
  }

  /** The lens of both panes, which have one size. */
  get lens(): Lens {
    const { width, height } = this.first.box;
    return makeLens(this.store.state, height ? width / height : 1);
  }

  /** The height of a pane, in pixels of the page. */
  get height(): number {
    return this.first.box.height;
  }

  private get panes(): Pane[] {
    return [this.first, this.second].filter((pane) => pane.visible);
  }

  /** The direction under the pointer, in whichever pane it is; null outside the picture. */
  directionUnder(event: MouseEvent): Direction | null {
    const { left, top } = this.stage.getBoundingClientRect();
    for (const { box } of this.panes) {
      const place = placeIn(box, event.clientX - left, event.clientY - top);
      if (Math.abs(place.x) <= 1 && Math.abs(place.y) <= 1) return directionAt(this.lens, place);
    }
    return null;
  }

  /** The density that each pane predicts in a direction, as a multiple of the average; null without a map. */
  densitiesAt(direction: Direction): (number | null)[] {
    return this.panes.map((pane) => pane.densityAt(direction));
  }

  /** A time that is within the frame on screen, also after rounding; 0 for the first frame. */
  momentWithin(): number {
    return this.time_s > 0 ? this.time_s + 0.25 / (this.scene.media.frame_rate || 30) : 0;
  }

  /** Whether to draw with fewer pixels, and not for a map alone, which takes less time. */
  get coarse(): boolean {
    return this.isCoarse;
  }

  set coarse(coarse: boolean) {
    if (coarse === this.isCoarse) return;
    this.isCoarse = coarse;
    this.resize();
  }

  /** Draw a new frame at once: frame and map change together. */
  show(frame: Frame): void {
    this.painter.setFrame(frame);
    this.showAt(frame.time_s);
  }

  /** Draw another time of the frame on screen, as a photo has while viewers look at it. */
  showAt(time_s: number): void {
    this.time_s = time_s;
    this.draw();
  }

  drawSoon(): void {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => this.pending && this.draw());
  }

  private draw(): void {
    this.pending = false;
    const { store: { state }, lens } = this;
    this.findMaps(state);
    this.painter.draw(state, lens, this.panes.map((pane) => this.view(pane)));
    this.first.drawOver(lens, this.time_s, state, this.title(state.stream));
    if (state.pair) this.second.drawOver(lens, this.time_s, state, this.title(state.second));
    drawCompass(state, lens);
    const { shown } = this.first;
    showPeak(shown?.peak_ratio);
    this.stage.classList.toggle("flat", lens.flat);
    this.stage.dataset.time = this.time_s.toFixed(6);
    this.stage.dataset.map = shown?.name ?? "";
  }

  private findMaps(state: State): void {
    this.first.find(this.maps, state.stream, this.time_s);
    if (state.pair) this.second.find(this.maps, state.second, this.time_s);
    this.stage.classList.toggle("without-map", state.layer && !this.maps.covers(this.time_s));
  }

  private view({ box, shown }: Pane): View {
    return { box: inPixels(box, this.ratio), levels: shown?.levels ?? null };
  }

  private title(name: string): string {
    return streamTitle(this.scene.maps, this.store.state.layer ? name : NO_LAYER);
  }

  private setColours(name: string): void {
    const colormap = this.scene.colormaps.find((known) => known.name === name);
    if (colormap) this.painter.setColours(colourTable(colormap));
    else this.onMessage(`There is no colour map ${name}.`);
  }

  private resize(): void {
    this.ratio = this.coarse ? COARSE_PIXEL_RATIO : Math.min(window.devicePixelRatio, MOST_PIXEL_RATIO);
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height) return;
    for (const pane of [this.first, this.second]) pane.measure();
    this.painter.resize(Math.round(width * this.ratio), Math.round(height * this.ratio));
    this.draw();
  }
}

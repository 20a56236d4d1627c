/** The sphere in a report: some moments of a result, to look around in. */

import { colourTable } from "../drawing/colours";
import { type Direction, directionAt, makeLens, placeIn } from "../drawing/geometry";
import { listenToPointers, type Sight, zoom, ZOOM_STEP } from "../input/controls";
import { viewKeys } from "../input/key_list";
import { listenToKeys } from "../input/keys";
import { FRONT } from "../page/buttons";
import { byId, make, signed } from "../page/dom";
import type { ReportSphere, SphereMoment } from "../scene.gen";
import { startState } from "../start_state";
import { Store } from "../state";
import { SpherePainter } from "./sphere_painter";

const MOST_PIXEL_RATIO = 2;

class SphereView implements Sight {
  private readonly store: Store;
  private readonly stage = byId("stage");
  private pending = false;

  constructor(
    private readonly sphere: ReportSphere,
    private readonly canvas: HTMLCanvasElement,
    private readonly painter: SpherePainter,
  ) {
    const { streams, colormap, opacity } = sphere;
    this.store = new Store(startState({ stream: streams[0] ?? "", colormap: colormap.name, opacity }));
    this.listen();
    makeRadios("moment", sphere.moments.map(({ label }) => label), () => void this.load());
    makeRadios("stream", streams, () => void this.load());
    this.store.subscribe(() => this.drawSoon());
    new ResizeObserver(() => this.resize()).observe(this.stage);
    void this.load();
  }

  private listen(): void {
    const { stage, store } = this;
    stage.addEventListener("wheel", (event) => { // the page scrolls, until the view is chosen
      if (document.activeElement !== stage) event.stopImmediatePropagation();
    });
    listenToPointers(stage, store, this, () => undefined);
    listenToKeys(viewKeys(store), stage);
    byId("front").addEventListener("click", () => store.set(FRONT));
    byId("zoom-in").addEventListener("click", () => zoom(store, 1 / ZOOM_STEP));
    byId("zoom-out").addEventListener("click", () => zoom(store, ZOOM_STEP));
    const opacity = byId<HTMLInputElement>("opacity");
    opacity.valueAsNumber = store.state.opacity;
    opacity.addEventListener("input", () => store.set({ opacity: opacity.valueAsNumber }));
  }

  /** Show the picture and the map that are chosen, together. */
  private async load(): Promise<void> {
    const [moment, stream] = [chosen("moment"), chosen("stream")];
    const { picture = "", maps = [] } = this.sphere.moments[moment] ?? ({} as Partial<SphereMoment>);
    const images = await Promise.all([decode(picture), decode(maps[stream] ?? "")]);
    if (moment !== chosen("moment") || stream !== chosen("stream")) return;
    this.painter.set(...images);
    this.stage.dataset.shown = `${moment} ${stream}`;
    this.draw();
  }

  get height(): number {
    return this.stage.clientHeight;
  }

  directionUnder(event: MouseEvent): Direction | null {
    return directionAt(this.lens(), placeIn(this.stage.getBoundingClientRect(), event.clientX, event.clientY));
  }

  private lens(): ReturnType<typeof makeLens> {
    return makeLens(this.store.state, this.stage.clientWidth / this.stage.clientHeight);
  }

  private drawSoon(): void {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.pending = false;
    const { state } = this.store;
    this.painter.draw(state, this.lens());
    const [yaw, pitch, view] = [state.yaw_deg, state.pitch_deg, state.fov_deg].map(signed);
    byId("direction").textContent =
      state.projection === "flat" ? "whole sphere" : `yaw ${yaw}° · pitch ${pitch}° · view ${view}°`;
    byId("opacity-value").textContent = `${Math.round(100 * state.opacity)} %`;
  }

  private resize(): void {
    const ratio = Math.min(window.devicePixelRatio, MOST_PIXEL_RATIO);
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height) return; // printed
    [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    this.draw();
  }
}

async function decode(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

/** Fill a group with one choice for each name; a single one needs no choice. */
function makeRadios(group: string, names: readonly string[], onChange: () => void): void {
  const labels = names.map((text, i) => {
    const input = make("input", { type: "radio", name: group, value: `${i}`, checked: i === 0 });
    return make("label", {}, input, make("span", { textContent: text }));
  });
  byId(group).append(...labels);
  byId(group).hidden = names.length < 2;
  byId(group).addEventListener("change", onChange);
}

function chosen(group: string): number {
  return Number(document.querySelector<HTMLInputElement>(`input[name=${group}]:checked`)?.value);
}

function run(): void {
  const canvas = byId<HTMLCanvasElement>("canvas");
  const gl = canvas.getContext("webgl2", { preserveDrawingBuffer: true, antialias: false });
  if (!gl) return; // the rest of the report shows the same moments
  canvas.addEventListener("webglcontextlost", () => (byId("sphere").hidden = true));
  const sphere = JSON.parse(byId("sphere-data").textContent) as ReportSphere;
  byId("sphere").hidden = false;
  new SphereView(sphere, canvas, new SpherePainter(gl, colourTable(sphere.colormap)));
}

run();

/** Loads the scene and joins the parts of the page. */

import "./style.css";

import { CanvasPainter } from "./canvas_painter";
import { listenToPointers, turn, zoom, ZOOM_STEP } from "./controls";
import { announce, byId, signed } from "./dom";
import { type Key, listenToKeys, makeHelp } from "./keys";
import { fromHash, toHash } from "./link";
import { GlPainter, type Painter } from "./painter";
import { makePanel } from "./panel";
import { type Frame, openPhoto, Video } from "./playback";
import type { Scene } from "./scene.gen";
import { caption, savePng } from "./snapshot";
import { type State, Store } from "./state";
import { Transport } from "./transport";
import { Viewer } from "./viewer";

const FRONT = { yaw_deg: 0, pitch_deg: 0, fov_deg: 75 };
const HASH_DELAY_MS = 300;

function showMessage(text: string): void {
  byId("message-text").textContent = text;
  byId("message").hidden = false;
}

async function loadScene(): Promise<Scene> {
  try {
    const response = await fetch("scene.json");
    if (!response.ok) throw new Error(`answer ${response.status}`);
    return (await response.json()) as Scene;
  } catch (error) {
    throw new Error(`scene.json cannot be loaded (${(error as Error).message}). Is atsal view still running?`);
  }
}

function startState(scene: Scene): State {
  return {
    ...FRONT,
    projection: "sphere",
    layer: true,
    stream: scene.maps.streams[0]?.name ?? "",
    style: "colours",
    colormap: scene.colormap,
    opacity: scene.opacity,
    threshold: 0,
    regions: false,
    speed: 1,
    loop: true,
    sound: false,
  };
}

function makePainter(scene: Scene): Painter {
  const canvas = byId<HTMLCanvasElement>("canvas");
  const note = (text: string): void => {
    const line = document.createElement("p");
    [line.className, line.textContent] = ["note", text];
    byId("notes").append(line);
  };
  if (document.createElement("canvas").getContext("webgl2")) {
    canvas.addEventListener("webglcontextlost", () => showMessage("The graphics card stopped. Reload the page."));
    const onReduced = (width: number): void => {
      if (byId("notes").querySelector(".reduced")) return;
      note(`The graphics card takes no picture of this size; it is shown ${width} pixels wide.`);
      byId("notes").lastElementChild?.classList.add("reduced");
    };
    return new GlPainter(canvas, scene.media, scene.maps, onReduced);
  }
  note("This browser has no WebGL: only the flat view in colours is shown. Turn on hardware acceleration for the rest.");
  return new CanvasPainter(canvas, scene.media.crop, scene.maps);
}

function makeKeys(scene: Scene, store: Store, transport: () => Transport | null): Key[] {
  const { state: start } = store;
  const streams = scene.maps.streams.map(({ name }) => name);
  const colormaps = scene.colormaps.map(({ name }) => name);
  const toggle = (name: "layer" | "regions" | "loop") => () => store.set({ [name]: !store.state[name] });
  const turns: Record<string, [number, number]> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, 1],
    ArrowDown: [0, -1],
  };
  const video: Key[] = [
    { keys: [" "], shown: "space", does: "play, pause", run: () => transport()?.toggle() },
    { keys: [",", "."], shown: ", .", does: "one frame back, forward", run: (key) => transport()?.step(key === "," ? -1 : 1) },
    { keys: ["l"], shown: "L", does: "loop on, off", run: toggle("loop") },
  ];
  return [
    ...(scene.media.kind === "video" ? video : []),
    {
      keys: Object.keys(turns),
      shown: "arrows",
      does: "turn the view",
      run: (key) => turn(store, ...(turns[key] ?? [0, 0])),
    },
    { keys: ["+", "="], shown: "+", does: "zoom in", run: () => zoom(store, 1 / ZOOM_STEP) },
    { keys: ["-"], shown: "−", does: "zoom out", run: () => zoom(store, ZOOM_STEP) },
    { keys: ["0", "Home"], shown: "0", does: "look to the front", run: () => store.set(FRONT) },
    {
      keys: ["v"],
      shown: "V",
      does: "sphere, flat",
      run: () => store.set({ projection: store.state.projection === "flat" ? "sphere" : "flat" }),
    },
    { keys: ["g"], shown: "G", does: "show, hide predicted gaze", run: toggle("layer") },
    {
      keys: streams.map((_, i) => `${i + 1}`),
      shown: streams.length > 1 ? `1 to ${streams.length}` : "1",
      does: `stream: ${streams.join(", ")}`,
      run: (key) => store.set({ stream: streams[Number(key) - 1] ?? start.stream }),
    },
    {
      keys: ["[", "]"],
      shown: "[ ]",
      does: "less, more opacity",
      run: (key) => store.set({ opacity: store.state.opacity + (key === "[" ? -0.05 : 0.05) }),
    },
    {
      keys: ["c"],
      shown: "C",
      does: "next colour map",
      run: () => {
        const next = (colormaps.indexOf(store.state.colormap) + 1) % colormaps.length;
        store.set({ colormap: colormaps[next] ?? start.colormap });
      },
    },
    { keys: ["r"], shown: "R", does: "number the regions", run: toggle("regions") },
    { keys: ["f"], shown: "F", does: "full screen", run: toggleFullScreen },
    { keys: ["s"], shown: "S", does: "save this view as PNG", run: () => byId("snapshot").click() },
    { keys: ["?", "h"], shown: "?", does: "this help", run: () => byId<HTMLDialogElement>("help").showModal() },
  ];
}

function toggleFullScreen(): void {
  const done = document.fullscreenElement ? document.exitFullscreen() : byId("stage").requestFullscreen();
  done.catch((error: Error) => announce(`Full screen is not possible: ${error.message}`));
}

function bindButtons(scene: Scene, store: Store, viewer: Viewer, start: State): void {
  byId("compass").addEventListener("click", () => store.set(FRONT));
  byId("zoom-in").addEventListener("click", () => zoom(store, 1 / ZOOM_STEP));
  byId("zoom-out").addEventListener("click", () => zoom(store, ZOOM_STEP));
  byId("full-screen").addEventListener("click", toggleFullScreen);
  byId("help-button").addEventListener("click", () => byId<HTMLDialogElement>("help").showModal());
  byId("snapshot").addEventListener("click", () => {
    const name = `${scene.media.name.replace(/\.[^.]*$/, "")}-${viewer.time_s.toFixed(2)}s.png`;
    savePng(byId<HTMLCanvasElement>("canvas"), caption(scene, store.state, viewer.time_s), name)
      .then(() => announce(`Saved ${name}`))
      .catch((error: Error) => showMessage(error.message));
  });
  byId("copy-link").addEventListener("click", () => {
    writeHash(store, viewer, start);
    navigator.clipboard
      .writeText(location.href)
      .then(() => flash("copy-link", "Copied"))
      .catch(() => flash("copy-link", "In the address bar"));
  });
}

function flash(id: string, text: string): void {
  const label = byId(id).querySelector("span");
  if (!label) return;
  const before = label.textContent;
  label.textContent = text;
  announce(text);
  setTimeout(() => {
    label.textContent = before;
  }, 1500);
}

function writeHash(store: Store, viewer: Viewer, start: State): void {
  history.replaceState(null, "", `#${toHash(store.state, start, viewer.momentWithin())}`);
}

async function run(): Promise<void> {
  const scene = await loadScene();
  byId("title").textContent = document.title = scene.media.name;
  document.body.classList.add(scene.media.kind);
  const start = startState(scene);
  const known = { streams: scene.maps.streams.map(({ name }) => name), colormaps: scene.colormaps.map(({ name }) => name) };
  const linked = fromHash(location.hash, known);
  const painter = makePainter(scene);
  const store = new Store({ ...start, ...linked.changes, ...(painter.flatOnly && { projection: "flat", style: "colours" }) });
  makePanel(scene, store, painter.flatOnly);
  const viewer = new Viewer(scene, store, painter, showMessage);
  let transport: Transport | null = null;
  const onFrame = (frame: Frame): void => {
    viewer.show(frame);
    transport?.showTime();
  };
  const keys = makeKeys(scene, store, () => transport);
  listenToKeys(keys);
  makeHelp(keys);
  listenToPointers(byId("stage"), store, () => viewer.lens, (direction) => {
    const density = direction && viewer.densityAt(direction);
    byId("readout").textContent =
      direction === null
        ? ""
        : `${signed(direction.yaw_deg)}°, ${signed(direction.pitch_deg)}°` +
          (density === null ? "" : ` · ${density.toFixed(1)} × average`);
  });
  bindButtons(scene, store, viewer, start);
  if (scene.media.kind === "image") {
    onFrame(await openPhoto(scene.media));
  } else {
    const video = await Video.open(scene.media, onFrame);
    transport = new Transport(scene, store, viewer, video, showMessage);
    transport.showTime();
    const first_s = linked.time_s || (viewer.maps.indexAt(0) === null ? viewer.maps.timeWithin(0) : 0);
    if (first_s) video.seek(first_s);
    video.onPlaying((playing) => {
      if (!playing) writeHash(store, viewer, start);
    });
  }
  byId("message").hidden = true;
  document.body.dataset.ready = "true";
  let waiting = 0;
  store.subscribe((state, before) => {
    clearTimeout(waiting);
    if (state !== before) waiting = window.setTimeout(() => writeHash(store, viewer, start), HASH_DELAY_MS);
  });
}

run().catch((error: Error) => showMessage(error.message));

/** Loads the scene and joins the parts of the page. */

import "./style/base.css";
import "./style/controls.css";
import "./style/stage.css";
import "./style/panes.css";
import "./style/layer.css";
import "./style/time.css";
import "./style/items.css";
import "./style/gaze.css";
import "./style/preview.css";
import "./style/film.css";
import "./style/narrow.css";
import "./style/forced.css";

import { CanvasPainter } from "./drawing/canvas_painter";
import type { Direction } from "./drawing/geometry";
import { GlPainter, type Painter } from "./drawing/painter";
import { Viewer } from "./drawing/viewer";
import { FilmCamera } from "./film/film_camera";
import { cutKeys, filmKeys, type Opened } from "./film/film_keys";
import { FilmPanel } from "./film/film_panel";
import { markSourceCuts } from "./film/marks";
import { makeGazeControls } from "./gaze/controls";
import { GazeOverlay } from "./gaze/overlay";
import { Follower } from "./gaze/follow";
import { listenToPointers } from "./input/controls";
import { listKeys } from "./input/key_list";
import { listenToKeys, makeHelp } from "./input/keys";
import { letPhoneTurn } from "./input/orientation";
import { openCatalogue } from "./items/catalogue";
import { makeItemList } from "./items/list";
import { loadScene } from "./items/scene";
import { NO_LAYER } from "./maps/streams";
import { bindButtons, writeHash } from "./page/buttons";
import { byId, signed } from "./page/dom";
import { fromHash } from "./page/link";
import { addNote, hideMessage, showMessage } from "./page/messages";
import { makePanel } from "./page/panel";
import type { Scene } from "./scene.gen";
import { startState } from "./start_state";
import { type State, Store } from "./state";
import { PlayHead } from "./time/play_head";
import { openPhoto, Video } from "./time/playback";
import { Transport } from "./time/transport";

const HASH_DELAY_MS = 300;

function makePainter({ media, maps }: Scene): Painter {
  const canvas = byId<HTMLCanvasElement>("canvas");
  if (document.createElement("canvas").getContext("webgl2")) {
    canvas.addEventListener("webglcontextlost", () => showMessage("The graphics card stopped. Reload the page."));
    return new GlPainter(canvas, media, maps, (width) =>
      addNote(`The graphics card takes no picture of this size; it is shown ${width} pixels wide.`),
    );
  }
  addNote("This browser has no WebGL: only the flat view in colours is shown. Turn on hardware acceleration for the rest.");
  return new CanvasPainter(canvas, media.crop, maps);
}

/** Show the direction under the pointer, and the gaze that is predicted there. */
function showReadout(viewer: Viewer, direction: Direction | null): void {
  const place = direction ? `${signed(direction.yaw_deg)}°, ${signed(direction.pitch_deg)}°` : "";
  const found = direction ? viewer.densitiesAt(direction) : [];
  const densities = found.map((density) => density?.toFixed(1) ?? "–").join(" | ");
  byId("readout").textContent = /\d/.test(densities) ? `${place} · ${densities} × average` : place;
}

/** What happens with each frame: `follower` or `camera` turns the view before it is drawn. */
async function openVideo(
  scene: Scene,
  store: Store,
  viewer: Viewer,
  follower: Follower | null,
  camera: FilmCamera | null,
  time_s: number,
): Promise<[Transport, Opened]> {
  let transport: Transport | null = null;
  let panel: FilmPanel | null = null;
  const video = await Video.open(scene.media, (frame) => {
    follower?.turn(frame.time_s);
    camera?.onFrame(frame.time_s);
    viewer.show(frame);
    transport?.showTime();
    panel?.showTime();
  });
  transport = new Transport(scene, store, viewer, video, showMessage);
  transport.showTime();
  const first_s = time_s || (viewer.maps.indexAt(0) === null ? viewer.maps.timeWithin(0) : 0);
  if (first_s) video.seek(first_s);
  markSourceCuts(scene.cuts_s, video.duration_s);
  panel = camera && new FilmPanel(camera, scene.media, viewer, video);
  return [transport, { video, panel }];
}

/** Give a photo the time for which viewers saw it. */
function openViewingTime(scene: Scene, store: Store, viewer: Viewer, follower: Follower | null): [PlayHead, Transport] {
  document.body.classList.add("viewing");
  const head = new PlayHead(scene.gaze?.viewing_s ?? 0, (time_s) => {
    follower?.turn(time_s);
    viewer.showAt(time_s);
    transport.showTime();
  });
  const transport = new Transport(scene, store, viewer, head, showMessage);
  return [head, transport];
}

function followState(store: Store, write: () => void): void {
  let waiting = 0;
  store.subscribe((state, before) => {
    clearTimeout(waiting);
    if (state !== before) waiting = window.setTimeout(write, HASH_DELAY_MS);
  });
}

async function run(): Promise<void> {
  const place = await openCatalogue();
  byId("title").textContent = document.title = place.item.name;
  const itemKeys = makeItemList(place);
  listenToKeys(itemKeys); // also while the scene is made, and where there is none
  const scene = await loadScene(place.item);
  document.body.classList.add(scene.media.kind);
  const [streams, colormaps] = [scene.maps.streams, scene.colormaps].map((list) => list.map(({ name }) => name));
  const viewers = scene.gaze?.viewers.map(({ name }) => name) ?? [];
  const [stream = "", second = NO_LAYER] = streams ?? [];
  const { colormap, opacity } = scene;
  const trail = scene.media.kind === "image" ? "all" : "1";
  const start: State = { ...startState({ stream, second, colormap, opacity }), trail };
  const linked = fromHash(location.hash, { streams: streams ?? [], colormaps: colormaps ?? [], viewers });
  const painter = makePainter(scene);
  const only: Partial<State> = painter.flatOnly ? { projection: "flat", style: "colours", pair: false } : {};
  const store = new Store({ ...start, ...linked.changes, ...only });
  makePanel(scene, store, painter.flatOnly);
  const viewer = new Viewer(scene, store, painter, showMessage);
  if (scene.gaze && painter instanceof GlPainter) {
    const { gaze, media } = scene;
    makeGazeControls(gaze, store);
    viewer.add((pane) => new GazeOverlay(gaze, media, painter, pane));
  }
  const follower = scene.gaze && new Follower(scene.gaze, store, () => viewer.time_s);
  const write = (): void => writeHash(store, viewer, start);
  const camera = scene.film && new FilmCamera(scene, scene.film, store, viewer);
  let transport: Transport | null = null;
  let opened: Opened | null = null;
  const keys = [
    ...listKeys(scene, store, !painter.flatOnly, () => transport),
    ...(scene.media.kind === "video" ? cutKeys(scene, camera, viewer, () => opened) : []),
    ...(camera ? filmKeys(store, () => opened) : []),
  ];
  listenToKeys(keys);
  makeHelp([...keys, ...itemKeys]);
  listenToPointers(byId("stage"), store, viewer, (direction) => showReadout(viewer, direction));
  letPhoneTurn(store);
  bindButtons(scene, store, viewer, start);
  if (scene.media.kind === "image") {
    viewer.show(await openPhoto(scene.media));
    if (scene.gaze?.viewing_s) {
      const [head, opened] = openViewingTime(scene, store, viewer, follower);
      transport = opened;
      head.seek(linked.time_s);
      head.onPlaying((playing) => (playing ? undefined : write()));
    }
  } else {
    [transport, opened] = await openVideo(scene, store, viewer, follower, camera, linked.time_s);
    opened.video.onPlaying((playing) => (playing ? undefined : write()));
  }
  hideMessage();
  document.body.dataset.ready = "true";
  followState(store, write);
}

run().catch((error: Error) => showMessage(error.message));

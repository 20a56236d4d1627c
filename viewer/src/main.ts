/** Loads the scene and joins the parts of the page. */

import "./style/base.css";
import "./style/grid.css";
import "./style/controls.css";
import "./style/stage.css";
import "./style/panes.css";
import "./style/layer.css";
import "./style/time.css";
import "./style/items.css";
import "./style/gaze.css";
import "./style/preview.css";
import "./style/film.css";
import "./style/live.css";
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
import { type Key, listenToKeys, makeHelp } from "./input/keys";
import { letPhoneTurn } from "./input/orientation";
import { openCatalogue } from "./items/catalogue";
import { makeItemList } from "./items/list";
import { loadScene } from "./items/scene";
import { MapStore } from "./maps/maps";
import type { MapSource } from "./maps/source";
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

/** The parts of the page that do not depend on the file it shows. */
export interface Page {
  readonly scene: Scene;
  readonly store: Store;
  readonly viewer: Viewer;
  readonly painter: Painter;
  readonly camera: FilmCamera | null;
  transport: Transport | null; // of a video, or of a photo with a viewing time
  opened: Opened | null; // the video of a result
  readonly linked_s: number; // the time that the address asks for; 0 where it names none
  readonly write: () => void; // puts the view into the address
}

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
  return new CanvasPainter(canvas, media, maps);
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
  { scene, store, viewer }: Page,
  follower: Follower | null,
  camera: FilmCamera | null,
  first_s: number,
): Promise<[Transport, Opened]> {
  let transport: Transport | null = null;
  let panel: FilmPanel | null = null;
  const video = new Video(scene.media, (frame) => {
    follower?.turn(frame.time_s);
    camera?.onFrame(frame.time_s);
    viewer.show(frame);
    transport?.showTime();
    panel?.showTime();
  });
  await video.load();
  transport = new Transport(scene, store, viewer, video, showMessage);
  transport.showTime();
  if (first_s) video.seek(first_s);
  markSourceCuts(scene.cuts_s, video.duration_s);
  panel = camera && new FilmPanel(camera, scene.media, viewer, video);
  return [transport, { video, panel }];
}

/** Give a photo the time for which viewers saw it. */
function openViewingTime({ scene, store, viewer }: Page, follower: Follower | null): [PlayHead, Transport] {
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

/** Make everything but what shows a file. */
function makePage(scene: Scene, maps: MapSource, itemKeys: readonly Key[]): Page {
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
  const viewer = new Viewer(scene, store, painter, maps, showMessage);
  const write = (): void => writeHash(store, viewer, start);
  const camera = scene.film && new FilmCamera(scene, scene.film, store, viewer);
  const linked_s = linked.time_s;
  const page: Page = { scene, store, viewer, painter, camera, transport: null, opened: null, linked_s, write };
  const keys = [
    ...listKeys(scene, store, !painter.flatOnly, () => page.transport),
    ...(scene.media.kind === "video" && !scene.live ? cutKeys(scene, camera, viewer, () => page.opened) : []),
    ...(camera ? filmKeys(store, () => page.opened) : []),
  ];
  listenToKeys(keys);
  makeHelp([...keys, ...itemKeys]);
  listenToPointers(byId("stage"), store, viewer, (direction) => showReadout(viewer, direction));
  letPhoneTurn(store);
  bindButtons(scene, store, viewer, start);
  return page;
}

/** Show the recorded gaze of an item of a prepared set. */
function showGaze({ scene, store, viewer, painter }: Page): Follower | null {
  const { gaze, media } = scene;
  if (!gaze) return null;
  if (painter instanceof GlPainter) {
    makeGazeControls(gaze, store);
    viewer.add((pane) => new GazeOverlay(gaze, media, painter, pane));
  }
  return new Follower(gaze, store, () => viewer.time_s);
}

/** Show a video or photo with the maps of its files. */
async function openResult(scene: Scene, itemKeys: readonly Key[]): Promise<Page> {
  const maps = new MapStore(scene.maps, scene.media.frame_rate, showMessage);
  const page = makePage(scene, maps, itemKeys);
  const follower = showGaze(page);
  const write = (playing: boolean): void => (playing ? undefined : page.write());
  if (scene.media.kind === "image") {
    page.viewer.show(await openPhoto(scene.media));
    if (scene.gaze?.viewing_s) {
      const [head, transport] = openViewingTime(page, follower);
      page.transport = transport;
      head.seek(page.linked_s);
      head.onPlaying(write);
    }
  } else {
    [page.transport, page.opened] = await openVideo(page, follower, page.camera, page.linked_s || maps.first_s);
    page.opened.video.onPlaying(write);
  }
  hideMessage();
  return page;
}

async function run(): Promise<void> {
  const place = await openCatalogue();
  byId("title").textContent = document.title = place.item.name;
  const home = byId<HTMLAnchorElement>("home");
  [home.href, home.hidden] = [place.home, !place.home];
  const itemKeys = makeItemList(place);
  listenToKeys(itemKeys); // also while the scene is made, and where there is none
  const scene = await loadScene(place.item);
  const page = scene.live
    ? (await import("./live/live")).openLive(scene.live, (maps) => makePage(scene, maps, itemKeys))
    : await openResult(scene, itemKeys);
  document.body.dataset.ready = "true";
  followState(page.store, page.write);
}

run().catch((error: Error) => showMessage(error.message));

/** What each key does on this page. */

import { turn, zoom, ZOOM_STEP } from "./controls";
import { type Key, openHelp } from "./keys";
import { gazeKeys } from "../gaze/controls";
import { directions, inOtherDirection, kinds, similar } from "../maps/streams";
import { FRONT, toggleFullScreen } from "../page/buttons";
import { byId } from "../page/dom";
import type { Scene } from "../scene.gen";
import type { Store } from "../state";
import type { Transport } from "../time/transport";

const TURNS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** All keys; those of time only for a video, or a photo with a viewing time; two views only where they can be drawn. */
export function listKeys(scene: Scene, store: Store, canPair: boolean, transport: () => Transport | null): Key[] {
  const isVideo = scene.media.kind === "video";
  const ofTime = isVideo || scene.gaze?.viewing_s ? timeKeys(store, transport, isVideo) : [];
  const ofView = [...viewKeys(store), ...(canPair ? [pairKey(store)] : [])];
  return [...ofTime, ...ofView, ...layerKeys(scene, store), ...gazeKeys(scene.gaze, store), ...pageKeys()];
}

function timeKeys(store: Store, transport: () => Transport | null, hasFrames: boolean): Key[] {
  const step = (key: string): void => transport()?.step(key === "," ? -1 : 1);
  return [
    { keys: [" "], shown: "space", does: "play, pause", run: () => transport()?.toggle() },
    ...(hasFrames ? [{ keys: [",", "."], shown: ", .", does: "one frame back, forward", run: step }] : []),
    { keys: ["l"], shown: "L", does: "loop on, off", run: () => store.set({ loop: !store.state.loop }) },
  ];
}

/** The keys that turn the view. */
export function viewKeys(store: Store): Key[] {
  const change = (): void => store.set({ projection: store.state.projection === "flat" ? "sphere" : "flat" });
  const turnBy = (key: string): void => turn(store, ...(TURNS[key] ?? [0, 0]));
  return [
    { keys: Object.keys(TURNS), shown: "arrows", does: "turn the view", run: turnBy },
    { keys: ["+", "="], shown: "+", does: "zoom in", run: () => zoom(store, 1 / ZOOM_STEP) },
    { keys: ["-"], shown: "−", does: "zoom out", run: () => zoom(store, ZOOM_STEP) },
    { keys: ["0", "Home"], shown: "0", does: "look to the front", run: () => store.set(FRONT) },
    { keys: ["v"], shown: "V", does: "sphere, flat", run: change },
  ];
}

function pairKey(store: Store): Key {
  const change = (): void => store.set({ pair: !store.state.pair });
  return { keys: ["b"], shown: "B", does: "one view, side by side", run: change };
}

function layerKeys(scene: Scene, store: Store): Key[] {
  const { maps } = scene;
  const streams = kinds(maps);
  const colormaps = scene.colormaps.map(({ name }) => name);
  const choose = (key: string): void =>
    store.set({ stream: similar(maps, store.state.stream, { kind: streams[Number(key) - 1] ?? "" }) });
  const fade = (key: string): void => store.set({ opacity: store.state.opacity + (key === "[" ? -0.05 : 0.05) });
  const recolour = (): void => {
    const next = (colormaps.indexOf(store.state.colormap) + 1) % colormaps.length;
    store.set({ colormap: colormaps[next] ?? store.state.colormap });
  };
  const range = streams.length > 1 ? `1 to ${streams.length}` : "1";
  return [
    { keys: ["g"], shown: "G", does: "show, hide the saliency map", run: () => store.set({ layer: !store.state.layer }) },
    { keys: streams.map((_, i) => `${i + 1}`), shown: range, does: `stream: ${streams.join(", ")}`, run: choose },
    { keys: ["[", "]"], shown: "[ ]", does: "less, more opacity", run: fade },
    { keys: ["c"], shown: "C", does: "next colour map", run: recolour },
    ...headingKeys(scene, store),
    { keys: ["r"], shown: "R", does: "number the regions", run: () => store.set({ regions: !store.state.regions }) },
  ];
}

/** Only where there are maps of both. */
function headingKeys({ maps }: Scene, store: Store): Key[] {
  if (directions(maps).length < 2) return [];
  const change = (): void => store.set({ stream: inOtherDirection(maps, store.state.stream) });
  return [{ keys: ["d"], shown: "D", does: "gaze, heads", run: change }];
}

function pageKeys(): Key[] {
  return [
    { keys: ["f"], shown: "F", does: "full screen", run: toggleFullScreen },
    { keys: ["s"], shown: "S", does: "save this view as PNG", run: () => byId("snapshot").click() },
    { keys: ["?", "h"], shown: "?", does: "this help", run: openHelp },
  ];
}

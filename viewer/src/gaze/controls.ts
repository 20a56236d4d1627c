/** The controls of recorded gaze: what is shown of it, and of whom. */

import type { Key } from "../input/keys";
import { announce, byId, make } from "../page/dom";
import { bindSelect, bindSwitch } from "../page/panel";
import type { Gaze } from "../scene.gen";
import { isTrail, type Store } from "../state";
import { isTimed, makeTracks } from "./tracks";

export function makeGazeControls(gaze: Gaze, store: Store): void {
  const everyone = gaze.viewers.length === 1 ? "The only viewer" : `All ${gaze.viewers.length} viewers`;
  byId("viewer").append(make("option", { value: "", textContent: everyone }));
  for (const { name } of gaze.viewers) byId("viewer").append(make("option", { value: name, textContent: `Viewer ${name}` }));
  for (const name of ["fixations", "scanpaths", "follow"] as const) bindSwitch(store, name);
  bindSelect(store, "viewer", (viewer) => ({ viewer }));
  bindSelect(store, "trail", (text) => (isTrail(text) ? { trail: text } : {}));
  byId("viewer-back").addEventListener("click", () => stepViewer(gaze, store, -1));
  byId("viewer-next").addEventListener("click", () => stepViewer(gaze, store, 1));
  byId("gaze-shows").textContent = gaze.shows;
  byId("gaze-time").hidden = !isTimed(gaze);
  byId("recorded").hidden = false;
  const colours = new Map(makeTracks(gaze).map(({ name, colour }) => [name, colour]));
  store.subscribe(({ viewer }) => {
    byId("viewer-colour").hidden = !viewer;
    byId("viewer-colour").style.background = colours.get(viewer) ?? "";
  });
}

/** Choose the next or the last viewer; all of them come before the first. */
function stepViewer({ viewers }: Gaze, store: Store, step: 1 | -1): void {
  const names = ["", ...viewers.map(({ name }) => name)];
  const next = (names.indexOf(store.state.viewer) + step + names.length) % names.length;
  const viewer = names[next] ?? "";
  const skipsAll = store.state.follow && !viewer; // nobody can follow all of them
  store.set({ viewer: skipsAll ? (names[step === 1 ? 1 : names.length - 1] ?? "") : viewer });
  announce(store.state.viewer ? `Viewer ${store.state.viewer}` : "All viewers");
}

export function gazeKeys(gaze: Gaze | null, store: Store): Key[] {
  if (!gaze) return [];
  const toggle = (name: "fixations" | "scanpaths" | "follow") => (): void => store.set({ [name]: !store.state[name] });
  const step = (key: string): void => stepViewer(gaze, store, key === "j" ? 1 : -1);
  return [
    { keys: ["e"], shown: "E", does: "show, hide fixations", run: toggle("fixations") },
    { keys: ["a"], shown: "A", does: "show, hide scanpaths", run: toggle("scanpaths") },
    { keys: ["j", "u"], shown: "J U", does: "next, previous viewer", run: step },
    ...(isTimed(gaze) ? [{ keys: ["w"], shown: "W", does: "look where this viewer looks", run: toggle("follow") }] : []),
  ];
}

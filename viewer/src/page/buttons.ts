/** The buttons of the page, and the address that restores the view. */

import { announce, byId } from "./dom";
import type { Viewer } from "../drawing/viewer";
import { zoom, ZOOM_STEP } from "../input/controls";
import { openHelp } from "../input/keys";
import { toHash } from "./link";
import { showMessage } from "./messages";
import type { Scene } from "../scene.gen";
import { caption, savePng } from "./snapshot";
import type { State, Store } from "../state";

export const FRONT = { yaw_deg: 0, pitch_deg: 0, fov_deg: 75 };

export function bindButtons(scene: Scene, store: Store, viewer: Viewer, start: State): void {
  byId("compass").addEventListener("click", () => store.set(FRONT));
  byId("zoom-in").addEventListener("click", () => zoom(store, 1 / ZOOM_STEP));
  byId("zoom-out").addEventListener("click", () => zoom(store, ZOOM_STEP));
  byId("full-screen").addEventListener("click", toggleFullScreen);
  byId("help-button").addEventListener("click", openHelp);
  byId("snapshot").addEventListener("click", () => saveView(scene, store.state, viewer.time_s));
  byId("copy-link").addEventListener("click", () => {
    writeHash(store, viewer, start);
    navigator.clipboard
      .writeText(location.href)
      .then(() => flash("copy-link", "Copied"))
      .catch(() => flash("copy-link", "In the address bar"));
  });
}

export function toggleFullScreen(): void {
  const done = document.fullscreenElement ? document.exitFullscreen() : byId("stage").requestFullscreen();
  done.catch((error: Error) => announce(`Full screen is not possible: ${error.message}`));
}

/** Put the view into the address. */
export function writeHash(store: Store, viewer: Viewer, start: State): void {
  history.replaceState(null, "", `#${toHash(store.state, start, viewer.momentWithin())}`);
}

function saveView(scene: Scene, state: State, time_s: number): void {
  const name = `${scene.media.name.replace(/\.[^.]*$/, "")}-${time_s.toFixed(2)}s.png`;
  savePng(byId<HTMLCanvasElement>("canvas"), caption(scene, state, time_s), name)
    .then(() => announce(`Saved ${name}`))
    .catch((error: Error) => showMessage(error.message));
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

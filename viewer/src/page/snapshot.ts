/** The view as a PNG file, with a caption. */

import { clockText, signed } from "./dom";
import { NO_LAYER, streamTitle } from "../maps/streams";
import { saveFile } from "./save_file";
import type { Scene } from "../scene.gen";
import type { State } from "../state";

/** What the picture shows, in one line. */
export function caption(scene: Scene, state: State, time_s: number): string {
  const parts = [scene.media.name];
  if (scene.media.kind === "video") parts.push(clockText(time_s));
  if (state.projection === "sphere") parts.push(`yaw ${signed(state.yaw_deg)}°, pitch ${signed(state.pitch_deg)}°`);
  const shown = state.pair ? [state.stream, state.second] : [state.stream];
  if (state.layer) parts.push(`${shown.map((name) => layerTitle(scene, name)).join(" | ")}, ${scene.made_by}`);
  if (scene.gaze && (state.fixations || state.scanpaths)) {
    parts.push(`recorded gaze of ${state.viewer ? `viewer ${state.viewer}` : `${scene.gaze.viewers.length} viewers`}`);
  }
  return parts.join(" · ");
}

function layerTitle({ maps }: Scene, name: string): string {
  if (name === "recorded") return "map of recorded gaze";
  return name === NO_LAYER ? "picture only" : `predicted ${streamTitle(maps, name).toLowerCase()}`;
}

export async function savePng(view: HTMLCanvasElement, text: string, name: string): Promise<void> {
  const size = Math.max(12, Math.round(view.width / 80));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [view.width, view.height + 2 * size];
  const context = canvas.getContext("2d");
  if (!context) return;
  context.fillStyle = "#000000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(view, 0, 0);
  context.font = `${size}px system-ui, sans-serif`;
  context.fillStyle = "#ffffff";
  context.textBaseline = "middle";
  context.fillText(text, size / 2, view.height + size, canvas.width - size);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("The browser could not make a PNG of this view.");
  saveFile(blob, name);
}

/** The scene of an item. The server makes it when it is asked for, and says how far it is. */

import { byId, make } from "../page/dom";
import { showMessage } from "../page/messages";
import type { Item, Progress, Scene } from "../scene.gen";

const ASK_AGAIN_MS = 250;
const ACCEPTED = 202;

export async function loadScene(item: Item): Promise<Scene> {
  for (;;) {
    const response = await ask(`${item.folder}scene.json`);
    if (response.status !== ACCEPTED) return within(item.folder, (await response.json()) as Scene);
    const progress = (await response.json()) as Progress;
    if (progress.failed) throw new Error(progress.text);
    showProgress(item, progress);
    await new Promise((done) => setTimeout(done, ASK_AGAIN_MS));
  }
}

async function ask(file: string): Promise<Response> {
  try {
    const response = await fetch(file);
    if (!response.ok) throw new Error(`answer ${response.status}`);
    return response;
  } catch (error) {
    throw new Error(`${file} cannot be loaded (${(error as Error).message}). Is atsal view still running?`);
  }
}

/** The scene with its files relative to the page. */
function within(folder: string, scene: Scene): Scene {
  const streams = scene.maps.streams.map((stream) => ({ ...stream, chunks: stream.chunks.map((name) => folder + name) }));
  return {
    ...scene,
    media: { ...scene.media, file: folder + scene.media.file },
    maps: { ...scene.maps, streams },
    previews: { ...scene.previews, file: folder + scene.previews.file },
    live: scene.live && { ...scene.live, network: folder + scene.live.network },
  };
}

function showProgress(item: Item, { text, share }: Progress): void {
  const doing = text || `Opening ${item.name}`;
  const percent = share === null ? "" : `: ${Math.floor(100 * share)} %`;
  if (byId("message-text").firstChild?.textContent !== doing) showMessage(doing); // read aloud once
  let bar = document.querySelector<HTMLElement>("#message-text .share-done");
  if (!bar) {
    bar = make("span", { className: "share-done", ariaHidden: "true" });
    byId("message-text").append(bar);
  }
  bar.textContent = percent;
}

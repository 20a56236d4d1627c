/** The keys of the film, and those that go from cut to cut. */

import type { FilmCamera } from "./film_camera";
import { type FilmPanel, goTo } from "./film_panel";
import type { Viewer } from "../drawing/viewer";
import type { Key } from "../input/keys";
import type { Scene } from "../scene.gen";
import type { Store } from "../state";
import type { Video } from "../time/playback";

/** What there is once the video is open. */
export interface Opened {
  readonly video: Video;
  readonly panel: FilmPanel | null; // null where the source is no video file
}

export function filmKeys(store: Store, opened: () => Opened | null): Key[] {
  const panel = (): FilmPanel | null => opened()?.panel ?? null;
  return [
    { keys: ["k"], shown: "K", does: "set a keyframe of the film here", run: () => panel()?.setKeyframe() },
    { keys: ["Delete"], shown: "Del", does: "remove the keyframe here", run: () => panel()?.removeKeyframe() },
    { keys: ["m"], shown: "M", does: "record the film's path, stop", run: () => panel()?.toggleRecording() },
    { keys: ["o"], shown: "O", does: "outline of the film", run: () => store.set({ outline: !store.state.outline }) },
    { keys: ["t"], shown: "T", does: "look through the camera", run: () => store.set({ through: !store.state.through }) },
  ];
}

/** From cut to cut: of the source, and of the film. */
export function cutKeys(scene: Scene, camera: FilmCamera | null, viewer: Viewer, opened: () => Opened | null): Key[] {
  const go = (key: string): void => {
    const cuts = camera?.draft.keyframes.filter(({ cut }, i) => cut && i > 0).map(({ timestamp_s }) => timestamp_s) ?? [];
    const video = opened()?.video;
    if (video) goTo([...scene.cuts_s, ...cuts], key === "<" ? -1 : 1, viewer, video);
  };
  return [{ keys: ["<", ">"], shown: "< >", does: "cut before, next cut", run: go }];
}

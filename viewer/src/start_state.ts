/** What a page shows at first. */

import { NO_LAYER } from "./maps/streams";
import { FRONT } from "./page/buttons";
import type { State } from "./state";

export function startState(shown: Pick<State, "stream" | "colormap" | "opacity"> & Partial<State>): State {
  return {
    ...FRONT,
    pair: false,
    second: NO_LAYER,
    ...shown,
    projection: "sphere",
    layer: true,
    style: "colours",
    threshold: 0,
    regions: false,
    outline: true,
    through: false,
    speed: 1,
    loop: true,
    sound: false,
    fixations: true,
    scanpaths: false,
    trail: "1",
    viewer: "",
    follow: false,
  };
}

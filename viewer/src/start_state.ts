/** What a page shows at first. */

import { FRONT } from "./page/buttons";
import type { State } from "./state";

export function startState(shown: Pick<State, "stream" | "colormap" | "opacity">): State {
  return {
    ...FRONT,
    ...shown,
    projection: "sphere",
    layer: true,
    style: "colours",
    threshold: 0,
    regions: false,
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

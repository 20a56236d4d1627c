/** Marks on the time line: the cuts of the source, and the film with its keyframes and cuts. */

import type { PlanDraft } from "./draft";
import { byId, clockText, make } from "../page/dom";

/** Mark where the source cuts to another scene. */
export function markSourceCuts(cuts_s: readonly number[], duration_s: number): void {
  byId("source-cuts").replaceChildren(...cuts_s.map((time_s) => mark("source-cut", time_s, duration_s)));
}

/** Draw the film below the curve. */
export function markFilm(draft: PlanDraft, duration_s: number): void {
  const { start_s, end_s } = draft.span;
  byId("film-lane").hidden = !draft.keyframes.length;
  const bar = make("span", { className: "film-bar" });
  bar.style.left = `${(100 * start_s) / duration_s}%`;
  bar.style.width = `${(100 * (end_s - start_s)) / duration_s}%`;
  const marks = draft.keyframes.map((keyframe, i) => {
    const isCut = i > 0 && keyframe.cut;
    const found = mark(isCut ? "film-cut" : "film-key", keyframe.timestamp_s, duration_s);
    found.title = `${isCut ? "Cut" : "Keyframe"} at ${clockText(keyframe.timestamp_s)}`;
    return found;
  });
  byId("film-marks").replaceChildren(bar, ...marks);
}

function mark(className: string, time_s: number, duration_s: number): HTMLElement {
  const found = make("span", { className });
  found.style.left = `${(100 * time_s) / duration_s}%`;
  return found;
}

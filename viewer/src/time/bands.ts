/** Regions as bands below the time line: when each is there. A click looks at it. */

import { regionColour } from "../drawing/colours";
import { spans } from "../maps/regions";
import { clockText, make } from "../page/dom";
import type { RegionTrack, Scene } from "../scene.gen";

const SHOWN = 6;

/** Fill `parent` with the heaviest regions, in the order of their first times. */
export function makeBands(
  parent: HTMLElement,
  scene: Scene,
  duration_s: number,
  onLook: (track: RegionTrack) => void,
): void {
  const shown = scene.regions.slice(0, SHOWN).sort((a, b) => (a.times_s[0] ?? 0) - (b.times_s[0] ?? 0));
  for (const track of shown) {
    const [first, last] = [track.times_s[0] ?? 0, track.times_s[track.times_s.length - 1] ?? 0];
    const mean = track.weight.reduce((sum, weight) => sum + weight, 0) / track.weight.length;
    const share = `${Math.round(100 * mean)} % of gaze`;
    const about = `${share} on average, from ${clockText(first)} to ${clockText(last)}. Click to look at it.`;
    const row = make("button", { type: "button", className: "lane band", title: about });
    row.style.setProperty("--region", regionColour(track.id));
    const body = make("span", { className: "lane-body" });
    for (const [start, end] of spans(track, scene.region_step_s)) {
      const bar = make("span", { className: "bar" });
      bar.style.left = `${(100 * start) / duration_s}%`;
      bar.style.width = `${(100 * Math.max(end - start, scene.region_step_s / 2)) / duration_s}%`;
      body.append(bar);
    }
    const name = make("span", { className: "lane-name" });
    const chip = make("span", { className: "chip", textContent: `${track.id}` });
    name.append(make("span", { className: "hidden", textContent: "Look at region " }), chip);
    name.append(make("span", { className: "share", textContent: share }));
    row.append(name, body);
    row.addEventListener("click", () => onLook(track));
    parent.append(row);
  }
}

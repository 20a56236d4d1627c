/** Says how the prediction goes: the rate, the age of the map, or what is wrong; and stops and starts it. */

import { byId, make } from "../page/dom";
import type { LiveMaps } from "./live_maps";

const UPDATE_MS = 500;

/** What there is to say. */
export interface Progress {
  readonly problem: string | null;
  readonly ready: boolean; // the network is loaded
  readonly kind: "video" | "image" | null; // of the file that is open
  readonly time_s: number; // of the frame on screen
  readonly rate: number | null; // maps a second
  readonly threads: number;
}

/** Put the part into the panel; `onSwitch` is called to stop and to start. */
export function makeReport(maps: LiveMaps, progress: () => Progress, onSwitch: () => void): void {
  const text = make("p", { id: "live-state", className: "hint" });
  const button = make("button", { type: "button", id: "live-switch" });
  const privacy = make("p", { className: "hint", textContent: "Computed on this device. Nothing is uploaded." });
  const part = make("section", { id: "live" }, make("h2", { textContent: "Prediction" }), text, button, privacy);
  part.setAttribute("aria-label", "Prediction");
  document.querySelector("aside")?.prepend(part);
  const update = (): void => {
    const now = progress();
    text.textContent = describe(maps, now);
    text.classList.toggle("problem", now.problem !== null);
    button.textContent = maps.running ? "Stop predicting" : "Predict";
    button.disabled = now.problem !== null;
  };
  button.addEventListener("click", () => {
    onSwitch();
    update();
  });
  maps.listen(() => (maps.moving ? undefined : update())); // while it plays, the numbers would flicker
  setInterval(update, UPDATE_MS);
  update();
  byId("regions").closest("label")?.remove(); // regions are found in whole videos
}

function describe(maps: LiveMaps, { problem, ready, kind, time_s, rate, threads }: Progress): string {
  if (problem !== null) return problem;
  if (!maps.running) return "Stopped.";
  if (!ready) return "Loading the network…";
  const means = threads === 1 ? "1 thread" : `${threads} threads`;
  if (kind === null) return `Ready, ${means}.`;
  const age_s = maps.ageAt(time_s);
  if (maps.latest === null || age_s === null) return "Predicting…";
  const speed = rate === null ? "" : `${rate.toFixed(1)} maps/s, ${means}. `;
  if (maps.moving) return `${speed}The map is ${age_s.toFixed(2)} s old.`;
  const subject = kind === "image" ? "photo" : "frame";
  return `Map of this ${subject}, made in ${Math.round(maps.latest.took_ms)} ms, ${means}.`;
}

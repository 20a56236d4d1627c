/** A small picture of the time under the pointer on the time line, with its concentration. */

import { lastAtOrBefore } from "../maps/maps";
import { byId, clockText } from "../page/dom";
import type { Previews, Scene } from "../scene.gen";
import { clamp } from "../state";

const MARGIN_PX = 4;

/** `bits` gives the concentration of the stream that is shown, at a time; undefined where there is no map. */
export function showPreviews(
  { previews }: Scene,
  duration_s: number,
  bits: (time_s: number) => number | undefined,
): void {
  const [box, slider] = [byId("preview"), byId("seek")];
  if (!previews.times_s.length) return;
  const show = (event: PointerEvent): void => {
    const { left, width, top } = slider.getBoundingClientRect();
    const share = clamp((event.clientX - left) / width, 0, 1);
    drawPreview(previews, share * duration_s, bits(share * duration_s));
    box.hidden = false;
    const margin = box.offsetWidth / 2 + MARGIN_PX;
    box.style.left = `${clamp(left + share * width, margin, document.documentElement.clientWidth - margin)}px`;
    box.style.top = `${top - box.offsetHeight - MARGIN_PX}px`;
  };
  const hide = (): void => {
    box.hidden = true;
  };
  for (const start of ["pointerdown", "pointermove"] as const) slider.addEventListener(start, show);
  for (const end of ["pointerleave", "pointercancel"] as const) slider.addEventListener(end, hide);
}

/** The browser fetches the sheet when the first picture of it is wanted. */
function drawPreview({ file, columns, width, height, times_s }: Previews, time_s: number, bits?: number): void {
  const number = Math.max(0, lastAtOrBefore(times_s, time_s));
  const { style, dataset } = byId("preview-picture");
  [style.width, style.height] = [`${width}px`, `${height}px`];
  style.backgroundImage = `url("${file}")`;
  style.backgroundPosition = `-${(number % columns) * width}px -${Math.floor(number / columns) * height}px`;
  dataset.number = `${number}`;
  byId("preview-text").textContent = clockText(time_s) + (bits === undefined ? "" : ` · ${bits.toFixed(1)} bit`);
}

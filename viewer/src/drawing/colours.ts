/** Colour maps as tables: between the colours that Python sends, colours are interpolated as in `atsal predict`. */

import type { Colormap } from "../scene.gen";

/** The table of a colour map, (256, 4) RGBA. */
export function colourTable(colormap: Colormap): Uint8Array {
  const stops = colormap.colours.map((text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));
  const table = new Uint8Array(256 * 4);
  for (let level = 0; level < 256; level++) {
    const at = (level / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    for (let channel = 0; channel < 3; channel++) {
      const [a, b] = [stops[low]?.[channel] ?? 0, stops[low + 1]?.[channel] ?? 0];
      table[4 * level + channel] = Math.floor(a + (b - a) * (at - low) + 1e-9);
    }
    table[4 * level + 3] = 255;
  }
  return table;
}

/** Colours that tell regions apart, on dark and on light; ids beyond them start again. */
const REGION_COLOURS = ["#4e9bff", "#ff9f40", "#3fc98e", "#f2668b", "#b48cff", "#e0c33b", "#38c6d9", "#c98a5e"];

export function regionColour(id: number): string {
  return REGION_COLOURS[(id - 1) % REGION_COLOURS.length] ?? "#888888";
}

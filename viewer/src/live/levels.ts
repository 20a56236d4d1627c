/** From the network's maps to what the page draws; the same as src/atsal/video/render.py and viewing/packing.py. */

import type { MadeMap } from "./messages";

const MEMORY = 0.95; // of the peak, from map to map
const LEAST_PEAK = 1e-12;

/** The value that is shown in the last colour: it follows the maps slowly, so that they do not flicker. */
export class PeakTracker {
  private peak: number | null = null;

  update(map: Float32Array): number {
    const current = map.reduce((most, value) => Math.max(most, value), 0);
    this.peak = this.peak === null ? current : MEMORY * this.peak + (1 - MEMORY) * current;
    return Math.max(this.peak, LEAST_PEAK);
  }
}

/** A map (h, 2h), row by row, in levels. */
export function describeMap(map: Float32Array, peak: number): MadeMap {
  const { mean, bits } = measure(map);
  const levels = Uint8Array.from(map, (value) => Math.min(Math.max(value / peak, 0), 1) * 255 + 0.5);
  return { levels, bits, peak_ratio: mean > 0 ? peak / mean : 0 };
}

/** The mean over the sphere, and the information that the map has beyond gaze spread evenly. */
function measure(map: Float32Array): { mean: number; bits: number } {
  const height = Math.sqrt(map.length / 2);
  const share = rowShares(height);
  const mean = map.reduce((sum, value, i) => sum + value * (share[Math.floor(i / (2 * height))] ?? 0), 0);
  if (mean <= 0) return { mean: 0, bits: 0 };
  const bits = map.reduce((sum, value, i) => {
    const density = value / mean;
    return sum + (share[Math.floor(i / (2 * height))] ?? 0) * density * Math.log2(Math.max(density, 1e-12));
  }, 0);
  return { mean, bits };
}

/** The share of the sphere that a pixel of each row has. */
function rowShares(height: number): number[] {
  const cosines = Array.from({ length: height }, (_, row) => Math.cos(((row + 0.5) / height - 0.5) * Math.PI));
  const total = cosines.reduce((sum, cosine) => sum + cosine, 0) * 2 * height;
  return cosines.map((cosine) => cosine / total);
}

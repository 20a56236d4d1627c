/** When viewers look at a photo: a row for each of them, drawn behind the slider of the viewing time. */

import type { Track } from "./tracks";

export function drawStrip(canvas: HTMLCanvasElement, tracks: readonly Track[], viewer: string, length_s: number): void {
  const context = canvas.getContext("2d");
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!context || !width) return;
  const scale = window.devicePixelRatio;
  [canvas.width, canvas.height] = [width * scale, height * scale];
  context.scale(scale, scale);
  const shown = tracks.filter(({ name }) => !viewer || name === viewer);
  const row = (height - 4) / shown.length;
  shown.forEach((track, number) => {
    context.fillStyle = track.colour;
    track.starts_s.forEach((start_s, i) => {
      const wide = Math.max(((track.durations_s[i] ?? 0) / length_s) * width - 0.5, 0.75);
      context.fillRect((start_s / length_s) * width, 2 + number * row, wide, Math.max(row - (row > 2 ? 1 : 0), 0.6));
    });
  });
}

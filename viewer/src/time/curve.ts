/** The concentration of gaze over time, drawn behind the slider of the time. */

import type { Maps } from "../scene.gen";

export function drawCurve(canvas: HTMLCanvasElement, maps: Maps, stream: string, duration_s: number): void {
  const context = canvas.getContext("2d");
  const values = maps.streams.find(({ name }) => name === stream)?.concentration_bits;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!context || !values || !width) return;
  const scale = window.devicePixelRatio;
  [canvas.width, canvas.height] = [width * scale, height * scale];
  context.scale(scale, scale);
  const most = Math.max(...maps.streams.map((other) => greatest(other.concentration_bits)), 1);
  const line = new Path2D();
  let last_x = 0;
  values.forEach((bits, i) => {
    const x = ((maps.times_s[i] ?? 0) / duration_s) * width;
    const y = height - 2 - (bits / most) * (height - 8);
    if (i) line.lineTo(x, y);
    else line.moveTo(x, y);
    last_x = x;
  });
  const area = new Path2D(line);
  area.lineTo(last_x, height);
  area.lineTo(((maps.times_s[0] ?? 0) / duration_s) * width, height);
  const { color } = getComputedStyle(canvas);
  [context.strokeStyle, context.fillStyle, context.lineWidth] = [color, color, 1.5];
  context.globalAlpha = 0.25;
  context.fill(area);
  context.globalAlpha = 1;
  context.stroke(line);
}

function greatest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

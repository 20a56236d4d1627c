/** Area averages. */

/** One colour of a picture: where its values are in `data`. */
export interface Channel {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly start: number;
  readonly step: number; // from pixel to pixel
  readonly stride: number; // from line to line
  readonly width: number;
  readonly height: number;
}

/**
 * How the pixels of a line are shared out. New pixel `i` takes the old ones from `first[i]` on, with the weights from
 * `begin[i]` to `begin[i + 1]`, whose sum is 1. In flat arrays: lists in lists would take most of the time.
 */
interface Shares {
  readonly first: Int32Array;
  readonly begin: Int32Array;
  readonly weights: Float32Array;
}

/** Reduce a channel to (height, width) by area average. */
export function areaMeans(channel: Channel, width: number, height: number): Float32Array {
  const [across, down] = [share(channel.width, width), share(channel.height, height)];
  const found = new Float32Array(width * height);
  const line = new Float32Array(channel.width);
  for (let row = 0; row < height; row++) {
    line.fill(0);
    const [begin, end] = [down.begin[row] as number, down.begin[row + 1] as number];
    for (let at = begin; at < end; at++) {
      addLine(channel, (down.first[row] as number) + at - begin, down.weights[at] as number, line);
    }
    reduceLine(line, across, found.subarray(row * width, (row + 1) * width));
  }
  return found;
}

function addLine({ data, start, step, stride, width }: Channel, row: number, weight: number, line: Float32Array): void {
  for (let k = 0, from = start + row * stride; k < width; k++, from += step) {
    line[k] = (line[k] as number) + weight * (data[from] as number);
  }
}

function reduceLine(line: Float32Array, { first, begin, weights }: Shares, found: Float32Array): void {
  for (let k = 0, at = 0; k < found.length; k++) {
    let sum = 0;
    const end = begin[k + 1] as number;
    for (let from = first[k] as number; at < end; at++, from++) sum += (weights[at] as number) * (line[from] as number);
    found[k] = sum;
  }
}

function share(from: number, to: number): Shares {
  const step = from / to;
  const [first, begin] = [new Int32Array(to), new Int32Array(to + 1)];
  const weights: number[] = [];
  for (let i = 0; i < to; i++) {
    const [left, right] = [i * step, (i + 1) * step];
    first[i] = Math.floor(left + 1e-9);
    const last = Math.min(Math.ceil(right - 1e-9), from);
    for (let j = first[i] as number; j < last; j++) weights.push((Math.min(right, j + 1) - Math.max(left, j)) / step);
    begin[i + 1] = weights.length;
  }
  return { first, begin, weights: Float32Array.from(weights) };
}

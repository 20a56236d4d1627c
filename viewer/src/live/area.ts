/** Area averages. */

/** How the pixels of a line are shared out: each new pixel takes `weights` of the old ones from `first` on. */
interface Share {
  readonly first: number;
  readonly weights: readonly number[]; // with sum 1
}

/** Reduce RGBA pixels to (height, width, 3) by area average; both sides must shrink or stay. */
export function areaMeans({ data, width: from, height: rows }: ImageData, width: number, height: number): Uint8Array {
  const across = shares(from, width);
  const found = new Uint8Array(3 * width * height);
  const [line, sum] = [new Float32Array(3 * width), new Float32Array(3 * width)];
  shares(rows, height).forEach(({ first, weights }, row) => {
    sum.fill(0);
    weights.forEach((weight, i) => {
      reduceLine(data, 4 * from * (first + i), across, line);
      for (let k = 0; k < sum.length; k++) sum[k] = (sum[k] as number) + weight * (line[k] as number);
    });
    for (let k = 0; k < sum.length; k++) found[3 * width * row + k] = (sum[k] as number) + 0.5;
  });
  return found;
}

/** Reduce one line of RGBA pixels, which starts at `start`. */
function reduceLine(data: Uint8ClampedArray, start: number, across: readonly Share[], line: Float32Array): void {
  let at = 0;
  for (const { first, weights } of across) {
    let [red, green, blue] = [0, 0, 0];
    let from = start + 4 * first;
    for (const weight of weights) {
      red += weight * (data[from] as number);
      green += weight * (data[from + 1] as number);
      blue += weight * (data[from + 2] as number);
      from += 4;
    }
    line[at++] = red;
    line[at++] = green;
    line[at++] = blue;
  }
}

function shares(from: number, to: number): Share[] {
  const step = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [begin, end] = [i * step, (i + 1) * step];
    const first = Math.floor(begin);
    const last = Math.min(Math.ceil(end - 1e-9), from);
    const weights = Array.from({ length: last - first }, (_, j) => {
      return (Math.min(end, first + j + 1) - Math.max(begin, first + j)) / step;
    });
    return { first, weights };
  });
}

/**
 * Decoded frames in RGB, reduced, without a canvas. Chromium draws a frame to a canvas with WebGL's device, which takes the
 * processor about 0.1 s where there is no graphics card; and FFmpeg's colours are met more closely.
 */

import { areaMeans, type Channel } from "./area";

/** Luma and the two differences of colour, each at its own size. */
export interface Planes {
  readonly luma: Channel;
  readonly blue: Channel;
  readonly red: Channel;
  readonly weights: Weights;
  readonly fullRange: boolean;
}

/** The shares of luma; the rest is green's. */
interface Weights {
  readonly red: number;
  readonly blue: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const BT601 = { red: 0.299, blue: 0.114 };
const BT709 = { red: 0.2126, blue: 0.0722 };
const BT2020 = { red: 0.2627, blue: 0.0593 };
const MATRICES: Readonly<Record<string, Weights>> = {
  bt709: BT709,
  bt470bg: BT601,
  smpte170m: BT601,
  "bt2020-ncl": BT2020,
};
const HD = { width: 1280, height: 576 }; // as src/atsal/video/view_scaler.py reads what the file does not say
/** Pixels of luma to one of colour, across and down. */
const SUBSAMPLING: Readonly<Record<string, readonly [number, number]>> = {
  I420: [2, 2],
  NV12: [2, 2],
  I422: [2, 1],
  I444: [1, 1],
};

/** Whether the browser gives out the planes of a picture, in a form that is known here. */
export function hasPlanes(picture: object): picture is VideoFrame {
  if (!("VideoFrame" in globalThis) || !(picture instanceof VideoFrame)) return false;
  const { rotation = 0, flip = false } = picture as { rotation?: number; flip?: boolean }; // not in all browsers
  const isKnown = (picture.format ?? "") in SUBSAMPLING && weightsOf(picture) !== undefined;
  return isKnown && picture.visibleRect !== null && rotation === 0 && !flip;
}

/** The planes of a frame that has them. The frame must stay open meanwhile. */
export async function readPlanes(frame: VideoFrame): Promise<Planes> {
  const data = new Uint8Array(frame.allocationSize());
  const layout = await frame.copyTo(data);
  const { width = 0, height = 0 } = frame.visibleRect ?? {};
  const [across, down] = SUBSAMPLING[frame.format ?? ""] ?? [1, 1];
  const small = { width: Math.ceil(width / across), height: Math.ceil(height / down) };
  const channel = (plane: number, size: Size, step = 1, first = 0): Channel => {
    const { offset, stride } = layout[plane] ?? { offset: 0, stride: 0 };
    return { data, start: offset + first, step, stride, ...size };
  };
  const [luma, isPaired] = [channel(0, { width, height }), frame.format === "NV12"];
  const blue = isPaired ? channel(1, small, 2) : channel(1, small);
  const red = isPaired ? channel(1, small, 2, 1) : channel(2, small);
  return { luma, blue, red, weights: weightsOf(frame) ?? BT709, fullRange: frame.colorSpace.fullRange === true };
}

function weightsOf({ colorSpace: { matrix }, codedWidth, codedHeight }: VideoFrame): Weights | undefined {
  if (matrix) return MATRICES[matrix];
  return codedWidth >= HD.width || codedHeight > HD.height ? BT709 : BT601;
}

/** Write the picture in RGB to `target`, whose pixels are `step` values apart; it rounds and limits them. */
export function writeRgb(planes: Planes, width: number, height: number, target: Uint8ClampedArray, step: 3 | 4): void {
  const { weights, fullRange } = planes;
  const [luma, blues, reds] = [planes.luma, planes.blue, planes.red].map((channel) => areaMeans(channel, width, height));
  if (!luma || !blues || !reds) return;
  const black = fullRange ? 0 : 16;
  const [scale, colourScale] = fullRange ? [1, 1] : [255 / 219, 255 / 224];
  const [forRed, forBlue] = [2 * (1 - weights.red) * colourScale, 2 * (1 - weights.blue) * colourScale];
  const green = 1 - weights.red - weights.blue;
  for (let i = 0; i < luma.length; i++) {
    const grey = scale * ((luma[i] as number) - black);
    const red = grey + forRed * ((reds[i] as number) - 128);
    const blue = grey + forBlue * ((blues[i] as number) - 128);
    target[step * i] = red;
    target[step * i + 1] = (grey - weights.red * red - weights.blue * blue) / green;
    target[step * i + 2] = blue;
  }
}

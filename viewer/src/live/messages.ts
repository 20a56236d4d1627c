/** What the page and its worker tell each other. */

import type { FrameMap } from "../maps/source";

export interface Setup {
  readonly kind: "setup";
  readonly network: string; // addresses
  readonly runtime: string;
  readonly runtime_script: string;
  readonly threads: number;
  readonly width: number; // of the frames that the network takes
  readonly height: number;
}

export interface Look {
  readonly kind: "look";
  readonly picture: VideoFrame | ImageBitmap; // transferred; the worker closes it
  readonly time_s: number;
  readonly seconds: number; // the same for the network, which has a value of its own for a photo
  readonly first: boolean; // of a file
}

export type ToWorker = Setup | Look;

export interface Ready {
  readonly kind: "ready";
}

export interface Found {
  readonly kind: "found";
  readonly time_s: number; // of the frame
  readonly took_ms: number;
  readonly maps: Readonly<Record<string, MadeMap>>; // by stream
}

export interface Failed {
  readonly kind: "failed";
  readonly problem: string;
}

export interface MadeMap extends Omit<FrameMap, "name"> {
  readonly bits: number; // how concentrated the gaze is
}

export type FromWorker = Ready | Found | Failed;

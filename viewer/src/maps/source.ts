/** Where maps come from: the files of a run (`MapStore`), or the network in the page (`LiveMaps`). */

export interface FrameMap {
  readonly name: string; // says which map it is, in `data-map` of the stage
  readonly levels: Uint8Array; // row by row from the top
  readonly peak_ratio: number; // level 255 stands for this many times the average over the sphere
}

export interface MapSource {
  /** The map of a stream that belongs to the frame at a time; null where there is none, or not yet. */
  at(stream: string, time_s: number): FrameMap | null;
  /** Whether the frame at a time has a map, which may still be to come. */
  covers(time_s: number): boolean;
  /** How concentrated the gaze is in that map, in bits; null where that is not known. */
  bits(stream: string, time_s: number): number | null;
  /** A time within the next frame, or the one before, that a step leads to; null where the maps do not tell. */
  stepFrom(time_s: number, direction: 1 | -1): number | null;
  /** Call `listener` when a map is there that was missing. */
  listen(listener: () => void): void;
}

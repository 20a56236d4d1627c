/** The map of a frame on the graphics card. */

import { DataTexture, LinearFilter, RedFormat, RepeatWrapping } from "three";

import type { Maps } from "../scene.gen";

export class MapTexture {
  readonly texture: DataTexture;
  private readonly levels: Uint8Array<ArrayBuffer>;
  private latest: Uint8Array | null = null;

  constructor({ width, height }: Maps) {
    this.levels = new Uint8Array(width * height);
    this.texture = new DataTexture(this.levels, width, height, RedFormat);
    this.texture.unpackAlignment = 1;
    this.texture.wrapS = RepeatWrapping;
    this.texture.minFilter = this.texture.magFilter = LinearFilter;
  }

  /** Send the levels of a map, unless they are there already. */
  send(levels: Uint8Array): void {
    if (levels === this.latest) return;
    this.latest = levels;
    this.levels.set(levels);
    this.texture.needsUpdate = true;
  }
}

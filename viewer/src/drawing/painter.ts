/** Draws the view with WebGL: one triangle over the canvas, and one shader. */

import {
  BufferAttribute,
  BufferGeometry,
  ClampToEdgeWrapping,
  DataTexture,
  GLSL3,
  LinearFilter,
  LinearMipmapLinearFilter,
  Mesh,
  OrthographicCamera,
  RawShaderMaterial,
  RepeatWrapping,
  Scene as Drawing,
  Texture,
  Vector2,
  Vector3,
  Vector4,
  VideoFrameTexture,
  WebGLRenderer,
} from "three";

import type { Lens } from "./geometry";
import { MapTexture } from "./map_texture";
import { type Box, inPixels } from "./pane";
import type { Media, Maps } from "../scene.gen";
import { FRAGMENT, VERTEX } from "./shader";
import type { State } from "../state";
import type { Frame } from "../time/playback";

/** A view: where it is, in pixels of the canvas, and the levels of its map; null where it has none. */
export interface View {
  readonly box: Box;
  readonly levels: Uint8Array | null;
}

/** What the page needs of a way to draw; `canvas_painter.ts` is the other one. */
export interface Painter {
  readonly flatOnly: boolean;
  /** Prepare for another video or photo. */
  setMedia(media: Media): void;
  /** Take over the picture of a frame. */
  setFrame(frame: Frame): void;
  /** Take over a colour map, (256, 4) RGBA. */
  setColours(table: Uint8Array): void;
  resize(width: number, height: number): void;
  /** Draw the views, of which there are one or two. All look through one lens at one picture. */
  draw(state: State, lens: Lens, views: readonly View[]): void;
}

const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i; // of Chromium, Mesa, Apple, Windows
const STYLES = { colours: 0, contours: 1, spotlight: 2 };

export class GlPainter implements Painter {
  readonly flatOnly = false;
  private readonly renderer: WebGLRenderer;
  private picture = new Texture();
  private readonly maps: readonly MapTexture[]; // of each view
  private readonly colours = new DataTexture(new Uint8Array(256 * 4), 256, 1);
  private readonly material: RawShaderMaterial;
  private readonly drawing = new Drawing();
  private readonly camera = new OrthographicCamera();

  /** `onReduced` is told the width to which a picture is scaled that is too large for the graphics card. */
  constructor(
    canvas: HTMLCanvasElement,
    media: Media,
    mapSize: Maps,
    private readonly onReduced: (width: number) => void,
  ) {
    this.renderer = new WebGLRenderer({ canvas, alpha: false, antialias: false, depth: false, preserveDrawingBuffer: true });
    this.renderer.setScissorTest(true);
    this.maps = [new MapTexture(mapSize), new MapTexture(mapSize)];
    this.colours.minFilter = this.colours.magFilter = LinearFilter;
    this.material = this.makeMaterial();
    this.setMedia(media);
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(new Float32Array([-1, -1, 0, 3, -1, 0, -1, 3, 0]), 3));
    const mesh = new Mesh(geometry, this.material);
    mesh.frustumCulled = false;
    this.drawing.add(mesh);
  }

  /** Whether WebGL is drawn by the processor, which may have other work. A slow graphics card leaves it alone. */
  get drawsOnProcessor(): boolean {
    const gl = this.renderer.getContext();
    const names = gl.getExtension("WEBGL_debug_renderer_info");
    return SOFTWARE.test(`${gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER)}`);
  }

  setMedia({ kind, crop }: Media): void {
    this.picture.dispose();
    this.picture = kind === "image" ? new Texture() : new VideoFrameTexture();
    this.picture.flipY = false;
    this.picture.generateMipmaps = kind === "image"; // a large photo that is shown small would flicker
    this.picture.wrapS = crop[2] < 1 ? ClampToEdgeWrapping : RepeatWrapping;
    this.picture.magFilter = LinearFilter;
    this.picture.minFilter = kind === "image" ? LinearMipmapLinearFilter : LinearFilter;
    (this.material.uniforms.picture ?? { value: null }).value = this.picture;
    this.setValues({ mipmaps: this.picture.generateMipmaps });
    this.uniform("crop", Vector4).set(...crop);
  }

  private makeMaterial(): RawShaderMaterial {
    const uniforms = {
      picture: { value: this.picture },
      map: { value: this.maps[0]?.texture },
      colours: { value: this.colours },
      mipmaps: { value: false },
      crop: { value: new Vector4() },
      pictureSize: { value: new Vector2(1, 1) },
      right: { value: new Vector3() },
      up: { value: new Vector3() },
      forward: { value: new Vector3() },
      tangent: { value: new Vector2() },
      flatScale: { value: new Vector2() },
      flatView: { value: false },
      layer: { value: false },
      style: { value: 0 },
      opacity: { value: 0 },
      threshold: { value: 0 },
    };
    const shaders = { vertexShader: `in vec3 position;${VERTEX}`, fragmentShader: FRAGMENT };
    return new RawShaderMaterial({ glslVersion: GLSL3, uniforms, depthTest: false, depthWrite: false, ...shaders });
  }

  setFrame(frame: Frame): void {
    this.send(this.fitted(frame), frame);
  }

  /** Take over the picture of a frame of a video that was made smaller. */
  setPixels(pixels: ImageData): void {
    this.send(pixels, pixels);
  }

  private send(picture: unknown, { width, height }: { width: number; height: number }): void {
    this.picture.image = picture;
    this.picture.needsUpdate = true;
    this.uniform("pictureSize", Vector2).set(width, height);
    this.renderer.initTexture(this.picture); // now: the picture of a video is closed after this call
  }

  private fitted(frame: Frame): Frame["picture"] | HTMLCanvasElement {
    const limit = this.renderer.capabilities.maxTextureSize;
    const scale = limit / Math.max(frame.width, frame.height);
    if (scale >= 1) return frame.picture;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.floor(frame.width * scale), Math.floor(frame.height * scale)];
    canvas.getContext("2d")?.drawImage(frame.picture, 0, 0, canvas.width, canvas.height);
    this.onReduced(canvas.width);
    return canvas;
  }

  setColours(table: Uint8Array): void {
    (this.colours.image.data as Uint8Array).set(table);
    this.colours.needsUpdate = true;
  }

  resize(width: number, height: number): void {
    this.renderer.setSize(width, height, false);
  }

  draw(state: State, lens: Lens, views: readonly View[]): void {
    this.uniform("right", Vector3).set(...lens.right);
    this.uniform("up", Vector3).set(...lens.up);
    this.uniform("forward", Vector3).set(...lens.forward);
    this.uniform("tangent", Vector2).set(...lens.tangent);
    this.uniform("flatScale", Vector2).set(...lens.flatScale);
    const { opacity, threshold } = state;
    this.setValues({ flatView: lens.flat, style: STYLES[state.style], opacity, threshold });
    this.aim({ left: 0, top: 0, width: this.renderer.domElement.width, height: this.renderer.domElement.height });
    this.renderer.clear(); // also between the views, where another drawing may remain
    views.forEach((view, number) => this.drawView(state, view, this.maps[number]));
  }

  private drawView(state: State, { box, levels }: View, map: MapTexture | undefined): void {
    if (levels) map?.send(levels);
    this.setValues({ map: map?.texture, layer: state.layer && levels !== null });
    this.aim(box);
    this.renderer.render(this.drawing, this.camera);
  }

  private setValues(values: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(values)) (this.material.uniforms[name] ?? { value: 0 }).value = value;
  }

  private aim({ left, top, width, height }: Box): void {
    const place = [left, this.renderer.domElement.height - top - height, width, height] as const;
    this.renderer.setViewport(...place);
    this.renderer.setScissor(...place); // only this part is cleared, and drawn
  }

  /** Draw more over the pane that `draw` has drawn at `box`, in pixels of the page. */
  drawOver(drawing: Drawing, box: Box): void {
    this.aim(inPixels(box, this.pixelRatio));
    this.renderer.autoClear = false;
    this.renderer.render(drawing, this.camera);
    this.renderer.autoClear = true;
  }

  /** The number of its pixels to a pixel of the page. */
  get pixelRatio(): number {
    const { domElement: canvas } = this.renderer;
    return canvas.width / (canvas.clientWidth || canvas.width);
  }

  private uniform<T>(name: string, _type: new () => T): T {
    return this.material.uniforms[name]?.value as T;
  }
}

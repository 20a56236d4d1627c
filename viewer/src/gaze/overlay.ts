/** Fixations and scanpaths over the picture: one call of the graphics card each, however many there are. */

import {
  BufferGeometry,
  DataTexture,
  FloatType,
  GLSL3,
  Mesh,
  RawShaderMaterial,
  RGBAFormat,
  Scene as Drawing,
  Vector2,
  Vector3,
} from "three";

import type { Lens } from "../drawing/geometry";
import type { GlPainter } from "../drawing/painter";
import type { Pane } from "../drawing/pane";
import type { Overlay } from "../drawing/viewer";
import type { Gaze, Media } from "../scene.gen";
import { clamp, type State } from "../state";
import { DOT_FRAGMENT, DOT_VERTEX, LINE_FRAGMENT, LINE_STEPS, LINE_VERTEX } from "./shader";
import { isTimed, makeTracks, Moment, type Track } from "./tracks";

const MANY = 300; // dots from which on they are smaller and paler
const FURTHEST_S = 1e9;
const TEXTURE_WIDTH = 1024;
const CORNERS = 6; // two triangles

export class GazeOverlay implements Overlay {
  private readonly tracks: readonly Track[];
  private readonly order: Order;
  private readonly frame_s: number;
  private readonly isTimed: boolean;
  private readonly drawing = new Drawing();
  private readonly dots: Mesh;
  private readonly lines: Mesh;
  private readonly uniforms = {
    fixations: { value: null as DataTexture | null },
    right: { value: new Vector3() },
    up: { value: new Vector3() },
    forward: { value: new Vector3() },
    tangent: { value: new Vector2() },
    flatScale: { value: new Vector2() },
    size: { value: new Vector2() },
    flatView: { value: false },
    always: { value: false },
    from: { value: 0 },
    until: { value: 0 },
    trail: { value: 0 },
    chosen: { value: -1 },
    pixel: { value: 1 },
    room: { value: 1 },
  };

  constructor(
    gaze: Gaze,
    media: Media,
    private readonly painter: GlPainter,
    private readonly pane: Pane,
  ) {
    this.tracks = makeTracks(gaze);
    this.order = orderByTime(this.tracks);
    this.frame_s = media.frame_rate ? 1 / media.frame_rate : 0;
    this.isTimed = isTimed(gaze);
    this.uniforms.fixations.value = makeTexture(this.tracks, this.order);
    this.lines = this.makeMesh(LINE_VERTEX, LINE_FRAGMENT);
    this.dots = this.makeMesh(DOT_VERTEX, DOT_FRAGMENT);
    this.drawing.add(this.lines, this.dots);
  }

  draw(lens: Lens, time_s: number, state: State): void {
    const moment = new Moment(time_s, this.frame_s, state.trail, this.isTimed);
    this.setUniforms(lens, moment, state);
    const [first, end] = moment.range(this.order.starts_s, this.order.longest_s);
    const perLine = lens.flat ? 2 * LINE_STEPS * CORNERS : CORNERS;
    this.dots.geometry.setDrawRange(first * CORNERS, (end - first) * CORNERS);
    this.lines.geometry.setDrawRange(first * perLine, (end - first) * perLine);
    this.dots.visible = state.fixations && end > first;
    this.lines.visible = state.scanpaths && end > first;
    this.painter.drawOver(this.drawing, this.pane.box);
  }

  private setUniforms(lens: Lens, moment: Moment, { viewer }: State): void {
    const { uniforms } = this;
    for (const name of ["right", "up", "forward"] as const) uniforms[name].value.set(...lens[name]);
    for (const name of ["tangent", "flatScale"] as const) uniforms[name].value.set(...lens[name]);
    const { width, height } = this.pane.box;
    const pixel = (uniforms.pixel.value = this.painter.pixelRatio);
    uniforms.size.value.set(width * pixel, height * pixel);
    uniforms.flatView.value = lens.flat;
    uniforms.chosen.value = this.tracks.findIndex(({ name }) => name === viewer);
    [uniforms.from.value, uniforms.until.value] = [moment.from_s, moment.until_s];
    [uniforms.trail.value, uniforms.always.value] = [Math.min(moment.trail_s, FURTHEST_S), moment.always];
    const shown = this.tracks.filter(({ name }) => !viewer || name === viewer);
    const count = shown.reduce((sum, track) => sum + moment.count(track), 0);
    uniforms.room.value = clamp(Math.sqrt(MANY / count), 0.45, 1);
  }

  private makeMesh(vertexShader: string, fragmentShader: string): Mesh {
    const options = { glslVersion: GLSL3, transparent: true, depthTest: false, depthWrite: false };
    const shaders = { uniforms: this.uniforms, vertexShader, fragmentShader };
    const mesh = new Mesh(new BufferGeometry(), new RawShaderMaterial({ ...options, ...shaders }));
    mesh.frustumCulled = false;
    return mesh;
  }
}

/** The fixations of all viewers in order of time: what is shown at a moment is one run of them. */
interface Order {
  readonly places: readonly (readonly [number, number])[]; // number of the track, and in it
  readonly starts_s: readonly number[]; // empty where no times are known
  readonly longest_s: number;
}

function orderByTime(tracks: readonly Track[]): Order {
  const start = ([track, i]: readonly [number, number]): number => tracks[track]?.starts_s[i] ?? 0;
  const places = tracks.flatMap(({ vectors }, track) => vectors.map((_, i) => [track, i] as const));
  places.sort((a, b) => start(a) - start(b));
  return { places, starts_s: places.map(start), longest_s: Math.max(...tracks.map(({ longest_s }) => longest_s)) };
}

/** Four texels for each fixation; shader.ts reads them. */
function makeTexture(tracks: readonly Track[], { places }: Order): DataTexture {
  const height = Math.ceil((4 * places.length) / TEXTURE_WIDTH);
  const values = new Float32Array(4 * TEXTURE_WIDTH * height);
  places.forEach(([number, i], place) => {
    const track = tracks[number];
    const here = track?.vectors[i];
    if (!track || !here) return;
    const next = track.vectors[i + 1];
    const { starts_s, ends_s, durations_s } = track;
    const nextStart_s = next ? (starts_s[i + 1] ?? 0) : FURTHEST_S;
    const times_s = [starts_s[i] ?? FURTHEST_S, ends_s[i] ?? -FURTHEST_S, nextStart_s, durations_s[i] ?? 0];
    values.set([...here, number, ...(next ?? here), 0, ...times_s, ...track.rgb, 1], 16 * place);
  });
  const texture = new DataTexture(values, TEXTURE_WIDTH, height, RGBAFormat, FloatType);
  texture.needsUpdate = true;
  return texture;
}

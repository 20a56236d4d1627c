/** Draws a picture and its map with plain WebGL: a report is sent by mail, so its script is small. */

import type { Lens } from "../drawing/geometry";
import { FRAGMENT, VERTEX } from "../drawing/shader";
import type { State } from "../state";

const SOURCES = { VERTEX_SHADER: `#version 300 es\nin vec2 position;${VERTEX}`, FRAGMENT_SHADER: `#version 300 es${FRAGMENT}` };
const UNITS = { picture: 0, map: 1, colours: 2 };

export class SpherePainter {
  private readonly program: WebGLProgram;

  /** `colours` is a colour map, (256, 4) RGBA. */
  constructor(
    private readonly gl: WebGL2RenderingContext,
    colours: Uint8Array,
  ) {
    this.program = makeProgram(gl);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 3, -1, -1, 3]), gl.STATIC_DRAW);
    const position = gl.getAttribLocation(this.program, "position");
    gl.enableVertexAttribArray(position);
    gl.vertexAttribPointer(position, 2, gl.FLOAT, false, 0, 0);
    for (const [name, unit] of Object.entries(UNITS)) this.makeTexture(name, unit);
    gl.uniform4f(this.place("crop"), 0, 0, 1, 1);
    gl.uniform1i(this.place("layer"), 1);
    gl.activeTexture(gl.TEXTURE0 + UNITS.colours);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, colours);
  }

  private makeTexture(name: string, unit: number): void {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    gl.uniform1i(this.place(name), unit);
  }

  private place(name: string): WebGLUniformLocation | null {
    return this.gl.getUniformLocation(this.program, name);
  }

  /** Take over a picture, and its map in grey. Both are of the whole sphere (ERP). */
  set(picture: HTMLImageElement, map: HTMLImageElement): void {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0 + UNITS.picture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
    gl.uniform2f(this.place("pictureSize"), picture.width, picture.height);
    gl.activeTexture(gl.TEXTURE0 + UNITS.map);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, map);
  }

  draw(state: State, lens: Lens): void {
    const { gl } = this;
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    for (const name of ["right", "up", "forward"] as const) gl.uniform3f(this.place(name), ...lens[name]);
    for (const name of ["tangent", "flatScale"] as const) gl.uniform2f(this.place(name), ...lens[name]);
    gl.uniform1i(this.place("flatView"), Number(lens.flat));
    gl.uniform1f(this.place("opacity"), state.opacity);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }
}

function makeProgram(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of Object.entries(SOURCES)) {
    const shader = gl.createShader(gl[kind as keyof typeof SOURCES]);
    if (!shader) continue; // the context is lost
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  return program;
}

/** The network of `atsal export` in WebAssembly: a frame in, the maps of each stream out; it keeps the state. */

import * as ort from "onnxruntime-web/wasm";

import type { Setup } from "./messages";

const RESULT_STATE = "next_state";
const MOST_GAP_S = 1; // between frames of one state

export class Network {
  private state: ort.Tensor | null = null;
  private before_s = 0;

  private constructor(
    private readonly session: ort.InferenceSession,
    private readonly shape: readonly number[],
    private readonly stateShape: readonly number[],
  ) {}

  static async load(setup: Setup): Promise<Network> {
    const [runtime, network] = await Promise.all([fetchPacked(setup.runtime), fetchFile(setup.network)]);
    ort.env.wasm.wasmBinary = runtime;
    ort.env.wasm.wasmPaths = { mjs: setup.runtime_script };
    ort.env.wasm.numThreads = setup.threads;
    const session = await ort.InferenceSession.create(network, { executionProviders: ["wasm"] });
    const state = session.inputMetadata.find((input) => input.name === "state");
    const stateShape = state?.isTensor ? state.shape.map(Number) : [];
    return new Network(session, [1, setup.height, setup.width, 3], stateShape);
  }

  /** Whether a frame does not follow the last one: after a new file, a step back, or a jump. */
  begins(time_s: number, first: boolean): boolean {
    const gap_s = time_s - this.before_s;
    return first || !this.state || gap_s <= 0 || gap_s > MOST_GAP_S;
  }

  /** The maps of a frame in RGB, by stream. `begins` says whether a new state begins. */
  async see(rgb: Uint8Array, time_s: number, seconds: number, begins: boolean): Promise<Record<string, Float32Array>> {
    const size = this.stateShape.reduce((product, side) => product * side, 1);
    const state = this.state ?? new ort.Tensor("float32", new Float32Array(size), this.stateShape);
    const inputs: Record<string, ort.Tensor> = {
      frames: new ort.Tensor("uint8", rgb, this.shape),
      state,
      carry: new ort.Tensor("float32", [begins ? 0 : 1], []),
      seconds: new ort.Tensor("float32", [seconds], [1]),
    };
    const wanted = this.session.inputNames.map((name) => [name, inputs[name] as ort.Tensor]);
    const { [RESULT_STATE]: next, ...maps } = await this.session.run(Object.fromEntries(wanted));
    [this.state, this.before_s] = [next ?? null, time_s];
    return Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, map.data as Float32Array]));
  }
}

async function fetchFile(address: string): Promise<ArrayBuffer> {
  return (await answerFrom(address)).arrayBuffer();
}

async function fetchPacked(address: string): Promise<ArrayBuffer> {
  const { body } = await answerFrom(address);
  if (!body) throw new Error(`${nameOf(address)} is empty`);
  return new Response(body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

async function answerFrom(address: string): Promise<Response> {
  const answer = await fetch(address).catch((error: Error) => error);
  if (answer instanceof Error) throw new Error(`${nameOf(address)} cannot be loaded (${answer.message})`);
  if (!answer.ok) throw new Error(`${nameOf(address)} cannot be loaded (answer ${answer.status})`);
  return answer;
}

function nameOf(address: string): string {
  return address.slice(address.lastIndexOf("/") + 1);
}

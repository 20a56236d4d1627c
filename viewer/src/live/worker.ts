/** The worker: scales a frame, runs the network, and sends back the maps. */

import { describeMap, PeakTracker } from "./levels";
import type { Found, FromWorker, Look, MadeMap, Setup, ToWorker } from "./messages";
import { Network } from "./network";
import { Scaler } from "./scaling";

let network: Network;
let scaler: Scaler;
let peaks: Record<string, PeakTracker> = {};

async function setUp(setup: Setup): Promise<FromWorker> {
  scaler = new Scaler(setup.width, setup.height);
  network = await Network.load(setup);
  return { kind: "ready" };
}

async function look({ picture, time_s, seconds, first }: Look): Promise<Found> {
  const start_ms = performance.now();
  const rgb = await scaler.scale(picture);
  picture.close();
  const begins = network.begins(time_s, first);
  if (begins) peaks = {};
  const maps: Record<string, MadeMap> = {};
  for (const [stream, map] of Object.entries(await network.see(rgb, time_s, seconds, begins))) {
    const peak = (peaks[stream] ??= new PeakTracker()).update(map);
    maps[stream] = describeMap(map, peak);
  }
  return { kind: "found", time_s, took_ms: performance.now() - start_ms, maps };
}

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  const done: Promise<FromWorker> = data.kind === "setup" ? setUp(data) : look(data);
  done
    .catch((error: Error): FromWorker => ({ kind: "failed", problem: error.message }))
    .then((answer) => postMessage(answer));
});

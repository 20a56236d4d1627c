// The page while it loops for long: what it holds does not grow.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { openBrowser, openPage } from "./browser.mjs";

const { seconds } = JSON.parse(process.env.ATSAL_SCENE);
const WARM_UP_S = 15;

/** Count what the page makes and does not give back: textures, and frames of the video. */
function countHeld() {
  const held = (window.held = { textures: 0, frames: 0, made: 0 });
  const { createTexture, deleteTexture } = WebGL2RenderingContext.prototype;
  Object.assign(WebGL2RenderingContext.prototype, {
    createTexture() {
      held.textures += 1;
      return createTexture.call(this);
    },
    deleteTexture(texture) {
      held.textures -= texture ? 1 : 0;
      deleteTexture.call(this, texture);
    },
  });
  const Original = VideoFrame;
  window.VideoFrame = class extends Original {
    constructor(...values) {
      super(...values);
      held.frames += 1;
      held.made += 1;
    }
    close() {
      held.frames -= 1;
      super.close();
    }
  };
}

async function measure(page, session, processes) {
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  const value = (name) => metrics.find((metric) => metric.name === name).value;
  const { processInfo } = await processes.send("SystemInfo.getProcessInfo");
  const largest = (wanted) => Math.max(...processInfo.filter(({ type }) => type === wanted).map(({ id }) => residentMiB(id)));
  return {
    heap_MiB: value("JSHeapUsedSize") / 2 ** 20,
    nodes: value("Nodes"),
    listeners: value("JSEventListeners"),
    ...(await page.evaluate(() => ({ ...window.held }))),
    page_MiB: largest("renderer"),
    gpu_MiB: largest("GPU"),
  };
}

function residentMiB(id) {
  try {
    return Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? NaN) / 1024;
  } catch {
    return NaN; // no /proc on this system
  }
}

await test(`what the page holds is the same after ${seconds} s`, { timeout: 2 * 1000 * seconds + 120_000 }, async (context) => {
  const browser = await openBrowser({}, context);
  const { page, problems } = await openPage(browser, { ready: false, init: countHeld, hash: "#speed=2" });
  await page.waitForSelector("body[data-ready]");
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const processes = await browser.newBrowserCDPSession();
  await page.getByRole("button", { name: "Play" }).click();
  await page.locator("#stage").focus();
  const look = async (during_s) => {
    for (const end = Date.now() + 1000 * during_s; Date.now() < end; ) {
      await page.keyboard.press("ArrowRight");
      await page.waitForTimeout(200);
    }
    return measure(page, session, processes);
  };
  const before = await look(WARM_UP_S);
  const after = await look(seconds);
  console.log(JSON.stringify({ before, after }, (_key, value) => (value % 1 ? Number(value.toFixed(2)) : value)));
  assert.ok(after.made > before.made + 10, "the video plays");
  assert.ok(after.heap_MiB < before.heap_MiB + 1, `the heap grew from ${before.heap_MiB} to ${after.heap_MiB} MiB`);
  assert.ok(after.nodes <= before.nodes + 20, `${before.nodes} nodes became ${after.nodes}`);
  assert.equal(after.listeners, before.listeners);
  assert.equal(after.textures, before.textures);
  assert.equal(after.frames, 0, "each frame of the video is closed");
  assert.ok(!(after.page_MiB > before.page_MiB * 1.3 + 50), `the process grew from ${before.page_MiB} to ${after.page_MiB} MiB`);
  assert.deepEqual(problems, []);
});

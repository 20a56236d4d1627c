// The page that predicts: files are dropped on it, and its maps are compared with Python's.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";

import { ADDRESS, axe, drawn, openBrowser, openPage, shownTime } from "./browser.mjs";

const { files: FOLDER, threads: THREADS } = JSON.parse(process.env.ATSAL_SCENE);
const TYPES = { png: "image/png", jpg: "image/jpeg", mp4: "video/mp4", txt: "text/plain" };

const browser = await openBrowser();

/** Keep what the worker sends in `found`: the maps of each frame, as the page gets them. */
function recordMaps() {
  const Original = window.Worker;
  window.found = [];
  window.Worker = class extends Original {
    constructor(...values) {
      super(...values);
      this.addEventListener("message", ({ data }) => data.kind === "found" && window.found.push(data));
    }
  };
}

async function check(name, options, run) {
  await test(name, async () => {
    const { page, problems } = await openPage(browser, { ready: false, init: recordMaps, ...options });
    try {
      await page.waitForSelector("body[data-ready]");
      await run(page);
      assert.deepEqual(problems, []);
    } finally {
      await page.context().close();
    }
  });
}

async function drop(page, name) {
  const content = readFileSync(join(FOLDER, name)).toString("base64");
  const type = TYPES[name.split(".").pop()];
  const dataTransfer = await page.evaluateHandle(
    async ([content, name, type]) => {
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], name, { type }));
      return transfer;
    },
    [content, basename(name), type],
  );
  await page.dispatchEvent("body", "drop", { dataTransfer });
}

/** Wait until the map of the very frame on screen is shown. */
async function exactMap(page) {
  await page.waitForFunction(() => {
    const { map, time } = document.getElementById("stage").dataset;
    return map && map === time;
  });
}

const foundMaps = (page) =>
  page.evaluate(() =>
    window.found.map(({ time_s, maps }) => ({
      time_s,
      maps: Object.fromEntries(Object.entries(maps).map(([stream, { levels }]) => [stream, [...levels]])),
    })),
  );

/** Scaled pixels may differ by rounding, and with them the maps by a few levels. */
function assertSame(levels, expected, name) {
  const [a, b] = [levels, expected].map((values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  });
  const product = (one, other) => one.reduce((sum, value, i) => sum + value * other[i], 0);
  const correlation = product(a, b) / Math.sqrt(product(a, a) * product(b, b));
  assert.ok(correlation > 0.9999, `${name}: the maps correlate by ${correlation}`);
  const most = Math.max(...levels.map((level, i) => Math.abs(level - expected[i])));
  assert.ok(most <= 8, `${name} differs by ${most} levels`);
}

async function message(page, text) {
  await page.locator("#message-text").getByText(text).waitFor();
  assert.ok(await page.locator("#message").isVisible());
}

await check("the page says what to do, and how the network runs", {}, async (page) => {
  await message(page, "Drop a 360° video or photo here");
  await page.getByText(`Ready, ${THREADS}.`).waitFor();
  assert.equal(await page.locator("#play").isVisible(), false);
});

await check("a photo has the map of Python, in each stream", {}, async (page) => {
  await drop(page, "photo.png"); // three times as large as the network takes it: both average the same pixels
  await exactMap(page);
  await page.getByText("Map of this photo").waitFor();
  assert.equal(await page.locator("#message").isVisible(), false);
  const [{ maps }] = await foundMaps(page);
  const expected = JSON.parse(readFileSync(join(FOLDER, "photo.json")));
  for (const [stream, levels] of Object.entries(expected)) {
    assertSame(maps[stream], levels, stream);
  }
  assert.deepEqual(Object.keys(maps), Object.keys(expected));
  await page.keyboard.press("2");
  assert.ok(await page.getByRole("radio", { name: "Attention" }).isChecked());
});

await check("a video plays, and the map follows; at rest it is that of the frame", {}, async (page) => {
  await drop(page, "scene.mp4");
  await page.getByText(/maps\/s/).waitFor();
  for (let i = 0; i < 20; i++) {
    const [map, time, took_ms] = await page.evaluate(() => {
      const { map, time } = document.getElementById("stage").dataset;
      return [Number(map || time), Number(time), window.found.at(-1).took_ms];
    });
    const age_s = time - map; // a busy machine takes longer
    assert.ok(age_s >= 0 && age_s <= Math.max(1, (3 * took_ms) / 1000), `the map of ${map} s is shown at ${time} s`);
    await drawn(page);
  }
  const share = () => page.evaluate(() => document.getElementById("canvas").width / document.getElementById("stage").clientWidth);
  assert.ok((await share()) < 0.51, "the processor draws, so the canvas is coarse while it predicts");
  await page.keyboard.press(" ");
  await exactMap(page);
  await page.getByText("Map of this frame").waitFor();
  assert.equal(await share(), 1, "the frame at rest is drawn in full");
  await page.locator("#seek").fill("1");
  await page.waitForFunction(() => Math.abs(Number(document.getElementById("stage").dataset.time) - 1) < 0.1);
  await exactMap(page);
  const before = await shownTime(page);
  for (let i = 0; i < 5 && (await shownTime(page)) === before; i++) {
    await page.keyboard.press("."); // the first may fall short where a busy machine has left out frames so far
    await page.waitForTimeout(1000);
  }
  await exactMap(page);
  const step_s = (await shownTime(page)) - before;
  assert.ok(step_s > 0 && step_s < 0.3, `a step is about a frame, not ${step_s} s`);
  writeFileSync(join(FOLDER, "found.json"), JSON.stringify(await foundMaps(page)));
});

await check("the prediction stops and starts again", {}, async (page) => {
  await page.locator("input[type=file]").setInputFiles(join(FOLDER, "scene.mp4"));
  await page.getByText(/maps\/s/).waitFor();
  await page.getByRole("button", { name: "Stop predicting" }).click();
  await page.locator("#stage.without-map").waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Predict", exact: true }).click();
  await exactMap(page);
});

await check("another file replaces the first", {}, async (page) => {
  await drop(page, "scene.mp4");
  await page.getByText(/maps\/s/).waitFor();
  await drop(page, "photo.png");
  await page.getByText("Map of this photo").waitFor();
  assert.equal(await page.locator("#title").textContent(), "photo.png");
  assert.equal(await page.locator("#play").isVisible(), false);
  await drop(page, "scene.mp4");
  await page.getByText(/maps\/s/).waitFor();
  assert.equal(await page.locator("#title").textContent(), "scene.mp4");
});

for (const [name, text] of [
  ["flat.mp4", "flat.mp4 is not a 360° picture (160 x 90); expected one view, twice as wide as high"],
  ["flat.png", "flat.png is not a 360° picture (160 x 90)"],
  ["broken.mp4", "This browser cannot play broken.mp4"],
  ["broken.png", "broken.png cannot be opened"],
  ["notes.txt", "notes.txt is no video or photo (text/plain)"],
]) {
  await check(`${name} gets a message, and the next file is shown`, {}, async (page) => {
    await drop(page, name);
    await message(page, text);
    await drop(page, "photo.png");
    await exactMap(page);
  });
}

await check("the worker gives the maps of Python over many frames, with the state kept", {}, async (page) => {
  const { times_s, expected } = JSON.parse(readFileSync(join(FOLDER, "frames.json")));
  const frames = times_s.map((_, i) => readFileSync(join(FOLDER, `${i}.png`)).toString("base64"));
  const found = await page.evaluate(
    async ([times_s, frames, width, height, address]) => {
      const worker = new Worker(`${address}live/live.worker.js`, { type: "module" });
      const ask = (data, transfer = []) =>
        new Promise((done) => {
          worker.addEventListener("message", (event) => done(event.data), { once: true });
          worker.postMessage(data, transfer);
        });
      const files = { network: "items/1/network.onnx", runtime: "live/onnxruntime.gzip", runtime_script: "live/wasm.worker.js" };
      for (const name of Object.keys(files)) files[name] = address + files[name];
      await ask({ kind: "setup", ...files, threads: 1, width, height });
      const levels = [];
      for (const [i, time_s] of times_s.entries()) {
        const bytes = Uint8Array.from(atob(frames[i]), (letter) => letter.charCodeAt(0));
        const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
        const { maps } = await ask({ kind: "look", picture, time_s, seconds: time_s, first: i === 0 }, [picture]);
        levels.push([...maps.fused.levels]);
      }
      return levels;
    },
    [times_s, frames, 320, 160, ADDRESS],
  );
  expected.forEach((levels, i) => assertSame(found[i], levels, `frame ${i}`));
});

for (const [name, options] of [
  ["desktop, dark", { colorScheme: "dark" }],
  ["phone, light", { viewport: { width: 390, height: 844 }, colorScheme: "light" }],
]) {
  for (const file of [null, "photo.png"]) {
    await check(`axe finds nothing serious: ${name}, ${file ?? "no file"}`, options, async (page) => {
      if (file) {
        await drop(page, file);
        await exactMap(page);
      }
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document));
      const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
      assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth), false);
    });
  }
}

await browser.close();

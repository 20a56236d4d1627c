// Script time of the page of `atsal view` for each frame of the video, in a headless Chromium.
//
//     atsal view VIDEO.mp4 --no-browser
//     node benchmarks/viewer_page.mjs http://127.0.0.1:PORT/ [SECONDS]
//
// Needs viewer/node_modules (`make viewer` installs them) and `chromium`, or its path in ATSAL_CHROMIUM. For each frame it
// adds up the calls of the page's functions since the frame before, from a trace of Chromium: "processor" is the time of
// the main thread on the processor, "wall" also has its waits, for the graphics card and for other programs. The browser
// is headless and draws with SwiftShader, on the processor: fewer frames are shown than with a graphics card.
import { createRequire } from "node:module";

const require = createRequire(new URL("../viewer/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const [address, seconds = "15"] = process.argv.slice(2);
const ARGUMENTS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];

/** Write a mark into the trace after the callback of each frame. */
function markFrames() {
  const video = HTMLVideoElement.prototype;
  const { requestVideoFrameCallback } = video;
  video.requestVideoFrameCallback = function (callback) {
    return requestVideoFrameCallback.call(this, (...values) => {
      callback(...values);
      performance.mark("atsal frame");
    });
  };
}

/** The times of the functions of each frame, in ms. */
function frameTimes(trace) {
  const events = JSON.parse(trace).traceEvents.sort((a, b) => a.ts - b.ts);
  const frames = [{ processor: 0, wall: 0 }];
  const marks = events.filter(({ name }) => name === "atsal frame");
  const calls = events.filter(({ name, ph, tid }) => name === "FunctionCall" && ph === "X" && tid === marks[0]?.tid);
  let [next, end] = [0, 0];
  for (const { ts, dur = 0, tdur = 0 } of calls) {
    for (; marks[next] && marks[next].ts < ts; next++) frames.push({ processor: 0, wall: 0 });
    if (ts < end) continue; // within the call before
    end = ts + dur;
    frames.at(-1).processor += tdur / 1000;
    frames.at(-1).wall += dur / 1000;
  }
  return frames.slice(1, -1);
}

async function report(page, name, act) {
  await browser.startTracing(page, { categories: ["devtools.timeline", "blink.user_timing"] });
  for (const end = Date.now() + 1000 * Number(seconds); Date.now() < end; ) await act();
  const frames = frameTimes(await browser.stopTracing());
  console.log(`${name}: ${frames.length} frames in ${seconds} s`);
  for (const kind of ["processor", "wall"]) {
    const times = frames.map((frame) => frame[kind]).sort((a, b) => a - b);
    const at = (share) => times[Math.floor(share * (times.length - 1))]?.toFixed(2);
    console.log(`  ${kind}: median ${at(0.5)} ms, 95 % ${at(0.95)} ms, most ${at(1)} ms`);
  }
}

const browser = await chromium.launch({
  executablePath: process.env.ATSAL_CHROMIUM ?? "/usr/bin/chromium",
  chromiumSandbox: false,
  args: ARGUMENTS,
});
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
await page.addInitScript(markFrames);
await page.goto(address);
await page.waitForSelector("body[data-ready]");
await page.getByRole("button", { name: "Play" }).click();
await page.waitForTimeout(2000);
await report(page, "playing", () => page.waitForTimeout(100));
await page.locator("#stage").focus();
await report(page, "playing, and turning the view", async () => {
  await page.keyboard.press("ArrowRight");
  await page.waitForTimeout(30);
});
await browser.close();

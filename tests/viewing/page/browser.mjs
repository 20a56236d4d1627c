// A headless Chromium with the page, and what it did: errors, and requests to other machines.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(process.env.ATSAL_VIEWER_PACKAGE);
const { chromium } = require("playwright-core");
export const axe = require("axe-core");

const ARGUMENTS = [
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const WEBGL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];

export const ADDRESS = process.env.ATSAL_PAGE;

/** Open a browser. That of a test, whose `context` is given, is closed when the test ends, also if it fails. */
export async function openBrowser({ webgl = true } = {}, context = null) {
  const browser = await chromium.launch({
    executablePath: process.env.ATSAL_CHROMIUM,
    chromiumSandbox: false,
    args: [...ARGUMENTS, ...(webgl ? WEBGL : ["--disable-3d-apis"])],
  });
  context?.after(() => browser.close());
  return browser;
}

/** Open the page; `problems` collects errors on the console and requests that leave this machine. */
export async function openPage(browser, { hash = "", ready = true, init, largestTexture, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  if (init) await page.addInitScript(init);
  if (largestTexture) {
    await page.addInitScript((size) => {
      const { getParameter } = WebGL2RenderingContext.prototype;
      WebGL2RenderingContext.prototype.getParameter = function (name) {
        return name === this.MAX_TEXTURE_SIZE ? size : getParameter.call(this, name);
      };
    }, largestTexture);
  }
  const problems = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !/GPU stall|software WebGL/.test(message.text())) {
      problems.push(message.text());
    }
  });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(ADDRESS)) problems.push(request.url());
  });
  await page.goto(ADDRESS + hash);
  if (ready) {
    await page.waitForSelector("body[data-ready]");
    await mapShown(page);
  }
  return { page, problems };
}

/** Return a function that runs a check on a page of its own, in which nothing may go wrong. */
export function checkOn(browser, defaults = {}) {
  return (name, options, run) =>
    test(name, async () => {
      const { page, problems } = await openPage(browser, { ...defaults, ...options });
      await run(page);
      assert.deepEqual(problems, []);
      await page.context().close();
    });
}

/** Wait until a map is on screen, and return its number. */
export async function mapShown(page) {
  await page.waitForFunction(() => document.getElementById("stage").dataset.map !== "");
  return Number(await page.locator("#stage").getAttribute("data-map"));
}

/** Wait until what was asked for is drawn. */
export async function drawn(page) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

export async function shownTime(page) {
  return Number(await page.locator("#stage").getAttribute("data-time"));
}

/** Ask for a time with the slider, and wait for the frame that holds it, which starts at most `frame_s` before. */
export async function seek(page, time_s, frame_s) {
  await page.locator("#seek").evaluate((slider, value) => {
    slider.step = "any";
    slider.value = value;
    slider.dispatchEvent(new Event("input"));
  }, `${time_s}`);
  await page.waitForFunction(
    ([time, frame]) => {
      const { dataset } = document.getElementById("stage");
      const since = time - Number(dataset.time);
      return since > -0.01 * frame && since < 1.01 * frame && dataset.map !== "";
    },
    [time_s, frame_s],
  );
}

/**
 * Where red and green are in the view, or in the pane that a selector names, as the mean place in [-1, 1] of the pixels above half; null where there are
 * none. The scenes of the tests have a red disc, and maps in grey: green is the map alone.
 */
export async function centres(page, part = "#canvas") {
  return page.evaluate((selector) => {
    const source = document.getElementById("canvas");
    const [whole, box] = [source, document.querySelector(selector)].map((found) => found.getBoundingClientRect());
    const scale = source.width / whole.width;
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [Math.round(box.width * scale), Math.round(box.height * scale)];
    const context = copy.getContext("2d");
    context.drawImage(source, (whole.x - box.x) * scale, (whole.y - box.y) * scale);
    const { data, width, height } = context.getImageData(0, 0, copy.width, copy.height);
    const sums = [0, 1].map(() => [0, 0, 0]);
    for (let i = 0; i < width * height; i++) {
      for (const channel of [0, 1]) {
        if (data[4 * i + channel] < 128) continue;
        sums[channel][0] += 1;
        sums[channel][1] += ((i % width) + 0.5) / width;
        sums[channel][2] += (Math.floor(i / width) + 0.5) / height;
      }
    }
    const [red, green] = sums.map(([n, x, y]) => (n ? { x: (2 * x) / n - 1, y: 1 - (2 * y) / n, pixels: n } : null));
    return { red, green, time_s: Number(document.getElementById("stage").dataset.time) };
  }, part);
}

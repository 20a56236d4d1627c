// A report with six moments of a video: a red disc on black, and a map that is bright in the middle of the disc.
import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, centres, checkOn, drawn, openBrowser, openPage } from "./browser.mjs";

const { count, start_deg, step_deg, pitch_deg } = JSON.parse(process.env.ATSAL_SCENE);
const MOMENTS = [0, 1, 2, 3, 4, 5];
const yawOf = (moment) => start_deg + step_deg * Math.floor(((moment + 0.5) * count) / 6);

const browser = await openBrowser();

const check = checkOn(browser, { ready: false });

async function choose(page, group, number) {
  await page.locator(`input[name=${group}][value="${number}"]`).check();
  const shown = group === "moment" ? new RegExp(`^${number} `) : new RegExp(` ${number}$`);
  await page.waitForFunction((text) => new RegExp(text).test(document.getElementById("stage").dataset.shown), shown.source);
}

/** Where the disc, and the map over it, are in the flat view, in degrees. */
async function flatDegrees(page) {
  await drawn(page);
  const { red, green } = await centres(page);
  const { width, height } = await page.locator("#stage").boundingBox();
  const scale = { x: Math.min(1, (2 * height) / width), y: Math.min(1, width / (2 * height)) };
  const degrees = (place) => place && { yaw_deg: (place.x / scale.x) * 180, pitch_deg: (place.y / scale.y) * 90 };
  return { disc: degrees(red), map: degrees(green) };
}

await check("each moment and each stream is shown in its direction", {}, async (page) => {
  await page.locator("#stage").press("v");
  await page.getByText("whole sphere", { exact: true }).waitFor();
  await page.getByLabel("Opacity", { exact: true }).fill("1");
  for (const moment of MOMENTS) {
    await choose(page, "moment", moment);
    const { disc, map } = await flatDegrees(page);
    assert.ok(Math.abs(disc.yaw_deg - yawOf(moment)) < 1, `moment ${moment}: disc at ${disc.yaw_deg}`);
    assert.ok(Math.abs(map.yaw_deg - yawOf(moment)) < 1, `moment ${moment}: map at ${map.yaw_deg}`);
  }
  for (const [stream, expected] of [[1, 40], [2, -40], [0, pitch_deg]]) {
    await choose(page, "stream", stream);
    const { map } = await flatDegrees(page);
    assert.ok(Math.abs(map.pitch_deg - expected) < 2, `stream ${stream}: map at ${map.pitch_deg}`);
  }
  await page.getByLabel("Opacity", { exact: true }).fill("0");
  assert.equal((await flatDegrees(page)).map, null);
});

await check("keys, drag and buttons turn the view", {}, async (page) => {
  const stage = page.locator("#stage");
  await stage.press("ArrowRight");
  await page.getByText("yaw 5° · pitch 0° · view 75°").waitFor();
  await page.getByRole("button", { name: "Zoom in" }).click();
  await page.getByText("view 65°").waitFor();
  await page.getByRole("button", { name: "Front" }).click();
  await page.getByText("yaw 0° · pitch 0° · view 75°").waitFor();
  const box = await stage.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 - box.height / 2, box.y + box.height / 2, { steps: 3 });
  await page.mouse.up();
  await page.getByText("yaw 38°").waitFor(); // half the height is half the field of view
});

await check("the wheel scrolls the report until the view is chosen", {}, async (page) => {
  const stage = page.locator("#stage");
  await stage.scrollIntoViewIfNeeded();
  await stage.hover({ position: { x: 100, y: 100 } });
  const before = await page.evaluate(() => window.scrollY);
  await page.mouse.wheel(0, -60);
  await page.waitForFunction((y) => window.scrollY < y, before);
  await page.getByText("view 75°").waitFor();
  await stage.click({ position: { x: 100, y: 200 } });
  await page.mouse.wheel(0, -60);
  await page.getByText("view 65°").waitFor();
});

for (const [name, options] of [
  ["desktop, dark", { colorScheme: "dark" }],
  ["desktop, light", { colorScheme: "light" }],
  ["phone", { viewport: { width: 390, height: 844 } }],
  ["200 % zoom", { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }],
  ["forced colours", { forcedColors: "active" }],
]) {
  await check(`axe finds nothing, and nothing is wider than the window: ${name}`, options, async (page) => {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 200))]), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    const [keys, zoom] = [await page.locator("#direction").boundingBox(), await page.locator(".corner").boundingBox()];
    assert.ok(zoom.y + zoom.height < keys.y || keys.x + keys.width < zoom.x, "the buttons cover the direction");
  });
}

await check("on paper, the pictures fit, and the sphere is left out", { viewport: { width: 700, height: 900 } }, async (page) => {
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator("#sphere").isVisible(), false);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
  assert.equal(await page.locator(".row img:visible").count(), 24);
});

await check("without scripts, the report shows the rest", { javaScriptEnabled: false }, async (page) => {
  assert.equal(await page.locator("#sphere").isVisible(), false);
  assert.equal(await page.locator(".row img:visible").count(), 24);
});

await test("no other script may run", async () => {
  const { page } = await openPage(browser, { ready: false });
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    return window.ran === true;
  });
  assert.equal(ran, false);
  await page.context().close();
});

await browser.close();

await test("without WebGL, the report shows the rest", async (context) => {
  const plain = await openBrowser({ webgl: false }, context);
  const { page, problems } = await openPage(plain, { ready: false });
  assert.equal(await page.locator("#sphere").isVisible(), false);
  assert.equal(await page.locator(".row img:visible").count(), 24);
  assert.deepEqual(problems, []);
});

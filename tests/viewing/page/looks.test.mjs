// The page in the sizes and colours that people have, and with addresses that somebody made up.
import assert from "node:assert/strict";

import { axe, checkOn, drawn, openBrowser } from "./browser.mjs";

const browser = await openBrowser();

const check = checkOn(browser);

/** Pairs of controls and texts that cover each other, though neither is inside the other. */
function overlaps() {
  const all = "button, select, input[type=checkbox], input[type=range], output, h1, h2, legend, label, .hint, .note";
  const shown = [...document.querySelectorAll(all)].filter((element) => {
    const { width, height } = element.getBoundingClientRect();
    return element.checkVisibility() && width > 1 && height > 1 && !element.closest("dialog, .hidden");
  });
  const found = [];
  shown.forEach((a, i) => shown.slice(i + 1).forEach((b) => {
    const [p, q] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
    const right = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const down = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (right > 1 && down > 1 && !a.contains(b) && !b.contains(a)) found.push(`${a.outerHTML} and ${b.outerHTML}`);
  }));
  return found;
}

const ZOOMED = { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true };
for (const [name, options] of [
  ["desktop, dark", { colorScheme: "dark" }],
  ["desktop, light", { colorScheme: "light" }],
  ["phone, dark", { ...PHONE, colorScheme: "dark" }],
  ["phone, light", { ...PHONE, colorScheme: "light" }],
  ["phone on its side", { ...PHONE, viewport: { width: 844, height: 390 } }],
  ["small phone", { ...PHONE, viewport: { width: 320, height: 568 } }],
  ["200 % zoom, dark", { ...ZOOMED, colorScheme: "dark" }],
  ["200 % zoom, light, reduced motion", { ...ZOOMED, colorScheme: "light", reducedMotion: "reduce" }],
  ["forced colours", { forcedColors: "active", colorScheme: "dark" }],
  ["forced colours on a phone", { ...PHONE, forcedColors: "active", colorScheme: "light" }],
]) {
  await check(`nothing overlaps, nothing is cut off, axe is content: ${name}`, options, async (page) => {
    assert.deepEqual(await page.evaluate(overlaps), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
  });
}

await check("reduced motion: nothing moves by itself", { reducedMotion: "reduce" }, async (page) => {
  await page.keyboard.press("0");
  assert.deepEqual(await page.evaluate(() => document.getAnimations().length), 0);
});

await check("the list of keys opens at its beginning", { viewport: { width: 1280, height: 600 } }, async (page) => {
  await page.keyboard.press("?");
  assert.equal(await page.locator("#help").evaluate((dialog) => dialog.scrollTop), 0);
});

await check("forced colours tell what is chosen", { forcedColors: "active" }, async (page) => {
  const backgrounds = await page.evaluate(() => {
    const of = (value) => getComputedStyle(document.querySelector(`input[value=${value}] + span`)).backgroundColor;
    return [of("fused"), of("experts")];
  });
  assert.notEqual(...backgrounds);
  const band = await page.evaluate(() => {
    const of = (name) => getComputedStyle(document.querySelector(name)).backgroundColor;
    return [of(".bar"), of(".lane-body")];
  });
  assert.notEqual(...band);
});

const HOSTILE = [
  "#yaw_deg=1e308&pitch_deg=-1e308&fov_deg=1e308&opacity=1e308&threshold=-1e308&speed=1e308&t=1e308",
  "#yaw_deg=NaN&pitch_deg=Infinity&fov_deg=-Infinity&opacity=&threshold=x&speed=NaN&t=NaN",
  "#yaw_deg=0&speed=0&t=-5&fov_deg=0",
  "#speed=-1&t=1e-320",
  "#stream=<img src=x onerror=alert(1)>&colormap=%3Cscript%3Ealert(1)%3C/script%3E&style=constructor&projection=__proto__",
  "#__proto__=1&constructor=2&layer=1&loop=maybe&regions=%00",
  `#${"yaw_deg=1&".repeat(20_000)}`,
  "#%E0%A4%A&&&===&t",
];
for (const hash of HOSTILE) {
  await check(`a made-up address does no harm: ${hash.slice(0, 60)}`, { hash, ready: false }, async (page) => {
    page.on("dialog", () => assert.fail("a script of the address ran"));
    await page.waitForSelector("body[data-ready]");
    await drawn(page);
    const text = await page.locator("#direction").textContent();
    assert.match(text, /^yaw −?\d+° · pitch −?\d+° · view \d+°$/);
    assert.equal(await page.locator("#message").isVisible(), false);
    assert.equal(await page.locator("img, script:not([src])").count(), 0);
    assert.ok([0.25, 0.5, 1, 2].includes(Number(await page.getByLabel("Speed").inputValue())));
    await page.keyboard.press("0");
    await page.keyboard.press(".");
    await page.waitForFunction(() => Number(document.getElementById("stage").dataset.time) >= 0);
    await page.getByText("yaw 0° · pitch 0° · view 75°").waitFor();
  });
}

await browser.close();

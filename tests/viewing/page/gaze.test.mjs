// Recorded gaze on a black photo: each dot is in its place at its time, and the view follows a viewer.
import assert from "node:assert/strict";

import { axe, checkOn, drawn, openBrowser, seek, shownTime } from "./browser.mjs";
import { brightAt, halfWay, middle, viewDirection } from "./gaze_view.mjs";

const { anna, ben } = JSON.parse(process.env.ATSAL_SCENE).looks;
const [first, second, third] = anna.map(([, , yaw, pitch]) => [yaw, pitch]);
const FLAT = "#projection=flat&layer=false";
const browser = await openBrowser();

const check = checkOn(browser);

await check("a dot is where and when the viewer looked, and fades", { hash: `${FLAT}&trail=0.5` }, async (page) => {
  const sizes = {};
  for (const [time_s, expected] of [[0.98, null], [1.02, first], [1.28, first], [1.5, first], [1.82, null]]) {
    await seek(page, time_s, 0.001);
    if (time_s > 1.6) await page.getByLabel("Whose gaze").selectOption("anna"); // the other one looks from 1.6 s on
    const found = await middle(page);
    if (expected === null) assert.equal(found, 0, `at ${time_s} s there is ${JSON.stringify(found)}`);
    else assert.ok(Math.hypot(found.yaw - expected[0], found.pitch - expected[1]) < 1, `${time_s} s: ${JSON.stringify(found)}`);
    sizes[time_s] = found;
  }
  assert.equal(sizes[1.02].most, 255, "a white ring is around the dot of the present");
  assert.ok(sizes[1.5].most < 200, "what is past is darker");
});

await check("on the sphere a dot is in the same direction", { hash: "#layer=false&t=1.1&trail=0.5&yaw_deg=10" }, async (page) => {
  const { yaw, pitch } = await middle(page); // in the degrees of the flat view
  const { width, height } = await page.locator("#stage").boundingBox();
  const degree = Math.min(width / 360, height / 180);
  const [x, y] = [yaw * degree, pitch * degree].map((pixels) => (pixels / (height / 2)) * Math.tan((37.5 * Math.PI) / 180));
  const [found_yaw, found_pitch] = [Math.atan2(x, 1), Math.atan2(y, Math.hypot(x, 1))].map((angle) => (angle * 180) / Math.PI);
  assert.ok(Math.hypot(found_yaw + 10 - first[0], found_pitch - first[1]) < 1, `${found_yaw + 10}, ${found_pitch}`);
});

await check("a photo starts with all gaze; J and U choose a viewer", { hash: FLAT }, async (page) => {
  const places = [...anna, ...ben].map(([, , yaw, pitch]) => [yaw, pitch]);
  assert.deepEqual(await brightAt(page, places), [true, true, true, true, true]);
  await page.keyboard.press("j");
  assert.equal(await page.getByLabel("Whose gaze").inputValue(), "anna");
  assert.deepEqual(await brightAt(page, places), [true, true, true, false, false]);
  await page.getByRole("button", { name: "Next viewer" }).click();
  assert.equal(await page.getByLabel("Whose gaze").inputValue(), "ben");
  assert.deepEqual(await brightAt(page, places), [false, false, false, true, true]);
  await page.keyboard.press("j");
  assert.equal(await page.getByLabel("Whose gaze").inputValue(), "");
  await page.keyboard.press("u");
  assert.equal(await page.getByLabel("Whose gaze").inputValue(), "ben");
  await page.keyboard.press("e");
  assert.equal(await middle(page), 0, "E hides the fixations");
});

await check("a scanpath is a great circle, also over the border", { hash: `${FLAT}&viewer=anna&fixations=false` }, async (page) => {
  assert.deepEqual(await brightAt(page, [halfWay(first, second)]), [false]);
  await page.keyboard.press("a");
  const straight = [(second[0] + third[0] - 360) / 2, (second[1] + third[1]) / 2]; // no great circle
  const places = [halfWay(first, second), halfWay(second, third), straight];
  assert.deepEqual(await brightAt(page, places), [true, true, false]);
  const beforeBorder = halfWay(third, halfWay(second, third));
  assert.deepEqual(await brightAt(page, [beforeBorder]), [true], "the line goes on at the other side");
  await page.getByLabel("Show gaze of").selectOption("past");
  await seek(page, 3, 0.001);
  assert.deepEqual(await brightAt(page, places), [true, false, false], "the third fixation has not begun");
});

await check("the view follows a viewer until the user turns it", { hash: "#layer=false" }, async (page) => {
  await page.keyboard.press("w");
  assert.equal(await page.getByLabel("Whose gaze").inputValue(), "anna", "there is nobody to follow before");
  for (const [time_s, expected] of [[1.15, first], [2.25, second], [4.2, third], [1.15, first]]) {
    await seek(page, time_s, 0.001);
    await drawn(page);
    const found = await viewDirection(page);
    assert.ok(Math.hypot(found[0] - expected[0], found[1] - expected[1]) <= 1, `at ${time_s} s: ${found}`);
  }
  await seek(page, 1.65, 0.001); // in the middle between two fixations
  await drawn(page);
  const [yaw, pitch] = halfWay(first, second);
  const found = await viewDirection(page);
  assert.ok(Math.hypot(found[0] - yaw, found[1] - pitch) < 3, `on the way: ${found}`);
  await page.keyboard.press("j");
  await seek(page, 1.75, 0.001);
  await drawn(page);
  assert.deepEqual(await viewDirection(page), [ben[0][2], ben[0][3]]);
  await page.keyboard.press("ArrowLeft");
  assert.equal(await page.getByLabel("Look where this viewer looks").isChecked(), false);
});

await check("the time of viewing plays, and stops at its end", { hash: "#layer=false&t=4.1" }, async (page) => {
  assert.equal(await shownTime(page), 4.1);
  await page.getByLabel("Loop").uncheck();
  await page.keyboard.press("Tab"); // off the check box, which uses the space bar
  await page.getByRole("button", { name: "Play" }).click();
  await page.waitForFunction(() => Number(document.getElementById("stage").dataset.time) === 4.4);
  await page.getByRole("button", { name: "Play" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "One frame forward" }).isVisible(), false);
});

await check("a link restores what is shown", { hash: "#viewer=ben&trail=2&scanpaths=true&follow=true&t=1.7" }, async (page) => {
  assert.equal(await page.getByLabel("Whose gaze").inputValue(), "ben");
  assert.equal(await page.getByLabel("Show gaze of").inputValue(), "2");
  assert.ok(await page.getByLabel("Scanpaths").isChecked());
  assert.equal((await viewDirection(page))[0], -150);
});

await check("the page says whose gaze it is, and what may be done with it", {}, async (page) => {
  await page.getByText("5 fixations of gaze (head and eyes), from 2 viewers.").waitFor();
  await page.getByText("Licence: that of the data.").waitFor();
});

for (const [name, options] of [
  ["desktop, dark", { colorScheme: "dark" }],
  ["phone, light", { viewport: { width: 390, height: 844 }, colorScheme: "light" }],
  ["200 % zoom", { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2, reducedMotion: "reduce" }],
]) {
  await check(`axe finds nothing serious: ${name}`, { hash: "#viewer=anna", ...options }, async (page) => {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    const found = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    assert.deepEqual(found.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth), false);
  });
}

await browser.close();

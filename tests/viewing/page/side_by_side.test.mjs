// Two views of a red disc on black: each has the spot of its own stream, at its own pitch.
import assert from "node:assert/strict";

import { axe, centres, checkOn, drawn, openBrowser, openPage, seek } from "./browser.mjs";

const { rate, start_deg, step_deg, pitch_deg } = JSON.parse(process.env.ATSAL_SCENE);
const FLAT = "#projection=flat&colormap=grey&opacity=1&pair=true";
const PHONE = { viewport: { width: 390, height: 844 }, colorScheme: "light" };

const browser = await openBrowser();

const check = checkOn(browser);

/** Wait until both views have the map of a frame. */
async function bothShow(page, index) {
  await page.waitForFunction(
    (wanted) => ["first", "second"].every((id) => document.getElementById(id).dataset.map === `${wanted}`),
    index,
  );
  await drawn(page);
}

/** Where disc and map of a pane are in the flat view, in degrees. */
async function flatDegrees(page, pane) {
  const { red, green } = await centres(page, pane);
  const { width, height } = await page.locator(pane).boundingBox();
  const scale = { x: Math.min(1, (2 * height) / width), y: Math.min(1, width / (2 * height)) };
  const degrees = (place) => place && { yaw_deg: (place.x / scale.x) * 180, pitch_deg: (place.y / scale.y) * 90 };
  return { disc: degrees(red), map: degrees(green) };
}

async function isAt(page, pane, index, map_deg) {
  const { disc, map } = await flatDegrees(page, pane);
  const yaw_deg = start_deg + step_deg * index;
  assert.ok(Math.abs(disc.yaw_deg - yaw_deg) < 1.5, `${pane}: disc at ${disc.yaw_deg}, not ${yaw_deg}`);
  if (map_deg === null) return assert.equal(map, null);
  assert.ok(Math.abs(map.yaw_deg - yaw_deg) < 1.5, `${pane}: map at ${map.yaw_deg}, not ${yaw_deg}`);
  assert.ok(Math.abs(map.pitch_deg - map_deg) < 2.5, `${pane}: map at ${map.pitch_deg}, not ${map_deg}`);
}

for (const [name, options] of [["beside each other", {}], ["below each other", PHONE]]) {
  await check(`both views show one frame, each its stream: ${name}`, { hash: FLAT, ...options }, async (page) => {
    const [first, second] = [await page.locator("#first").boundingBox(), await page.locator("#second").boundingBox()];
    assert.equal(first.y === second.y, name === "beside each other");
    for (const index of [0, 31, 7]) {
      await seek(page, (index + 0.5) / rate, 1 / rate / 2);
      await bothShow(page, index);
      await isAt(page, "#first", index, pitch_deg);
      await isAt(page, "#second", index, 40);
    }
  });
}

await check("on the sphere each view has its map in its direction", { hash: FLAT }, async (page) => {
  for (const [pane, pitch] of [["#first", pitch_deg], ["#second", 40]]) {
    const hash = `#pair=true&colormap=grey&opacity=1&yaw_deg=${start_deg}&pitch_deg=${pitch}`;
    const { page: other } = await openPage(browser, { hash });
    await bothShow(other, 0);
    const { green } = await centres(other, pane);
    const { width, height } = await other.locator(pane).boundingBox();
    const tangent = Math.tan((75 / 2) * (Math.PI / 180));
    const away_deg = (Math.atan(Math.hypot((green.x * tangent * width) / height, green.y * tangent)) * 180) / Math.PI;
    assert.ok(away_deg < 1, `${pane}: the map is ${away_deg}° from the middle`);
    await other.context().close();
  }
});

await check("the second view is chosen by key and list, and the link keeps it", {}, async (page) => {
  assert.equal(await page.locator("#second").isVisible(), false);
  await page.keyboard.press("b");
  assert.ok(await page.getByRole("radio", { name: "Side by side" }).isChecked());
  await page.getByLabel("Second view").selectOption({ label: "Experts, heads" });
  await page.waitForFunction(() => location.hash.includes("second=experts-head"));
  const hash = await page.evaluate(() => location.hash);
  const { page: other, problems } = await openPage(browser, { hash: `${hash}&projection=flat&colormap=grey&opacity=1` });
  await bothShow(other, 0);
  await isAt(other, "#second", 0, -60);
  await other.getByLabel("Second view").selectOption({ label: "Picture only" });
  await drawn(other);
  await isAt(other, "#second", 0, null);
  assert.deepEqual(problems, []);
  await other.context().close();
  await page.getByRole("radio", { name: "One view" }).check({ force: true });
  assert.equal(await page.locator("#second").isVisible(), false);
});

await check("gaze and heads, for each stream", { hash: FLAT.replace("&pair=true", "") }, async (page) => {
  const shows = async (map_deg) => {
    await drawn(page);
    await page.waitForFunction(() => document.getElementById("first").dataset.map === "0");
    await isAt(page, "#first", 0, map_deg);
  };
  await page.getByRole("radio", { name: "Heads" }).check({ force: true });
  await shows(0);
  await page.keyboard.press("2");
  await shows(60);
  await page.getByText("Heads: the middle of what viewers see.").waitFor();
  await page.keyboard.press("d");
  await shows(40);
  assert.ok(await page.getByRole("radio", { name: "Gaze" }).isChecked());
});

await check("drag, double click, readout and regions work in both views", { hash: "#pair=true&regions=true" }, async (page) => {
  const box = await page.locator("#second").boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x - box.height / 2, y, { steps: 4 });
  await page.mouse.up();
  await page.getByText("yaw 38°").waitFor(); // half the height is half the field of view, 75°
  await page.getByRole("button", { name: /Look at region 1/ }).click();
  for (const id of ["#first", "#second"]) {
    const label = page.locator(`${id} .region-label:visible`).first();
    await label.waitFor();
    const [place, pane] = [await label.boundingBox(), await page.locator(id).boundingBox()];
    assert.ok(Math.abs(place.x + place.width / 2 - pane.x - pane.width / 2) < 2, id);
    assert.ok(Math.abs(place.y + place.height / 2 - pane.y - pane.height / 2) < 2, id);
  }
  await page.keyboard.press("v");
  for (const id of ["#first", "#second"]) {
    const pane = await page.locator(id).boundingBox();
    await page.mouse.move(pane.x + pane.width * 0.25, pane.y + pane.height / 2);
    assert.match(await page.locator("#readout").textContent(), /^−90°, 0° · [\d.]+ \| [\d.]+ × average$/);
  }
  await page.mouse.dblclick(box.x + box.width * 0.75, y);
  await page.getByText("yaw 90°").waitFor();
});

for (const [name, options] of [["desktop, dark", { colorScheme: "dark" }], ["phone, light", PHONE]]) {
  await check(`axe finds nothing serious: ${name}`, { hash: "#pair=true", ...options }, async (page) => {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    const found = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    assert.deepEqual(found.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth), false);
  });
}

await browser.close();

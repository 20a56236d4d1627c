// The camera of a film: what the page shows of a plan, and the plans that it writes.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { axe, checkOn, drawn, openBrowser, seek, shownTime } from "./browser.mjs";

const { rate, seconds, folder } = JSON.parse(process.env.ATSAL_SCENE);
const fileOf = (name) => join(folder, name);
const write = (name, values) => writeFileSync(fileOf(name), JSON.stringify(values));

const browser = await openBrowser();

const check = checkOn(browser);

const goTo = (page, time_s) => seek(page, time_s + 0.3 / rate, 0.5 / rate);

async function filmPose(page) {
  await drawn(page);
  return (await page.locator("#stage").getAttribute("data-film")).split(",").map(Number);
}

async function viewText(page) {
  await drawn(page);
  const text = (await page.locator("#direction").textContent()).replaceAll("−", "-");
  return text.match(/-?\d+/g).map(Number);
}

await check("it shows the camera at each frame", {}, async (page) => {
  const seen = [];
  for (let index = 0; index < rate * seconds - 1; index += 2) {
    await goTo(page, index / rate);
    seen.push([await shownTime(page), ...(await filmPose(page))]);
  }
  write("seen.json", seen);
});

/** The white pixels of the outline, as places in [-1, 1]. */
async function outline(page) {
  await drawn(page);
  return page.evaluate(() => {
    const source = document.querySelector("#first .film-frame");
    const { width, height } = source;
    const copy = new OffscreenCanvas(width, height).getContext("2d");
    copy.drawImage(source, 0, 0);
    const { data } = copy.getImageData(0, 0, width, height);
    const places = [];
    for (let i = 0; i < width * height; i += 3) {
      if (data[4 * i] < 250 || data[4 * i + 3] < 250) continue;
      const [x, y] = [i % width, Math.floor(i / width)];
      if (Math.min(x, y, width - 1 - x, height - 1 - y) > 3) places.push([(2 * (x + 0.5)) / width - 1, 1 - (2 * (y + 0.5)) / height]);
    }
    return { places, ratio: width / height };
  });
}

await check("the outline is in its place, flat and on the sphere", {}, async (page) => {
  const found = [];
  for (const [time_s, aspect, yaw_deg, pitch_deg] of [[1.1, "16:9", 150, 0], [3.5, "9:16", -95, -20], [5, "1:1", 10, 60]]) {
    await goTo(page, time_s);
    await page.getByLabel("Shape of the film").selectOption(aspect);
    const film = await filmPose(page);
    await page.locator("#stage").focus();
    await page.keyboard.press("v");
    const flat = await outline(page);
    found.push({ ...flat, film, aspect, whole: true, flat: flat.ratio > 2 ? [2 / flat.ratio, 1] : [1, flat.ratio / 2] });
    await page.keyboard.press("v");
    await page.keyboard.press("0");
    for (let at = 0; at < Math.abs(yaw_deg); at += 5) await page.keyboard.press(yaw_deg > 0 ? "ArrowRight" : "ArrowLeft");
    for (let at = 0; at < Math.abs(pitch_deg); at += 5) await page.keyboard.press(pitch_deg > 0 ? "ArrowUp" : "ArrowDown");
    found.push({ ...(await outline(page)), film, aspect, whole: false, view: [yaw_deg, pitch_deg, 75] });
  }
  write("outlines.json", found);
});

/** Collect the time and the frame of the film with each frame that is drawn. */
async function collect(page) {
  await page.evaluate(() => {
    window.recorded = [];
    const { dataset } = document.getElementById("stage");
    new MutationObserver(() => {
      const isNew = dataset.time !== String(window.last);
      window.last = dataset.time;
      if (isNew && document.getElementById("record").classList.contains("recording")) {
        window.recorded.push([dataset.time, ...dataset.film.split(",")].map(Number));
      }
    }).observe(document.getElementById("stage"), { attributeFilter: ["data-time"] });
  });
}

async function save(page) {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save plan" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "walk.plan.json");
  await download.saveAs(fileOf("walk.plan.json"));
}

await check("it records a path while the user looks around", {}, async (page) => {
  assert.ok(await page.getByRole("button", { name: "Save plan" }).isDisabled());
  await page.getByLabel("Speed").selectOption("0.25");
  await collect(page);
  const box = await page.locator("#stage").boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.evaluate(([left, top]) => { // with each frame the pointer moves: a gentle turn
    const stage = document.getElementById("stage");
    new MutationObserver(() => {
      const way = 1 - Math.cos(Math.PI * Math.min(Number(stage.dataset.time) / 3, 1));
      const [clientX, clientY] = [left - 45 * way, top + 15 * way];
      stage.dispatchEvent(new PointerEvent("pointermove", { pointerId: 1, clientX, clientY }));
    }).observe(stage, { attributeFilter: ["data-time"] });
  }, [x, y]);
  await page.keyboard.press("m");
  await page.getByRole("button", { name: "Stop recording" }).waitFor();
  await page.waitForFunction(() => Number(document.getElementById("stage").dataset.time) > 3.5, null, { timeout: 60_000 });
  await page.keyboard.press("m");
  await page.getByText("Not saved.").waitFor();
  await page.mouse.up();
  await page.getByText("The film follows your path to 1°.").first().waitFor();
  write("recorded.json", await page.evaluate(() => window.recorded));
  assert.ok((await page.locator(".film-key").count()) >= 2);
  await save(page);
  await page.getByText("Saved walk.plan.json").first().waitFor();
});

await check("keyframes are set by hand", {}, async (page) => {
  const turnBy = async (key, times) => {
    for (let i = 0; i < times; i++) await page.keyboard.press(key);
  };
  await page.getByLabel("Shape of the film").selectOption("9:16");
  await page.keyboard.press("Escape");
  await page.locator("#stage").focus();
  await page.keyboard.press("k");
  for (const [time_s, turns] of [[1, 4], [3, -36], [5, 2]]) { // steps of 5°
    await goTo(page, time_s);
    await page.locator("#stage").focus();
    await turnBy(turns > 0 ? "ArrowRight" : "ArrowLeft", Math.abs(turns));
    await page.keyboard.press("k");
  }
  await goTo(page, 2);
  await page.locator("#stage").focus();
  await page.keyboard.press("k");
  await page.getByText("5 keyframes").waitFor();
  await page.keyboard.press("Delete");
  await page.getByText("4 keyframes, 1 cut, from 0:00.00 to 0:05.10. Not saved.").waitFor();
  await save(page);
});

await check("a plan is changed, the page asks before it is lost, and goes back", {}, async (page) => {
  let asked = 0;
  page.on("dialog", (dialog) => {
    asked += 1;
    return dialog.dismiss();
  });
  await page.getByText("5 keyframes, 1 cut, from 0:00.00").waitFor();
  await goTo(page, 2);
  assert.ok(await page.getByLabel("Cut here").isEnabled());
  await page.getByLabel("Cut here").check();
  await page.getByText("5 keyframes, 2 cuts").waitFor();
  await page.close({ runBeforeUnload: true });
  await new Promise((done) => setTimeout(done, 300));
  assert.equal(asked, 1);
  await page.getByRole("button", { name: "Discard changes" }).click();
  await page.getByText("5 keyframes, 1 cut, from 0:00.00").waitFor();
  assert.ok(await page.getByRole("button", { name: "Discard changes" }).isDisabled());
});

await check("keys go from cut to cut, of the source and of the film", {}, async (page) => {
  assert.equal(await page.locator(".source-cut").count(), 2);
  const found = [];
  for (const key of [">", ">", ">", "<"]) {
    const before = await shownTime(page);
    await page.keyboard.press(key);
    await page.waitForFunction((time) => Number(document.getElementById("stage").dataset.time) !== time, before);
    found.push(await shownTime(page));
  }
  assert.deepEqual(found, [1.5, 4.5, 6, 4.5]);
});

await check("it looks through the camera, until the user turns away", { hash: "#through=true" }, async (page) => {
  for (const time_s of [0.5, 2.5, 6]) {
    await goTo(page, time_s);
    const [yaw, pitch] = await filmPose(page);
    const [seenYaw, seenPitch] = await viewText(page);
    assert.ok(Math.abs(yaw - seenYaw) <= 0.5 && Math.abs(pitch - seenPitch) <= 0.5, `${yaw}, ${pitch} at ${time_s}`);
  }
  const { places } = await outline(page); // the frame fills the view, up to one of its sides
  const farthest = Math.max(...places.flat().map(Math.abs));
  assert.ok(farthest > 0.97, `the frame ends at ${farthest} of the view`);
  await page.locator("#stage").focus();
  await page.keyboard.press("ArrowLeft");
  assert.equal(await page.getByLabel("Look through it").isChecked(), false);
});

for (const [name, options] of [
  ["dark", { colorScheme: "dark" }],
  ["light, phone", { colorScheme: "light", viewport: { width: 390, height: 844 } }],
]) {
  await check(`axe finds nothing serious: ${name}`, options, async (page) => {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    const found = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    assert.deepEqual(found.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth), false);
  });
}

await browser.close();

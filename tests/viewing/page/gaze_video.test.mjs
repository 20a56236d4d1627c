// Recorded gaze on a black video: dots, maps and the view belong to the frame on screen.
import assert from "node:assert/strict";
import { test } from "node:test";

import { centres, drawn, openBrowser, openPage, seek } from "./browser.mjs";
import { middle, viewDirection } from "./gaze_view.mjs";

const { looks, rate } = JSON.parse(process.env.ATSAL_SCENE);
const [, , yaw, pitch] = looks.anna[0]; // from 1.0 to 1.3 s: frames 10, 11 and 12
const browser = await openBrowser();
const show = async (page, frame) => {
  await seek(page, (frame + 0.5) / rate, 0.51 / rate);
  await drawn(page);
};

await test("a dot is on the frames of its fixation, and on those of its trail", async () => {
  const { page, problems } = await openPage(browser, { hash: "#projection=flat&layer=false&trail=0.5&viewer=anna" });
  for (const [frame, state] of [[9, "none"], [10, "now"], [12, "now"], [13, "past"], [17, "past"], [18, "none"], [11, "now"]]) {
    await show(page, frame);
    const found = await middle(page);
    if (state === "none") assert.equal(found, 0, `frame ${frame}`);
    else assert.ok(Math.hypot(found.yaw - yaw, found.pitch - pitch) < 1, `frame ${frame}: ${JSON.stringify(found)}`);
    assert.equal(found.most === 255, state === "now", `frame ${frame}: the ring of the present`);
  }
  assert.deepEqual(problems, []);
  await page.context().close();
});

await test("the map of recorded gaze is that of the frame", async () => {
  const hash = "#projection=flat&stream=recorded&fixations=false&colormap=grey&opacity=1";
  const { page, problems } = await openPage(browser, { hash });
  await show(page, 11);
  const { width, height } = await page.locator("#stage").boundingBox();
  const { green } = await centres(page);
  assert.ok(Math.abs(green.x * 180 - yaw) < 1.5 && Math.abs(green.y * 90 * ((2 * height) / width) - pitch) < 1.5);
  await show(page, 14);
  assert.equal((await centres(page)).green, null);
  assert.deepEqual(problems, []);
  await page.context().close();
});

await test("while it plays, the view is where the viewer looks in the frame on screen", async () => {
  const { page, problems } = await openPage(browser, { hash: "#layer=false&viewer=anna&follow=true&t=0.8" });
  await page.getByLabel("Speed").selectOption("0.25");
  await page.getByRole("button", { name: "Play" }).click();
  let seen = 0;
  while (seen < 2) {
    const text = await page.evaluate(() => `${document.getElementById("stage").dataset.time} ${document.getElementById("direction").textContent}`);
    const time_s = Number(text.split(" ")[0]);
    assert.ok(time_s < 4.8, "the frames of the fixation were not seen");
    if (time_s < 1.05 || time_s > 1.15) continue;
    assert.match(text, /yaw (29|30|31)° · pitch (9|10|11)°/);
    seen += 1;
  }
  await page.getByRole("button", { name: "Pause" }).click();
  assert.deepEqual(await viewDirection(page).then(([, found]) => Math.abs(found) <= 90), true);
  assert.deepEqual(problems, []);
  await page.context().close();
});

await browser.close();

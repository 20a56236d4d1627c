// A stereo video, of which every fifth frame up to the eleventh was predicted.
import assert from "node:assert/strict";
import { test } from "node:test";

import { centres, openBrowser, openPage } from "./browser.mjs";

const { rate, start_deg, step_deg } = JSON.parse(process.env.ATSAL_SCENE);

await test("a frame shows the map of the last frame that was predicted, and the left view", async (context) => {
  const browser = await openBrowser({}, context);
  const { page, problems } = await openPage(browser, { hash: "#projection=flat&colormap=grey&opacity=1" });
  for (const [index, map] of [[4, 0], [5, 1], [9, 1], [10, 2], [14, 2], [15, null], [19, null]]) {
    await page.locator("#seek").evaluate((slider, time_s) => {
      slider.step = "any";
      slider.value = time_s;
      slider.dispatchEvent(new Event("input"));
    }, `${(index + 0.5) / rate}`);
    await page.waitForFunction(
      ([time_s, shown]) => {
        const { dataset } = document.getElementById("stage");
        return Math.abs(Number(dataset.time) - time_s) < 0.01 && dataset.map === shown;
      },
      [index / rate, map === null ? "" : `${map}`],
    );
    const { red, green } = await centres(page);
    assert.ok(Math.abs(red.x * 180 - (start_deg + step_deg * index)) < 0.7, `the disc of frame ${index}`);
    if (map === null) assert.equal(green, null);
    else assert.ok(Math.abs(green.x * 180 - (start_deg + step_deg * 5 * map)) < 0.7, `the map of frame ${index}`);
  }
  assert.deepEqual(problems, []);
});

// Recorded gaze of which only the order is known: all of it is shown, and there is no time.
import assert from "node:assert/strict";
import { test } from "node:test";

import { openBrowser, openPage } from "./browser.mjs";
import { brightAt, halfWay } from "./gaze_view.mjs";

const { anna } = JSON.parse(process.env.ATSAL_SCENE).looks;

await test("dots and paths are there, the controls of time are not", async (context) => {
  const browser = await openBrowser({}, context);
  const { page, problems } = await openPage(browser, { hash: "#projection=flat&layer=false&scanpaths=true&trail=1" });
  const places = anna.map(([, , yaw, pitch]) => [yaw, pitch]);
  assert.deepEqual(await brightAt(page, [...places, halfWay(places[0], places[1])]), [true, true, true, true]);
  for (const name of ["Show gaze of", "Look where this viewer looks"]) {
    assert.equal(await page.getByLabel(name).isVisible(), false);
  }
  assert.equal(await page.locator("#play").isVisible(), false);
  assert.deepEqual(problems, []);
});

// Without WebGL there is one view, and no choice of two; a model without heads gives no choice of them.
import assert from "node:assert/strict";
import { test } from "node:test";

import { centres, openBrowser, openPage } from "./browser.mjs";

await test("a link to two views shows one", async (context) => {
  const browser = await openBrowser({ webgl: false }, context);
  const { page, problems } = await openPage(browser, { hash: "#pair=true&colormap=grey&opacity=1" });
  assert.ok((await centres(page)).green);
  for (const hidden of ["#pair", "#second-field", "#second", "#heading"]) {
    assert.equal(await page.locator(hidden).isVisible(), false, hidden);
  }
  await page.keyboard.press("b");
  assert.equal(await page.locator("#second").isVisible(), false);
  assert.deepEqual(problems, []);
});

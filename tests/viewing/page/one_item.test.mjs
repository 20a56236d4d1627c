// A page with a single item shows nothing of lists.
import assert from "node:assert/strict";
import { test } from "node:test";

import { openBrowser, openPage } from "./browser.mjs";

await test("with a single item there is no way to others", async (context) => {
  const browser = await openBrowser({}, context);
  const { page, problems } = await openPage(browser);
  assert.ok(await page.locator("#items").isHidden());
  await page.keyboard.press("i");
  await page.keyboard.press("Shift+?");
  assert.equal(await page.getByText("all items", { exact: true }).isVisible(), false);
  assert.deepEqual(problems, []);
});

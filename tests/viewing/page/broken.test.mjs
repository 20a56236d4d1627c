// Pages that cannot show everything say why.
import assert from "node:assert/strict";
import { test } from "node:test";

import { openBrowser, openPage } from "./browser.mjs";

await test("the page shows a message", async (context) => {
  const browser = await openBrowser({}, context);
  const { page } = await openPage(browser, { ready: false });
  await page.locator("#message-text").getByText(process.env.ATSAL_MESSAGE).waitFor();
  assert.ok(await page.locator("#message").isVisible());
});

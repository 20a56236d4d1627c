// A page with three items: two photos, of which the second is made when the page asks for it, and one that fails.
import assert from "node:assert/strict";

import { axe, checkOn, mapShown, openBrowser } from "./browser.mjs";

const browser = await openBrowser();

const check = checkOn(browser);

async function onItem(page, number) {
  await page.getByRole("button", { name: `${number} of 3` }).waitFor();
}

await check("an item that is being made tells its progress, and is shown when it is there", { hash: "?item=2", ready: false }, async (page) => {
  await page.getByText("Predicting: 34 %").waitFor();
  assert.equal(await page.getByRole("button", { name: "Snapshot" }).isVisible(), false);
  assert.equal(await page.title(), "second.jpg");
  await page.waitForSelector("body[data-ready]");
  await mapShown(page);
  assert.ok(await page.locator("#message").isHidden());
});

await check("buttons and keys lead from one item to another, the layer stays and the view is that of the front", {}, async (page) => {
  await onItem(page, 1);
  assert.ok(await page.getByRole("button", { name: "Item before" }).isDisabled());
  await page.keyboard.press("ArrowRight");
  await page.getByLabel("Colour map").selectOption("magma");
  await page.waitForURL(/colormap=magma/);
  await page.getByRole("button", { name: "Next item" }).click();
  await onItem(page, 2);
  await page.waitForSelector("body[data-ready]");
  assert.equal(await page.locator("h1").textContent(), "second.jpg");
  assert.equal(await page.getByLabel("Colour map").inputValue(), "magma");
  await page.getByText("yaw 0°").waitFor();
  await page.keyboard.press("p");
  await onItem(page, 1);
  await page.waitForSelector("body[data-ready]");
  await page.keyboard.press("p"); // there is none before
  await page.keyboard.press("n");
  await onItem(page, 2);
});

await check("what cannot be shown has a message, and a way on", { hash: "?item=3", ready: false }, async (page) => {
  await page.getByText("third.jpg: is flat; export it as 360°").waitFor();
  await page.keyboard.press("p");
  await onItem(page, 2);
  await page.waitForSelector("body[data-ready]");
});

await check("the list names all items and leads to each", {}, async (page) => {
  await page.keyboard.press("i");
  const dialog = page.getByRole("dialog", { name: "All items" });
  assert.deepEqual(await dialog.locator(".item-name").allTextContents(), ["first.jpg", "second.jpg", "third.jpg"]);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-current")), "page");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await onItem(page, 2);
});

await check("an address of an item that is gone shows the first one", { hash: "?item=9" }, async (page) => {
  await onItem(page, 1);
});

await check("the help lists the keys of items", {}, async (page) => {
  await page.keyboard.press("Shift+?");
  await page.getByText("next item", { exact: true }).waitFor();
});

for (const [name, options] of [
  ["desktop, dark", { colorScheme: "dark" }],
  ["phone, light", { viewport: { width: 390, height: 844 }, colorScheme: "light" }],
  ["200 % zoom", { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2, reducedMotion: "reduce" }],
]) {
  await check(`axe finds nothing serious in the page and in its list: ${name}`, options, async (page) => {
    await page.evaluate(axe.source);
    for (const opened of [false, true]) {
      if (opened) await page.getByRole("button", { name: "1 of 3" }).click();
      const { violations } = await page.evaluate(() => globalThis.axe.run(document));
      const found = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
      assert.deepEqual(found.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth), false);
    }
  });
}

await browser.close();

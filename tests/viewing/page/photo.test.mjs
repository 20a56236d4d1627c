// The page with a photo: no time, everything else.
import assert from "node:assert/strict";
import { test } from "node:test";

import { centres, drawn, openBrowser, openPage } from "./browser.mjs";

for (const webgl of [true, false]) {
  await test(`a photo and its map, ${webgl ? "with" : "without"} WebGL`, async (context) => {
    const browser = await openBrowser({ webgl }, context);
    const { page, problems } = await openPage(browser, { hash: "#projection=flat&colormap=grey&opacity=1" });
    await drawn(page); // the page may still take its final size
    const { red, green } = await centres(page);
    const { start_deg, pitch_deg } = JSON.parse(process.env.ATSAL_SCENE);
    for (const [name, { x }] of Object.entries({ red, green })) {
      assert.ok(Math.abs(x * 180 - start_deg) < 1, `${name} is at ${x * 180}°`);
    }
    const { width, height } = await page.locator("#stage").boundingBox();
    assert.ok(Math.abs(green.y * 90 * ((2 * height) / width) - pitch_deg) < 1.5);
    assert.equal(await page.locator("#play").isVisible(), false);
    assert.equal(await page.getByText("has no WebGL").isVisible(), !webgl);
    assert.equal(await page.getByRole("radio", { name: "Sphere" }).isDisabled(), !webgl);
    assert.deepEqual(problems, []);
  });
}

// A pointer on the time line shows a small picture of that time: the disc tells which.
import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, openBrowser, openPage, shownTime } from "./browser.mjs";

const { rate, start_deg, step_deg } = JSON.parse(process.env.ATSAL_SCENE);

/** The yaw of the disc in the picture that is shown. */
async function discYaw(page) {
  return page.evaluate(async () => {
    const { style } = document.getElementById("preview-picture");
    const sheet = new Image();
    sheet.src = style.backgroundImage.slice(5, -2);
    await sheet.decode();
    const [width, height] = [parseInt(style.width), parseInt(style.height)];
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d");
    const [x, y] = style.backgroundPosition.split(" ").map(parseFloat);
    context.drawImage(sheet, x, y);
    const { data } = context.getImageData(0, 0, width, height);
    let [count, sum] = [0, 0];
    for (let i = 0; i < width * height; i++) {
      if (data[4 * i] < 60) continue;
      count += 1;
      sum += (i % width) + 0.5;
    }
    return (sum / count / width - 0.5) * 360;
  });
}

for (const [name, options] of [["mouse", {}], ["phone", { viewport: { width: 390, height: 844 }, colorScheme: "light" }]]) {
  await test(`the picture is that of the time under the pointer: ${name}`, async (context) => {
    const browser = await openBrowser({}, context);
    const asked = [];
    const { page, problems } = await openPage(browser, options);
    page.on("request", (request) => asked.push(request.url().split("/").pop()));
    assert.equal(await page.locator("#preview").isVisible(), false);
    const duration_s = Number(await page.locator("#seek").getAttribute("max"));
    const slider = page.locator("#seek");
    await slider.scrollIntoViewIfNeeded();
    const box = await slider.boundingBox();
    for (const time_s of [0.1, 1.0, 1.3]) {
      await page.mouse.move(box.x + (box.width * time_s) / duration_s, box.y + box.height / 2);
      const text = await page.locator("#preview-text").textContent();
      assert.match(text, /^0:0[01]\.\d\d · \d\.\d bit$/);
      assert.ok(Math.abs(Number(text.slice(2, 7)) - time_s) < 0.02, text);
      const index = (await discYaw(page) - start_deg) / step_deg;
      const late_s = time_s - index / rate;
      assert.ok(late_s > -0.06 && late_s < 0.3, `at ${time_s} s the picture is of ${index / rate} s`);
      const preview = await page.locator("#preview").boundingBox();
      assert.ok(preview.x >= 0 && preview.x + preview.width <= page.viewportSize().width);
      assert.ok(preview.y + preview.height <= box.y + 1);
    }
    assert.deepEqual(asked.filter((file) => file === "previews.jpg").length, 1, "it is fetched once, when it is wanted");
    assert.equal(await shownTime(page), 0, "the video stays where it is");
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    assert.deepEqual(violations.filter(({ impact }) => ["serious", "critical"].includes(impact)), []);
    await page.mouse.move(5, 5);
    assert.equal(await page.locator("#preview").isVisible(), false);
    assert.deepEqual(problems, []);
  });
}

await test("a finger on the time line shows the pictures while it moves", async (context) => {
  const browser = await openBrowser({}, context);
  const { page, problems } = await openPage(browser, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const session = await page.context().newCDPSession(page);
  const { x, y, width, height } = await page.locator("#seek").boundingBox();
  const touch = (type, share) =>
    session.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: share === undefined ? [] : [{ x: x + width * share, y: y + height / 2 }],
    });
  await touch("touchStart", 0.2);
  await touch("touchMove", 0.5);
  const preview = page.locator("#preview");
  await preview.waitFor();
  await touch("touchEnd");
  await preview.waitFor({ state: "hidden" });
  assert.deepEqual(problems, []);
});

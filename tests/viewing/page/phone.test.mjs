// A phone that turns: the view looks where its back points, as the sensors of Chromium's emulation say.
import assert from "node:assert/strict";
import { test } from "node:test";

import { openBrowser, openPage } from "./browser.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const BUTTON = "Move the phone to look around";

const browser = await openBrowser();

async function check(name, options, run) {
  await test(name, async () => {
    const { page, problems } = await openPage(browser, options);
    const session = await page.context().newCDPSession(page);
    const hold = (alpha, beta, gamma) => session.send("DeviceOrientation.setDeviceOrientationOverride", { alpha, beta, gamma });
    await run(page, hold);
    assert.deepEqual(problems, []);
    await page.context().close();
  });
}

/** The angles of a phone whose back points in a direction. In landscape, they jump where it looks above the horizon. */
const upright = (yaw, pitch) => [(360 - yaw) % 360, 90 + pitch, 0];
const landscape = (yaw, pitch) =>
  pitch > 0 ? [(630 - yaw) % 360, -180, 90 - pitch] : [(450 - yaw) % 360, 0, -90 - pitch];

for (const [name, angles] of [["portrait", upright], ["landscape", landscape]]) {
  await check(`the view turns with the phone: ${name}`, PHONE, async (page, hold) => {
    await hold(...angles(10, -10));
    await page.getByRole("button", { name: BUTTON }).click();
    await page.getByText("yaw 0° · pitch −10°").waitFor(); // the yaw goes on from where the view is
    await hold(...angles(50, 0));
    await page.getByText("yaw 40° · pitch 0°").waitFor();
    await hold(...angles(50, 30));
    await page.getByText("yaw 40° · pitch 30°").waitFor();
    await hold(...angles(-40, -20));
    await page.getByText("yaw −50° · pitch −20°").waitFor();
  });
}

await check("dragging moves the view on, and a second press lets go", PHONE, async (page, hold) => {
  await hold(...upright(0, -10));
  const button = page.getByRole("button", { name: BUTTON });
  await button.click();
  await page.getByText("yaw 0° · pitch −10°").waitFor();
  const { x, y, width, height } = await page.locator("#stage").boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width / 2 - height / 5, y + height / 2, { steps: 3 });
  await page.mouse.up();
  await page.getByText("yaw 15° · pitch −10°").waitFor(); // a fifth of 75°
  await hold(...upright(20, 0));
  await page.getByText("yaw 35° · pitch 0°").waitFor();
  await button.click();
  assert.equal(await button.getAttribute("aria-pressed"), "false");
  await hold(...upright(60, 0));
  await page.waitForTimeout(300);
  await page.getByText("yaw 35° · pitch 0°").waitFor();
});

await check("a device without sensors says so", PHONE, async (page) => {
  await page.getByRole("button", { name: BUTTON }).click();
  await page.getByRole("button", { name: "This device does not tell how it is held" }).waitFor();
});

await check("a permission that is not given is explained", PHONE, async (page) => {
  await page.evaluate(() => {
    DeviceOrientationEvent.requestPermission = () => Promise.resolve("denied");
  });
  await page.getByRole("button", { name: BUTTON }).click();
  await page.getByRole("button", { name: "The browser does not tell how the phone is held" }).waitFor();
});

await check("a computer has no such button", {}, async (page) => {
  assert.equal(await page.getByRole("button", { name: BUTTON }).isVisible(), false);
});

await browser.close();

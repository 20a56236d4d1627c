// The page of `atsal serve`: a file is dropped, its job watched, its result opened and sought.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";

import { ADDRESS, axe, mapShown, openBrowser, openPage, seek } from "./browser.mjs";

const { video, photo, token, frame_s } = JSON.parse(process.env.ATSAL_SCENE);
const browser = await openBrowser();

/** Run a check on a page of its own, which says nothing on the console but what is `expected`. */
function check(name, options, run, expected = /^$/) {
  return test(name, { timeout: 400_000 }, async () => {
    const { page, problems } = await openPage(browser, { ready: false, ...options });
    if (token) await enterToken(page, token);
    await page.waitForSelector("body[data-ready]");
    await run(page);
    const unknown = problems.findIndex((problem) => problem.includes("401")); // before the token is given, and only then
    if (token) problems.splice(unknown, 1);
    assert.deepEqual(problems.filter((problem) => !expected.test(problem)), []);
    await page.context().close();
  });
}

async function enterToken(page, value) {
  await page.locator("#token").fill(value);
  await page.getByRole("button", { name: "Use it" }).click();
}

/** Drop a file on the page, as from a file manager. */
async function drop(page, path) {
  const transfer = await page.evaluateHandle(([content, name]) => {
    const bytes = Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0));
    const found = new DataTransfer();
    found.items.add(new File([bytes], name));
    return found;
  }, [readFileSync(path).toString("base64"), basename(path)]);
  await page.dispatchEvent("#drop", "drop", { dataTransfer: transfer });
}

const SLOW = { timeout: 180_000 }; // the machine of the tests may have much to do
const ended = (shown, state = "Done") => shown.locator(".state", { hasText: state }).waitFor(SLOW);
const card = (page, name) => page.locator("#list .job").filter({ hasText: name }).first();

await check("a video is dropped, watched, opened and sought", {}, async (page) => {
  const sent = [];
  page.on("request", (request) => sent.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await drop(page, video);
  await page.getByRole("button", { name: "Start" }).click();
  const shown = card(page, basename(video));
  await shown.locator(".state", { hasText: /Running|Done/ }).waitFor(SLOW);
  await ended(shown);
  assert.ok(sent.some((line) => line.startsWith("PATCH /v1/uploads/")));
  assert.ok(sent.some((line) => line.endsWith("/events")));
  await shown.getByRole("button", { name: /^Open/ }).click();
  await page.waitForURL(/\/v1\/jobs\/[0-9a-f]+\/view\/$/, SLOW);
  await page.waitForSelector("body[data-ready]");
  const partial = page.waitForResponse((answer) => answer.status() === 206);
  await page.reload();
  await page.waitForSelector("body[data-ready]");
  await partial;
  await mapShown(page);
  for (const frame of [30, 5, 44, 12]) await seek(page, (frame + 0.5) * frame_s, frame_s);
  assert.equal(await page.title(), basename(video));
  await page.getByRole("link", { name: "All jobs" }).click();
  await card(page, basename(video)).waitFor();
  assert.equal(await page.locator("#list .job").filter({ hasText: basename(video) }).count(), 1);
});

await check("a photo is chosen, its map fetched, its job deleted", {}, async (page) => {
  await page.setInputFiles("#files", photo);
  await page.locator("label.kind:has([value=predict])").click();
  await page.getByLabel("overlay", { exact: true }).uncheck();
  await page.getByLabel("npy", { exact: true }).check();
  await page.keyboard.press("Enter");
  const shown = card(page, basename(photo));
  await ended(shown);
  await shown.getByText("Files").click();
  const [file] = await Promise.all([page.waitForEvent("download"), shown.getByRole("link", { name: /\.npy/ }).click()]);
  const path = await file.path();
  assert.ok(statSync(path).size > 1000);
  assert.equal(readFileSync(path).subarray(1, 6).toString(), "NUMPY");
  page.once("dialog", (dialog) => dialog.accept());
  const before = await page.locator("#list .job").count();
  await shown.getByRole("button", { name: /^Delete/ }).click();
  await page.waitForFunction((count) => document.querySelectorAll("#list .job").length < count, before);
});

await check("an upload that breaks goes on", {}, async (page) => {
  let broken = 0;
  await page.route("**/v1/uploads/*", (route) => {
    if (route.request().method() === "PATCH" && broken++ < 2) return route.abort();
    return route.continue();
  });
  await page.setInputFiles("#files", { name: "broken way.png", mimeType: "image/png", buffer: readFileSync(photo) });
  await page.getByRole("button", { name: "Start" }).click();
  await ended(card(page, "broken way.png"));
  assert.equal(broken, 3);
}, /ERR_FAILED/);

await check("what the service refuses is said at the option, and the file is not sent again", {}, async (page) => {
  let parts = 0;
  page.on("request", (request) => (parts += request.method() === "PATCH"));
  await page.setInputFiles("#files", { name: "refused.png", mimeType: "image/png", buffer: readFileSync(photo) });
  await page.locator("label.kind:has([value=predict])").click();
  const rate = page.getByLabel("Frames per second");
  await rate.fill("0");
  await page.getByRole("button", { name: "Start" }).click();
  await page.locator("#problem-fps").filter({ hasText: "fps: 0.0 is not in the range" }).waitFor();
  assert.equal(await rate.getAttribute("aria-invalid"), "true");
  await rate.fill("");
  await page.getByRole("button", { name: "Start" }).click();
  await ended(card(page, "refused.png"));
  assert.equal(parts, 1);
}, /422/);

await check("a job that fails says why; a running one is cancelled", {}, async (page) => {
  await page.setInputFiles("#files", [
    { name: "damaged.mp4", mimeType: "video/mp4", buffer: Buffer.from("no film") },
    { name: "long.mp4", mimeType: "video/mp4", buffer: readFileSync(video) },
  ]);
  await page.getByRole("button", { name: "Start" }).click();
  const [failed, long] = [card(page, "damaged.mp4"), card(page, "long.mp4")];
  await long.getByRole("button", { name: /^Cancel/ }).click();
  await ended(long, "Cancelled");
  await ended(failed, "Failed");
  assert.match(await failed.locator(".reason").textContent(), /damaged\.mp4/);
});

const PHONE = { viewport: { width: 320, height: 568 }, deviceScaleFactor: 2, hasTouch: true };
for (const [name, options] of [
  ["desktop, dark", { colorScheme: "dark" }],
  ["desktop, light", { colorScheme: "light" }],
  ["small phone, dark", { ...PHONE, colorScheme: "dark" }],
  ["small phone, light, reduced motion", { ...PHONE, colorScheme: "light", reducedMotion: "reduce" }],
  ["forced colours", { forcedColors: "active", colorScheme: "dark" }],
]) {
  await check(`nothing is cut off, axe is content: ${name}`, options, async (page) => {
    await page.setInputFiles("#files", [photo, video]);
    await page.locator("label.kind:has([value=predict])").click();
    await page.getByText("More options").click();
    await page.getByRole("button", { name: /^Open/ }).first().waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
  });
}

await check("on a phone, a start without a file is answered where files are chosen", { viewport: { width: 390, height: 844 } }, async (page) => {
  await page.getByRole("button", { name: "Start" }).click();
  const { y } = await page.getByText("Choose a video or photo first.").boundingBox();
  assert.ok(y > 0 && y < 844, `${y}`);
});

await check("the keyboard reaches what a job needs, in order", {}, async (page) => {
  const names = [];
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press("Tab");
    names.push(await page.evaluate(() => document.activeElement.id || document.activeElement.value || document.activeElement.localName));
  }
  const wanted = ["files", "view", "option-start", "option-duration", "option-fps", "summary", "start"];
  assert.deepEqual(names.filter((name) => wanted.includes(name)), wanted);
});

if (token) {
  await test("a wrong token is refused; the right one is forgotten with the tab", async () => {
    const { page } = await openPage(browser, { ready: false });
    await page.locator("#token").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Token" }).click();
    await enterToken(page, "atsal_wrong");
    await page.locator("#token-problem").filter({ hasText: "unknown" }).waitFor();
    await enterToken(page, token);
    await page.waitForSelector("body[data-ready]");
    assert.equal(await page.locator("#token-state").textContent(), "studio");
    const kept = await page.evaluate(() => [JSON.stringify(localStorage), document.cookie, JSON.stringify(sessionStorage)]);
    assert.deepEqual(kept.map((text) => text.includes("atsal_")), [false, false, true]);
    assert.ok(!(await page.content()).includes(token));
    const other = await page.context().newPage();
    await other.goto(ADDRESS);
    await other.getByRole("button", { name: "Use it" }).waitFor();
    await page.context().close();
  });
}

await browser.close();

// The page with a video: a red disc on black, and a map that is bright in the middle of the disc, in every frame.
import assert from "node:assert/strict";

import { axe, centres, checkOn, drawn, mapShown, openBrowser, openPage, seek, shownTime } from "./browser.mjs";

const { rate, count, start_deg, step_deg, pitch_deg } = JSON.parse(process.env.ATSAL_SCENE);
const FLAT = "#projection=flat&colormap=grey&opacity=1";
const yawOf = (index) => start_deg + index * step_deg;

const browser = await openBrowser();

const check = checkOn(browser);

/** Where disc and map are in the flat view, in degrees to the right of its middle and up. */
async function flatDegrees(page) {
  const { red, green, time_s } = await centres(page);
  const { width, height } = await page.locator("#stage").boundingBox();
  const scale = { x: Math.min(1, (2 * height) / width), y: Math.min(1, width / (2 * height)) };
  const degrees = (place) => place && { yaw_deg: (place.x / scale.x) * 180, pitch_deg: (place.y / scale.y) * 90 };
  return { disc: degrees(red), map: degrees(green), time_s };
}

/** Disc and map are where those of a frame are. */
async function assertFrame(page, index) {
  const { disc, map } = await flatDegrees(page);
  for (const [name, { yaw_deg }] of Object.entries({ disc, map })) {
    assert.ok(Math.abs(yaw_deg - yawOf(index)) < 0.7, `frame ${index}: ${name} at ${yaw_deg}, not ${yawOf(index)}`);
  }
}

await check("frame and map show the same moment after random seeks", { hash: FLAT }, async (page) => {
  let random = 1;
  for (let i = 0; i < 200; i++) {
    random = (random * 16807) % 2147483647;
    const index = random % count;
    await seek(page, (index + 0.5) / rate, 1 / rate / 2);
    await assertFrame(page, index);
    assert.equal(await mapShown(page), index);
  }
});

for (const speed of ["0.25", "0.5", "1", "2"]) {
  await check(`frame and map show the same moment while it plays at ${speed} ×`, { hash: FLAT }, async (page) => {
    await page.getByLabel("Speed").selectOption(speed);
    await page.keyboard.press(" ");
    const times = new Set();
    for (let looks = 0; times.size < 8 && looks < 300; looks++) {
      const { disc, map, time_s } = await flatDegrees(page);
      const index = Math.round(time_s * rate);
      if (!map && index < count) continue; // its file is on its way
      if (index < count) assert.ok(Math.abs(disc.yaw_deg - map.yaw_deg) < 0.7, `at ${time_s}: ${disc.yaw_deg}, ${map.yaw_deg}`);
      else assert.equal(map, null, "the video goes on after the last map");
      assert.ok(Math.abs(disc.yaw_deg - yawOf(index)) < 0.7);
      times.add(time_s);
    }
    assert.ok(times.size > 3, `only ${times.size} frames were shown`);
  });
}

await check("frame and map show the same moment after steps back and forth", { hash: FLAT }, async (page) => {
  let index = 0;
  for (const key of "....,,..,....,,,,....,.,") {
    await page.keyboard.press(key);
    index += key === "." ? 1 : -1;
    await page.waitForFunction((wanted) => document.getElementById("stage").dataset.map === `${wanted}`, index);
    await assertFrame(page, index);
  }
});

await check("steps go frame by frame, and play starts and stops", {}, async (page) => {
  for (const [key, expected] of [[".", 1], [".", 2], [",", 1]]) {
    await page.keyboard.press(key);
    await page.waitForFunction((index) => document.getElementById("stage").dataset.map === `${index}`, expected);
  }
  await page.getByRole("button", { name: "One frame forward" }).click();
  await page.waitForFunction(() => document.getElementById("stage").dataset.map === "2");
  await page.getByRole("button", { name: "Play" }).click();
  await page.waitForFunction(() => Number(document.getElementById("stage").dataset.map) > 5);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Play" }).waitFor();
});

for (const index of [3, 17]) {
  const yaw_deg = yawOf(index);
  const hash = `#t=${((index + 0.5) / rate).toFixed(3)}&yaw_deg=${yaw_deg}&pitch_deg=${pitch_deg}&colormap=grey&opacity=1`;
  await check(`on the sphere the map of frame ${index} is in its direction`, { hash }, async (page) => {
    await page.waitForFunction((wanted) => document.getElementById("stage").dataset.map === `${wanted}`, index);
    for (const colour of ["red", "green"]) {
      const { x, y } = (await centres(page))[colour];
      const { width, height } = await page.locator("#stage").boundingBox();
      const tangent = Math.tan((75 / 2) * (Math.PI / 180));
      const away_deg = (Math.atan(Math.hypot((x * tangent * width) / height, y * tangent)) * 180) / Math.PI;
      assert.ok(away_deg < 1, `${colour} is ${away_deg}° from the middle`);
    }
  });
}

await check("each stream shows its own map", { hash: FLAT }, async (page) => {
  const found = {};
  for (const [key, name] of [["1", "fused"], ["2", "attention"], ["3", "experts"]]) {
    await page.keyboard.press(key);
    await drawn(page);
    await mapShown(page);
    assert.ok(await page.getByRole("radio", { name, exact: false }).isChecked());
    found[name] = (await flatDegrees(page)).map.pitch_deg;
  }
  assert.ok(Math.abs(found.fused - pitch_deg) < 1.5, `fused is at ${found.fused}`);
  assert.ok(Math.abs(found.attention - 40) < 2, `attention is at ${found.attention}`);
  assert.ok(Math.abs(found.experts + 40) < 2, `experts are at ${found.experts}`);
});

await check("opacity, threshold, colours and the switch of the layer change what is seen", { hash: FLAT }, async (page) => {
  const green = async () => {
    await drawn(page);
    return (await centres(page)).green?.pixels ?? 0;
  };
  const all = await green();
  assert.ok(all > 0);
  await page.locator("#threshold").fill("0.9");
  const few = await green();
  assert.ok(few > 0 && few < all / 2, `${few} of ${all} pixels are left above the threshold`);
  await page.locator("#threshold").fill("0");
  await page.locator("#opacity").fill("0");
  assert.equal(await green(), 0);
  await page.locator("#opacity").fill("1");
  await page.keyboard.press("g");
  assert.equal(await green(), 0);
  await page.keyboard.press("g");
  await page.getByLabel("Colour map").selectOption("inferno");
  await drawn(page);
  const { red, green: inferno } = await centres(page);
  assert.ok(red && inferno && inferno.pixels !== all);
});

const CLOSE = `#yaw_deg=${start_deg}&pitch_deg=${pitch_deg}&fov_deg=20&colormap=grey&opacity=1`;
await check("contours are lines, and the spotlight leaves the picture where gaze is", { hash: CLOSE }, async (page) => {
  const { green: filled, red: disc } = await centres(page);
  await page.getByRole("radio", { name: "Contours" }).check({ force: true });
  await drawn(page);
  const { green: lines } = await centres(page);
  assert.ok(lines.pixels < filled.pixels, "lines cover less than colours");
  await page.getByRole("radio", { name: "Spotlight" }).check({ force: true });
  await drawn(page);
  const { red, green } = await centres(page);
  assert.equal(green, null);
  assert.ok(red.pixels > 0 && red.pixels < disc.pixels, "the rim of the disc is dark, its middle is not");
});

await check("drag, wheel and keys turn and zoom", {}, async (page) => {
  const box = await page.locator("#stage").boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x - box.height / 2, y, { steps: 4 });
  await page.mouse.up();
  await page.getByText("yaw 38°").waitFor(); // half the height is half the field of view, 75°
  await page.mouse.wheel(0, -100);
  await page.getByText("view 65°").waitFor();
  await page.keyboard.press("ArrowRight");
  await page.getByText("yaw 42°").waitFor();
  await page.keyboard.press("ArrowUp");
  await page.getByText("pitch 4°").waitFor();
  await page.getByRole("button", { name: "Look to the front" }).click();
  await page.getByText("yaw 0° · pitch 0° · view 75°").waitFor();
});

await check("a link restores the view", { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
  await seek(page, 12.5 / rate, 0.5 / rate);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("3");
  await page.getByLabel("Colour map").selectOption("magma");
  await page.getByRole("button", { name: "Link" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const { page: other, problems } = await openPage(browser, { hash: link.slice(link.indexOf("#")) });
  await other.waitForFunction(() => document.getElementById("stage").dataset.map === "12");
  await other.getByText("yaw −5°").waitFor();
  assert.ok(await other.getByRole("radio", { name: "Experts" }).isChecked());
  assert.equal(await other.getByLabel("Colour map").inputValue(), "magma");
  assert.deepEqual(problems, []);
  await other.context().close();
});

await check("a snapshot is a PNG named after the source and the time", {}, async (page) => {
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("s")]);
  assert.equal(download.suggestedFilename(), "disc-0.00s.png");
});

await check("regions have numbers, and a band leads to its region", {}, async (page) => {
  await page.getByLabel("Number the regions").check();
  await page.keyboard.press("0");
  await page.getByRole("button", { name: /Look at region 1/ }).click();
  const label = page.locator(".region-label:visible");
  await label.waitFor();
  const [place, stage] = [await label.boundingBox(), await page.locator("#stage").boundingBox()];
  assert.ok(Math.abs(place.x + place.width / 2 - stage.x - stage.width / 2) < 2);
  assert.ok(Math.abs(place.y + place.height / 2 - stage.y - stage.height / 2) < 2);
});

await check("outside the maps the page says so", { hash: FLAT }, async (page) => {
  await page.locator("#seek").evaluate((slider) => {
    slider.value = slider.max;
    slider.dispatchEvent(new Event("input"));
  });
  await page.locator("#stage.without-map").waitFor();
  assert.equal((await centres(page)).green, null);
});

await check("memory holds the latest twelve files of maps", { hash: FLAT }, async (page) => {
  const asked = [];
  page.on("request", (request) => asked.push(request.url().split("/").pop()));
  for (let index = 0; index < count; index += 3) await seek(page, (index + 0.5) / rate, 0.5 / rate);
  await seek(page, (count - 4.5) / rate, 0.5 / rate);
  assert.equal(new Set(asked).size, asked.length, "the files used last are kept");
  await seek(page, 0.5 / rate, 0.5 / rate);
  assert.ok(asked.includes("fused-00000.maps"), "the first file was dropped, and is fetched again");
});

await check("a picture too large for the graphics card is reduced", { hash: FLAT, largestTexture: 300 }, async (page) => {
  await page.getByText("it is shown 300 pixels wide").waitFor();
  await seek(page, 20.5 / rate, 0.5 / rate);
  const { disc, map } = await flatDegrees(page);
  assert.ok(Math.abs(disc.yaw_deg - map.yaw_deg) < 1);
  assert.equal(await page.locator(".note", { hasText: "300 pixels" }).count(), 1);
});

for (const [name, options] of [
  ["desktop, dark", { colorScheme: "dark" }],
  ["desktop, light", { colorScheme: "light" }],
  ["phone", { viewport: { width: 390, height: 844 }, colorScheme: "light" }],
  ["200 % zoom", { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2, reducedMotion: "reduce" }],
]) {
  await check(`axe finds nothing serious: ${name}`, options, async (page) => {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    const found = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    assert.deepEqual(found.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
    const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth), false);
    assert.equal(scrollWidth, clientWidth);
  });
}

await check("the keyboard reaches everything, and the help lists the keys", {}, async (page) => {
  const reached = new Set();
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.name));
  }
  for (const id of ["play", "seek", "opacity", "threshold", "colormap", "stream", "style", "stage", "full-screen", "speed"]) {
    assert.ok(reached.has(id), `Tab does not reach ${id}`);
  }
  await page.keyboard.press("Shift+?");
  await page.getByRole("heading", { name: "Keys and gestures" }).waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await shownTime(page), 0);
});

await browser.close();

// How many maps a second the page of `atsal view --live` makes while a video plays.
//
//   atsal view --live --no-browser
//   node benchmarks/live_page.mjs ADDRESS VIDEO          (--no-webgl: the flat view, drawn without WebGL)
//
// Without a graphics card, Chromium draws WebGL on the processor, which the network needs as well. Run it with and without
// WebGL in turn, on a machine that does nothing else: the load that is printed is to be that of this page alone.
import { createRequire } from "node:module";
import { loadavg } from "node:os";

const require = createRequire(new URL("../viewer/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const [address, video, option] = process.argv.slice(2);
const drawing =
  option === "--no-webgl" ? ["--disable-gpu", "--disable-3d-apis"] : ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
const executablePath = process.env.ATSAL_CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", ...drawing] });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
await page.goto(address);
await page.locator("input[type=file]").first().setInputFiles(video); // it plays at once
const rate = page.getByText(/maps\/s/);
await rate.waitFor({ timeout: 60_000 });
for (let i = 0; i < 4; i++) {
  await page.waitForTimeout(4000);
  console.log(`${await rate.innerText()} (load ${loadavg()[0].toFixed(1)})`);
}
await browser.close();

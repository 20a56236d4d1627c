// What the tests of recorded gaze see: the picture and the maps are black, so that all that is bright is gaze.
import { drawn } from "./browser.mjs";

/** Whether something bright is drawn at each of the places, [yaw, pitch] in degrees, of the flat view. */
export async function brightAt(page, places) {
  await drawn(page);
  return page.evaluate((wanted) => {
    const canvas = document.getElementById("canvas");
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [canvas.width, canvas.height];
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    const degree = Math.min(copy.width / 360, copy.height / 180);
    return wanted.map(([yaw, pitch]) => {
      const [x, y] = [copy.width / 2 + yaw * degree, copy.height / 2 - pitch * degree];
      return Math.max(...context.getImageData(x - 0.5, y - 0.5, 1, 1).data.slice(0, 3)) > 60;
    });
  }, places);
}

/** The middle in degrees, the size and the brightness of what is drawn in the flat view; null where that is nothing. */
export async function middle(page) {
  await drawn(page);
  return page.evaluate(() => {
    const canvas = document.getElementById("canvas");
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [canvas.width, canvas.height];
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, copy.width, copy.height);
    let [sum, x, y, most] = [0, 0, 0, 0];
    for (let i = 0; i < width * height; i++) {
      const level = Math.max(data[4 * i], data[4 * i + 1], data[4 * i + 2]);
      if (level < 20) continue;
      [sum, x, y] = [sum + 1, x + (i % width) + 0.5, y + Math.floor(i / width) + 0.5];
      most = Math.max(most, level);
    }
    const degree = Math.min(width / 360, height / 180);
    return sum && { yaw: (x / sum - width / 2) / degree, pitch: (height / 2 - y / sum) / degree, pixels: sum, most };
  });
}

/** The middle of the great circle between two places, [yaw, pitch] in degrees. */
export function halfWay(a, b) {
  const [u, v] = [a, b].map(([yaw, pitch]) => {
    const [y, p] = [(yaw * Math.PI) / 180, (pitch * Math.PI) / 180];
    return [Math.cos(p) * Math.sin(y), Math.sin(p), Math.cos(p) * Math.cos(y)];
  });
  const [x, y, z] = u.map((value, i) => value + v[i]);
  return [(Math.atan2(x, z) * 180) / Math.PI, (Math.atan2(y, Math.hypot(x, z)) * 180) / Math.PI];
}

/** The direction of the view, [yaw, pitch] in whole degrees. */
export async function viewDirection(page) {
  const text = (await page.locator("#direction").textContent()).replaceAll("−", "-");
  return text.match(/-?\d+/g).slice(0, 2).map(Number);
}

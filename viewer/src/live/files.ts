/** Files that people drop or choose: what they are, and what is wrong with them. */

import { byId, make } from "../page/dom";
import type { Media } from "../scene.gen";

const ASPECT_TOLERANCE = 0.02; // encoders round sizes

/** What the page needs to know of a file before it is open. Throws a message for people. */
export function describeFile(file: File): Media {
  const [kind] = file.type.split("/");
  if (kind !== "image" && kind !== "video" && file.type) {
    throw new Error(`${file.name} is no video or photo (${file.type}). Expected a 360° video or photo.`);
  }
  const size = { width: 0, height: 0, crop: [0, 0, 1, 1] as const };
  const common = { file: URL.createObjectURL(file), name: file.name, ...size, codec: "", frame_rate: 0, duration_s: 0 };
  return { kind: kind === "image" ? "image" : "video", ...common };
}

/** Why a picture is not one of the whole sphere; null where it is. */
export function sphereProblem(name: string, width: number, height: number): string | null {
  if (Math.abs(width / (2 * height) - 1) <= ASPECT_TOLERANCE) return null;
  return `${name} is not a 360° picture (${width} x ${height}); expected one view, twice as wide as high.`;
}

/** Make the buttons that choose a file, and take files that are dropped anywhere on the page. */
export function listenToFiles(open: (file: File) => void): void {
  const input = make("input", { type: "file", accept: "video/*,image/*", hidden: true });
  input.addEventListener("change", () => {
    if (input.files?.[0]) open(input.files[0]);
    input.value = ""; // the same file may be chosen again
  });
  const choose = (text: string): HTMLButtonElement => {
    const button = make("button", { type: "button", textContent: text, title: "Choose a 360° video or photo" });
    button.addEventListener("click", () => input.click());
    return button;
  };
  byId("message").append(choose("Choose a file"), input);
  document.querySelector("header .tools")?.prepend(choose("Open"));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) open(file);
  });
}

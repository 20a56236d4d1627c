/** Sizes, times and progress in words. */

import type { Job } from "./api";

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** 1234567 is "1.2 MB". */
export function sizeText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  const value = bytes / 1000 ** power;
  return `${power && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}`;
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

/** The time of day, with the date if it is another day. */
export function timeText(iso: string): string {
  const time = new Date(iso);
  return (time.toDateString() === new Date().toDateString() ? TIME : DAY).format(time);
}

/** What to say of how far a job is. */
export function progressText({ state, progress: { done, total }, ended }: Job): string {
  if (state === "waiting") return "Waits for its turn";
  if (state !== "running") return ended ? `Ended ${timeText(ended)}` : "";
  if (!done) return "Begins";
  return total ? `Frame ${done.toLocaleString()} of ${total.toLocaleString()}` : `${done.toLocaleString()} frames`;
}

/** "1 file", "2 files". */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString()} ${noun}${count === 1 ? "" : "s"}`;
}

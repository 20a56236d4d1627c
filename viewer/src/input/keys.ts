/** The keys: one list, from which the page listens and the help is written. */

import { byId, make } from "../page/dom";

export interface Key {
  readonly keys: readonly string[]; // `KeyboardEvent.key`
  readonly shown: string;
  readonly does: string;
  readonly run: (key: string) => void;
}

const GESTURES: readonly (readonly [string, string])[] = [
  ["drag", "turn the view"],
  ["wheel, pinch", "zoom"],
  ["double click", "look there"],
];

/** Keys that an element with the focus uses itself. */
function isTaken(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest("dialog, select")) return true;
  if (target instanceof HTMLInputElement) {
    return key === " " ? target.type !== "range" : key.startsWith("Arrow") && target.type !== "checkbox";
  }
  return target instanceof HTMLButtonElement && (key === " " || key === "Enter");
}

/** Listen in the whole page, or in an element only. */
export function listenToKeys(keys: readonly Key[], where: GlobalEventHandlers = document): void {
  where.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event.target, event.key)) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const found = keys.find((key) => key.keys.includes(name));
    if (!found) return;
    event.preventDefault();
    found.run(name);
  });
}

export function makeHelp(keys: readonly Key[]): void {
  const rows = [...keys.map(({ shown, does }) => [shown, does] as const), ...GESTURES];
  for (const [shown, does] of rows) {
    byId("help-list").append(make("div", {}, make("dt", { textContent: shown }), make("dd", { textContent: does })));
  }
}

/** Show the list of keys from its beginning; the focus is on the button below it. */
export function openHelp(): void {
  const dialog = byId<HTMLDialogElement>("help");
  dialog.showModal();
  dialog.scrollTop = 0;
}

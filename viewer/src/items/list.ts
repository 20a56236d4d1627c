/** The way from one item to another. With a single item there is none. */

import { addressOf, type Place } from "./catalogue";
import type { Key } from "../input/keys";
import { byId, make } from "../page/dom";

/** Show the buttons and the list, and return their keys. */
export function makeItemList(place: Place): Key[] {
  const { items, index } = place;
  if (items.length < 2) return [];
  const go = (target: number): void => {
    if (items[target]) location.assign(addressOf(place, target));
  };
  byId("items").hidden = false;
  byId("item-number").textContent = `${index + 1} of ${items.length}`;
  bindStep("item-back", index > 0, () => go(index - 1));
  bindStep("item-forward", index < items.length - 1, () => go(index + 1));
  const dialog = byId<HTMLDialogElement>("item-list");
  byId("item-links").append(...items.map((_, target) => makeRow(place, target)));
  byId("item-open").addEventListener("click", () => open(dialog));
  return [
    { keys: ["n"], shown: "N", does: "next item", run: () => go(index + 1) },
    { keys: ["p"], shown: "P", does: "item before", run: () => go(index - 1) },
    { keys: ["i"], shown: "I", does: "all items", run: () => open(dialog) },
  ];
}

function bindStep(id: string, possible: boolean, step: () => void): void {
  byId<HTMLButtonElement>(id).disabled = !possible;
  byId(id).addEventListener("click", step);
}

function open(dialog: HTMLDialogElement): void {
  dialog.showModal();
  const current = dialog.querySelector<HTMLElement>("[aria-current]");
  current?.focus();
  current?.scrollIntoView({ block: "center" });
}

/** Whole rows are links. The browser asks for a picture when its row comes into sight. */
function makeRow(place: Place, target: number): HTMLElement {
  const item = place.items[target];
  const link = make(
    "a",
    { href: addressOf(place, target) },
    make("span", { className: "item-name", textContent: item?.name ?? "" }),
    make("span", { className: "item-about", textContent: item?.about ?? "" }),
  );
  if (item?.picture) link.prepend(make("img", { loading: "lazy", alt: "", width: 96, height: 48, src: item.picture }));
  if (target === place.index) link.setAttribute("aria-current", "page");
  else link.addEventListener("click", () => (link.href = addressOf(place, target))); // the view as it is now
  return make("li", {}, link);
}

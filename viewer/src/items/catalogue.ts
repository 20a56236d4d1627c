/** Which items there are, and which one the address asks for. */

import type { Catalogue, Item } from "../scene.gen";

export interface Place {
  readonly items: readonly Item[];
  readonly index: number; // of the item on screen
  readonly item: Item;
  readonly home: string; // the address of the page that leads here; "": none
}

const ADDRESS_NAME = "item"; // ?item=2 is the second one

export async function openCatalogue(): Promise<Place> {
  const { items, home } = await loadCatalogue();
  const asked = Number(new URLSearchParams(location.search).get(ADDRESS_NAME) ?? 1);
  const index = Number.isInteger(asked) ? asked - 1 : 0;
  const item = items[index];
  if (item) return { items, index, item, home };
  if (items[0]) return { items, index: 0, item: items[0], home }; // links outlive folders
  throw new Error("This page has nothing to show.");
}

async function loadCatalogue(): Promise<Catalogue> {
  try {
    const response = await fetch("catalogue.json");
    if (!response.ok) throw new Error(`answer ${response.status}`);
    return (await response.json()) as Catalogue;
  } catch (error) {
    throw new Error(`catalogue.json cannot be loaded (${(error as Error).message}). Is atsal view still running?`);
  }
}

/** The address of another item. The layer stays as it is; direction and time stay for the same source only. */
export function addressOf({ items, item }: Place, index: number): string {
  const view = new URLSearchParams(location.hash.replace(/^#/, ""));
  if (items[index]?.name !== item.name) for (const name of ["t", "yaw_deg", "pitch_deg", "fov_deg"]) view.delete(name);
  const hash = view.toString();
  return `?${ADDRESS_NAME}=${index + 1}${hash ? `#${hash}` : ""}`;
}

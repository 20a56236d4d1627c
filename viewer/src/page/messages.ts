/** Messages in the page, instead of a blank one. */

import { byId, make } from "./dom";

/** Lay a message over the view. */
export function showMessage(text: string): void {
  byId("message-text").textContent = text;
  byId("message").hidden = false;
}

export function hideMessage(): void {
  byId("message").hidden = true;
}

/** Add a note below the controls, once. */
export function addNote(text: string): void {
  const notes = byId("notes");
  if ([...notes.children].some((note) => note.textContent === text)) return;
  notes.append(make("p", { className: "note", textContent: text }));
}

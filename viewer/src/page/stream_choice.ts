/** The controls that choose maps: the stream, gaze or heads, and what the second view shows. */

import { byId, make } from "./dom";
import { capitalised, type Direction, directions, kinds, NO_LAYER, similar, streamTitle } from "../maps/streams";
import type { Maps, Scene } from "../scene.gen";
import type { State, Store } from "../state";

const HINTS: Record<string, string> = {
  fused: "Both streams together: the prediction.",
  attention: "What stands out in the whole frame.",
  experts: "What stands out and moves on the six faces of a cube.",
  recorded: "Where people did look: the map of the recorded gaze.",
};
const DIRECTIONS: Record<Direction, readonly [string, string]> = {
  head_eye: ["Gaze", "Gaze: what eyes look at."],
  head: ["Heads", "Heads: the middle of what viewers see."],
};

export function makeStreamChoice({ maps }: Scene, store: Store, oneViewOnly: boolean): void {
  byId("pair").hidden = oneViewOnly;
  fill(maps);
  const change = (changes: { kind?: string; direction?: Direction }): void =>
    store.set({ stream: similar(maps, store.state.stream, changes) });
  onRadio("stream", (kind) => change({ kind }));
  onRadio("heading", (direction) => change({ direction: direction as Direction }));
  onRadio("pair", (value) => store.set({ pair: value === "true" }));
  const second = byId<HTMLSelectElement>("second-stream");
  second.addEventListener("change", () => store.set({ second: second.value }));
  store.subscribe((state) => follow(maps, state));
}

function fill(maps: Maps): void {
  for (const kind of kinds(maps)) addRadio("stream", kind, capitalised(kind));
  for (const direction of directions(maps)) addRadio("heading", direction, DIRECTIONS[direction][0]);
  byId("heading").hidden = directions(maps).length < 2;
  for (const name of [...maps.streams.map((stream) => stream.name), NO_LAYER]) {
    byId("second-stream").append(make("option", { value: name, textContent: streamTitle(maps, name) }));
  }
}

function follow(maps: Maps, state: State): void {
  const stream = maps.streams.find(({ name }) => name === state.stream);
  check("stream", stream?.kind);
  check("heading", stream?.direction);
  check("pair", `${state.pair}`);
  byId<HTMLSelectElement>("second-stream").value = state.second;
  byId("second-field").hidden = !state.pair;
  const hints = stream ? [HINTS[stream.kind], DIRECTIONS[stream.direction][1]] : [];
  byId("stream-hint").textContent = hints.join(" ");
}

function addRadio(name: string, value: string, text: string): void {
  const input = make("input", { type: "radio", name, value });
  byId(name).append(make("label", {}, input, make("span", { textContent: text })));
}

function radios(name: string): HTMLInputElement[] {
  return [...document.querySelectorAll<HTMLInputElement>(`input[name=${name}]`)];
}

function onRadio(name: string, run: (value: string) => void): void {
  for (const input of radios(name)) input.addEventListener("change", () => run(input.value));
}

function check(name: string, value: string | undefined): void {
  for (const input of radios(name)) input.checked = input.value === value;
}

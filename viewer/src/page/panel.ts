/** The controls of the layer and of the projection, both ways: they change the state, and follow it. */

import { byId, make } from "./dom";
import { colourTable } from "../drawing/colours";
import { addNote } from "./messages";
import { makeStreamChoice } from "./stream_choice";
import type { Scene } from "../scene.gen";
import type { State, Store } from "../state";

type Names<T> = { [K in keyof State]: State[K] extends T ? K : never }[keyof State];

export function makePanel(scene: Scene, store: Store, flatOnly: boolean): void {
  makeStreamChoice(scene, store, flatOnly);
  for (const { name } of scene.colormaps) byId("colormap").append(make("option", { value: name, textContent: name }));
  for (const name of ["projection", "style"] as const) bindRadios(store, name);
  for (const name of ["layer", "regions", "outline", "through", "loop", "sound"] as const) bindSwitch(store, name);
  for (const name of ["opacity", "threshold"] as const) bindSlider(store, name);
  bindSelect(store, "colormap", (text) => ({ colormap: text }));
  bindSelect(store, "speed", (text) => ({ speed: Number(text) }));
  scene.notes.forEach(addNote);
  if (flatOnly) disableWithoutWebGl();
  store.subscribe((state) => drawLegend(scene, state));
}

/** What the last colour means in the frame on screen. */
export function showPeak(ratio: number | undefined): void {
  const text = ratio === undefined ? "most gaze" : `${ratio >= 3 ? Math.round(ratio) : ratio.toFixed(1)} × average`;
  byId("legend-high").textContent = text;
}

function disableWithoutWebGl(): void {
  for (const value of ["sphere", "contours", "spotlight"]) {
    document.querySelector<HTMLInputElement>(`input[value=${value}]`)?.setAttribute("disabled", "");
  }
}

function bindRadios(store: Store, name: "projection" | "style"): void {
  const inputs = [...document.querySelectorAll<HTMLInputElement>(`input[name=${name}]`)];
  for (const input of inputs) input.addEventListener("change", () => store.set({ [name]: input.value }));
  store.subscribe((state) => {
    for (const input of inputs) input.checked = input.value === state[name];
  });
}

export function bindSwitch(store: Store, name: Names<boolean>): void {
  const input = byId<HTMLInputElement>(name);
  input.addEventListener("change", () => store.set({ [name]: input.checked }));
  store.subscribe((state) => {
    input.checked = state[name];
  });
}

function bindSlider(store: Store, name: "opacity" | "threshold"): void {
  const input = byId<HTMLInputElement>(name);
  input.addEventListener("input", () => store.set({ [name]: input.valueAsNumber }));
  store.subscribe((state) => {
    input.valueAsNumber = state[name];
    const percent = `${Math.round(100 * state[name])} %`;
    byId(`${name}-value`).textContent = name === "threshold" && state[name] === 0 ? "off" : percent;
  });
}

export function bindSelect(
  store: Store,
  name: "colormap" | "speed" | "trail" | "viewer",
  read: (text: string) => Partial<State>,
): void {
  const select = byId<HTMLSelectElement>(name);
  select.addEventListener("change", () => store.set(read(select.value)));
  store.subscribe((state) => {
    select.value = `${state[name]}`;
  });
}

function drawLegend(scene: Scene, state: State): void {
  byId("legend").hidden = state.style === "spotlight";
  byId<HTMLSelectElement>("colormap").disabled = state.style === "spotlight";
  const colormap = scene.colormaps.find(({ name }) => name === state.colormap);
  const context = byId<HTMLCanvasElement>("legend-bar").getContext("2d");
  if (colormap && context) {
    context.putImageData(new ImageData(new Uint8ClampedArray(colourTable(colormap)), 256, 1), 0, 0);
  }
}

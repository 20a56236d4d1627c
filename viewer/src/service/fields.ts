/** A field of the form for each option of a kind, made from its JSON schema. */

import { make } from "../page/dom";
import { optionHint, optionLabel, type Schema } from "./kinds";

export interface Field {
  readonly element: HTMLElement;
  /** The value, or undefined where the default is to be used. */
  read(): unknown;
  /** Say what is wrong; "" clears it. */
  complain(problem: string): void;
}

/** Make the field of an option, which begins with `value`. */
export function makeField(name: string, schema: Schema, value: unknown): Field {
  if (schema.type === "array") return choices(name, schema, (value ?? []) as string[]);
  const input = schema.enum ? select(schema) : makeInput(schema);
  if (value !== undefined) input.value = `${value}`;
  const hint = make("span", { className: "hint", id: `hint-${name}`, textContent: optionHint(name, schema) });
  input.id = `option-${name}`;
  input.setAttribute("aria-describedby", `${hint.id} problem-${name}`);
  const label = make("label", { htmlFor: input.id, textContent: optionLabel(name) });
  const isSwitch = schema.type === "boolean";
  if (isSwitch) label.prepend(input);
  const parts = isSwitch ? [label, hint] : [label, input, hint];
  const element = make("div", { className: isSwitch ? "field switch-field" : "field" }, ...parts);
  return { element, read: () => valueOf(input, schema), complain: complainAt(name, element, input) };
}

/** Several of some choices. */
function choices(name: string, schema: Schema, values: readonly string[]): Field {
  const boxes = (schema.items?.enum ?? []).map((value) => {
    return make("input", { type: "checkbox", value, checked: values.includes(value) });
  });
  const labels = boxes.map((box) => {
    return make("label", { className: "switch" }, box, make("span", { textContent: box.value }));
  });
  const element = make(
    "fieldset",
    { className: "field wide" },
    make("legend", { textContent: optionLabel(name) }),
    make("div", { className: "switches" }, ...labels),
    make("span", { className: "hint", textContent: optionHint(name, schema) }),
  );
  const chosen = (): string[] => boxes.filter((box) => box.checked).map((box) => box.value);
  return { element, read: () => (chosen().length ? chosen() : undefined), complain: complainAt(name, element, boxes[0]) };
}

function select(schema: Schema): HTMLSelectElement {
  const standard = schema.default === undefined ? "Default" : `${schema.default} (default)`;
  const first = make("option", { value: "", textContent: standard });
  const others = (schema.enum ?? []).filter((value) => value !== schema.default);
  return make("select", {}, first, ...others.map((value) => make("option", { value, textContent: value })));
}

function makeInput(schema: Schema): HTMLInputElement {
  if (schema.type === "boolean") return make("input", { type: "checkbox" });
  const placeholder = `${schema.default ?? ""}`;
  if (schema.type === "string") return make("input", { type: "text", placeholder, autocomplete: "off" });
  return make("input", {
    type: "number",
    inputMode: "decimal",
    step: schema.type === "integer" ? "1" : "any",
    min: `${schema.minimum ?? ""}`,
    max: `${schema.maximum ?? ""}`,
    placeholder,
  });
}

function valueOf(input: HTMLInputElement | HTMLSelectElement, { type }: Schema): unknown {
  if (type === "boolean") return (input as HTMLInputElement).checked || undefined;
  const text = input.value.trim();
  if (!text) return undefined;
  return type === "string" ? text : Number(text);
}

function complainAt(name: string, element: HTMLElement, input: HTMLElement | undefined): (problem: string) => void {
  const text = make("span", { className: "problem", id: `problem-${name}`, hidden: true });
  element.append(text);
  return (problem) => {
    [text.textContent, text.hidden] = [problem, !problem];
    input?.toggleAttribute("aria-invalid", Boolean(problem));
    if (problem) input?.setAttribute("aria-invalid", "true");
    if (problem) input?.focus();
  };
}

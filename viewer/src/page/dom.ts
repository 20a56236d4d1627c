/** Elements of index.html, found by id. */

export function byId<T extends Element = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element ${id}`);
  return found as unknown as T;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Tell people who do not see the page what happened. */
export function announce(text: string): void {
  byId("status").textContent = text;
}

/** A number as people write it: a real minus sign. */
export function signed(value: number): string {
  return `${Math.round(value)}`.replace(/^-0$/, "0").replace("-", "−");
}

/** 75.25 s is 1:15.25. */
export function clockText(time_s: number): string {
  const minutes = Math.floor(time_s / 60);
  return `${minutes}:${(time_s - 60 * minutes).toFixed(2).padStart(5, "0")}`;
}

/** The form of a new job: files, a kind, its options. */

import { byId, make } from "../page/dom";
import { ServiceError } from "./api";
import { type Field, makeField } from "./fields";
import { inOrder, type Kind, shownKind } from "./kinds";
import { sizeText } from "./texts";

export interface Wanted {
  readonly kind: string;
  readonly options: Record<string, unknown>;
  readonly files: readonly File[];
}

export class JobForm {
  private files: File[] = [];
  private fields = new Map<string, Field>();
  private kind = "";

  constructor(
    kinds: readonly Kind[],
    start: (wanted: Wanted) => Promise<void>,
  ) {
    const radios = inOrder(kinds).map((kind, i) => this.makeRadio(kind, i === 0));
    byId("kinds").append(...radios);
    this.bindFiles();
    byId<HTMLFormElement>("form").onsubmit = (event) => {
      event.preventDefault();
      void this.submit(start);
    };
    const openMore = (event: Event): void => {
      if (byId("more").contains(event.target as Node)) byId<HTMLDetailsElement>("more").open = true;
    };
    byId("form").addEventListener("invalid", openMore, true);
  }

  private makeRadio(kind: Kind, isFirst: boolean): HTMLElement {
    const { title, about } = shownKind(kind);
    const input = make("input", { type: "radio", name: "kind", value: kind.name, checked: isFirst });
    input.addEventListener("change", () => this.choose(kind));
    if (isFirst) this.choose(kind);
    const text = make("span", {}, make("strong", { textContent: title }), make("small", { textContent: about }));
    return make("label", { className: "kind" }, input, text);
  }

  private choose(kind: Kind): void {
    const { main, values } = shownKind(kind);
    this.kind = kind.name;
    const entries = Object.entries(kind.options.properties);
    this.fields = new Map(entries.map(([name, schema]) => [name, makeField(name, schema, values?.[name])]));
    const shown = main.filter((name) => this.fields.has(name));
    const rest = [...this.fields.keys()].filter((name) => !shown.includes(name));
    byId("main-options").replaceChildren(...this.elements(shown));
    byId("more-options").replaceChildren(...this.elements(rest));
    byId("more").hidden = !rest.length;
    this.complain("");
  }

  private elements(names: readonly string[]): HTMLElement[] {
    return names.map((name) => (this.fields.get(name) as Field).element);
  }

  private bindFiles(): void {
    const input = byId<HTMLInputElement>("files");
    input.addEventListener("change", () => {
      this.add(input.files);
      input.value = ""; // so that the same file can be chosen again
    });
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      byId("drop").classList.add("over");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) byId("drop").classList.remove("over");
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      byId("drop").classList.remove("over");
      this.add(event.dataTransfer?.files ?? null);
    });
  }

  private add(files: FileList | null): void {
    this.files.push(...(files ?? []));
    this.showFiles();
    this.complain("");
  }

  private showFiles(): void {
    const rows = this.files.map((file) => {
      const remove = make("button", { type: "button", className: "small", textContent: "Remove" });
      remove.ariaLabel = `Remove ${file.name}`;
      remove.addEventListener("click", () => {
        this.files = this.files.filter((other) => other !== file);
        this.showFiles();
        byId("files").focus();
      });
      const name = make("span", { className: "name", textContent: file.name });
      return make("li", {}, name, make("span", { className: "quiet", textContent: sizeText(file.size) }), remove);
    });
    byId("chosen").replaceChildren(...rows);
  }

  private async submit(start: (wanted: Wanted) => Promise<void>): Promise<void> {
    this.complain("");
    if (!this.files.length) {
      say("files-problem", "Choose a video or photo first.");
      byId("files").focus(); // may scroll away from what is beside the button
      return;
    }
    const given = [...this.fields].map(([name, field]) => [name, field.read()] as const);
    const options = Object.fromEntries(given.filter(([, value]) => value !== undefined));
    const wanted = { kind: this.kind, options, files: this.files };
    this.files = [];
    this.showFiles();
    await start(wanted);
  }

  /** Give a file back, and say why it was refused, at the option that is wrong. */
  refuse(file: File, error: unknown): void {
    this.files.push(file);
    this.showFiles();
    const text = error instanceof Error ? error.message : `${error}`;
    const field = error instanceof ServiceError && error.option ? this.fields.get(error.option) : undefined;
    if (!field) {
      this.complain(text);
      return;
    }
    if (byId("more-options").contains(field.element)) byId<HTMLDetailsElement>("more").open = true;
    field.complain(text);
  }

  private complain(text: string): void {
    say("files-problem", "");
    say("form-problem", text);
    if (!text) this.fields.forEach((field) => field.complain(""));
  }
}

function say(id: string, text: string): void {
  byId(id).textContent = text;
  byId(id).hidden = !text;
}

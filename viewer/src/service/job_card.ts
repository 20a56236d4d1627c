/** A job on the page: what it is, how far, and what can be done with it. */

import { make } from "../page/dom";
import { hasEnded, type Job, pathOf, type Result } from "./api";
import { kindTitle } from "./kinds";
import { progressText, sizeText } from "./texts";

export interface Actions {
  cancel(job: Job): Promise<void>;
  remove(job: Job): Promise<void>;
  /** Have the page of a result made, saying how far it is, and go there. */
  open(job: Job, say: (text: string) => void): Promise<void>;
  results(job: Job): Promise<readonly Result[]>;
  readonly maySubmit: boolean;
}

const STATES = { waiting: "Waiting", running: "Running", done: "Done", failed: "Failed", cancelled: "Cancelled" };

export class JobCard {
  readonly element = make("li", { className: "job" });
  private readonly state = make("span", { className: "state" });
  private readonly bar = make("progress", { max: 1 });
  private readonly about = make("p", { className: "quiet" });
  private readonly reason = make("p", { className: "reason" });
  private readonly buttons = make("div", { className: "buttons" });
  private readonly files = make("ul", { className: "results" });
  private readonly details = make("details", {}, make("summary", { textContent: "Files" }), this.files);
  private readonly options = make("p", { className: "hint" });

  constructor(
    public job: Job,
    private readonly actions: Actions,
  ) {
    const head = make("div", { className: "line" }, make("h3", { textContent: job.name || job.id.slice(0, 8) }), this.state);
    this.bar.ariaLabel = `Progress of ${job.name}`;
    this.element.append(head, this.about, this.options, this.bar, this.reason, this.buttons, this.details);
    this.details.addEventListener("toggle", () => void this.listFiles());
    this.options.textContent = optionsText(job.options);
    this.show(job);
  }

  /** Show a newer state of the job. */
  show(job: Job): void {
    const isOther = job.state !== this.job.state || !this.buttons.childElementCount;
    this.job = job;
    this.element.dataset["state"] = job.state;
    this.state.textContent = STATES[job.state];
    this.about.textContent = [kindTitle(job.kind), progressText(job), job.owner].filter(Boolean).join(" · ");
    this.bar.hidden = job.state !== "running"; // a bar that moves would say that work is done
    if (job.state === "running" && job.progress.total) this.bar.value = job.progress.done / job.progress.total;
    else this.bar.removeAttribute("value");
    this.reason.textContent = [job.reason, ...(job.notes ?? [])].filter(Boolean).join("\n");
    this.options.hidden = !this.options.textContent;
    if (isOther) this.showButtons();
  }

  private showButtons(): void {
    const { job, actions } = this;
    const buttons: HTMLElement[] = [];
    if (job.state === "done") buttons.push(this.openButton());
    if (!hasEnded(job) && actions.maySubmit) buttons.push(this.button("Cancel", () => actions.cancel(this.job)));
    if (hasEnded(job) && actions.maySubmit) buttons.push(this.button("Delete", () => actions.remove(this.job)));
    const hadFocus = this.buttons.contains(document.activeElement);
    this.buttons.replaceChildren(...buttons);
    if (hadFocus) buttons[0]?.focus();
    this.details.hidden = job.state !== "done" || job.kind === "view";
  }

  private openButton(): HTMLElement {
    const button = make("button", { type: "button", className: "primary", textContent: "Open in the viewer" });
    button.setAttribute("aria-label", `Open in the viewer: ${this.job.name}`);
    button.addEventListener("click", () => {
      button.disabled = true;
      const say = (text: string): void => void (button.textContent = text);
      void this.trying(this.actions.open(this.job, say)).finally(() => {
        button.disabled = false;
        say("Open in the viewer");
      });
    });
    return button;
  }

  private button(text: string, run: () => Promise<void>): HTMLElement {
    const button = make("button", { type: "button", textContent: text, ariaLabel: `${text} ${this.job.name}` });
    button.addEventListener("click", () => void this.trying(run()));
    return button;
  }

  private async trying(what: Promise<unknown>): Promise<void> {
    try {
      await what;
    } catch (error) {
      this.reason.textContent = error instanceof Error ? error.message : `${error}`;
      this.reason.focus();
    }
  }

  private async listFiles(): Promise<void> {
    if (!this.details.open || this.files.childElementCount) return;
    await this.trying(
      this.actions.results(this.job).then((results) => {
        this.files.replaceChildren(...results.map((result) => make("li", {}, this.fileLink(result))));
      }),
    );
  }

  private fileLink({ name, bytes }: Result): HTMLElement {
    const path = name.split("/").map(encodeURIComponent).join("/");
    const link = make("a", { href: pathOf(this.job, `/results/${path}`), textContent: name, download: "" });
    link.append(make("span", { className: "quiet", textContent: ` ${sizeText(bytes)}` }));
    return link;
  }
}

/** {fps: 2, legend: true} is "fps 2, legend". */
function optionsText(options: Readonly<Record<string, unknown>>): string {
  return Object.entries(options)
    .map(([name, value]) => (value === true ? name : `${name} ${Array.isArray(value) ? value.join(" ") : value}`))
    .join(", ");
}

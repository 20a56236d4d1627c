/** The list of jobs: the newest first, with those that run watched. */

import { announce, byId } from "../page/dom";
import { ask, hasEnded, type Job, type JobPage, pathOf, type Result } from "./api";
import { type Actions, JobCard } from "./job_card";
import { kindTitle } from "./kinds";
import { watch } from "./watch";

const LOOK_EVERY_MS = 4000; // while jobs wait; those that run are watched
const REST_MS = 30_000;
const MOST_WATCHED = 3; // a browser opens six connections to a server

export class JobList implements Actions {
  private readonly cards = new Map<string, JobCard>();
  private readonly watched = new Map<string, () => void>();
  private timer = 0;
  private next: number | null = null;

  constructor(
    readonly maySubmit: boolean,
    private readonly trouble: (error: unknown) => void,
  ) {
    byId("state-filter").addEventListener("change", () => void this.restart());
    byId("older").addEventListener("click", () => void this.load(this.next));
    document.addEventListener("visibilitychange", () => !document.hidden && void this.load());
  }

  /** Show a job that was just submitted. */
  add(job: Job): void {
    this.place(job);
    this.keepUp();
  }

  /** Load the newest jobs, or those before a number. */
  async load(before: number | null = null): Promise<void> {
    clearTimeout(this.timer);
    try {
      const state = byId<HTMLSelectElement>("state-filter").value;
      const query = new URLSearchParams({ limit: "50", ...(state && { state }), ...(before && { before: `${before}` }) });
      const page = await ask<JobPage>("GET", `/v1/jobs?${query}`);
      const jobs = page.jobs.filter((job) => !job.parent); // those that make pages of results are shown by that of the result
      if (!before) this.dropGone(jobs);
      jobs.forEach((job) => this.place(job));
      if (before || this.next === null) this.next = page.next;
      byId("older").hidden = this.next === null;
      this.trouble(null);
    } catch (error) {
      this.trouble(error);
    }
    this.keepUp();
  }

  async cancel(job: Job): Promise<void> {
    this.place(await ask<Job>("POST", pathOf(job, "/cancel")));
    this.keepUp();
  }

  async remove(job: Job): Promise<void> {
    if (!confirm(`Delete ${job.name} and its results?`)) return;
    await ask("DELETE", pathOf(job));
    this.drop(job.id);
    announce(`${job.name} was deleted`);
    byId("jobs-title").focus();
    this.keepUp();
  }

  async results(job: Job): Promise<readonly Result[]> {
    return (await ask<Job>("GET", pathOf(job))).results ?? [];
  }

  async open(job: Job, say: (text: string) => void): Promise<void> {
    const page = await ask<Job>("POST", pathOf(job, "/view"));
    await ended(page, ({ state, progress: { done, total } }) => {
      const part = total ? ` ${Math.floor((100 * done) / total)} %` : "…";
      say(state === "waiting" ? "Waits to be prepared…" : `Prepares the page${part}`);
    });
    location.assign(pathOf(job, "/view/"));
  }

  private async restart(): Promise<void> {
    [...this.cards.keys()].forEach((id) => this.drop(id));
    this.next = null;
    await this.load();
  }

  private place(job: Job): void {
    const card = this.cards.get(job.id);
    if (card) {
      if (hasEnded(job) && !hasEnded(card.job)) announce(`${kindTitle(job.kind)} of ${job.name}: ${job.state}`);
      card.show(job);
      return;
    }
    const made = new JobCard(job, this);
    this.cards.set(job.id, made);
    const older = [...this.cards.values()].filter((other) => other.job.created < job.created);
    const newest = older.sort((a, b) => (a.job.created < b.job.created ? 1 : -1))[0];
    byId("list").insertBefore(made.element, newest?.element ?? null);
  }

  /** Drop the jobs that are no longer among the newest: they were removed elsewhere, or have expired. */
  private dropGone(newest: readonly Job[]): void {
    const oldest = newest.at(-1)?.created ?? "";
    const ids = new Set(newest.map((job) => job.id));
    for (const { job } of [...this.cards.values()]) {
      if (!ids.has(job.id) && job.created >= oldest) this.drop(job.id);
    }
  }

  private drop(id: string): void {
    this.watched.get(id)?.();
    this.watched.delete(id);
    this.cards.get(id)?.element.remove();
    this.cards.delete(id);
  }

  /** Watch what runs, and look again soon where something waits. */
  private keepUp(): void {
    const jobs = [...this.cards.values()].map((card) => card.job);
    for (const job of jobs) {
      if (hasEnded(job)) this.unwatch(job.id);
      else if (job.state === "running" && this.watched.size < MOST_WATCHED && !this.watched.has(job.id)) {
        this.watched.set(job.id, watch(job, (found) => this.changed(found)));
      }
    }
    byId("empty").hidden = jobs.length > 0;
    clearTimeout(this.timer);
    const pause = jobs.some((job) => !hasEnded(job)) ? LOOK_EVERY_MS : REST_MS;
    if (!document.hidden) this.timer = window.setTimeout(() => void this.load(), pause);
  }

  private changed(job: Job): void {
    if (!this.cards.has(job.id)) return;
    this.place(job);
    if (hasEnded(job)) this.keepUp();
  }

  private unwatch(id: string): void {
    this.watched.get(id)?.();
    this.watched.delete(id);
  }
}

/** Wait until a job has ended; throws where it did not end well. */
function ended(job: Job, changed: (job: Job) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const see = (found: Job): void => {
      changed(found);
      if (found.state === "done") resolve();
      else if (hasEnded(found)) reject(new Error(found.reason || `The page could not be made: it is ${found.state}.`));
    };
    if (hasEnded(job)) see(job);
    else watch(job, see);
  });
}

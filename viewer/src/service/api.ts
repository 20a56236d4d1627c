/** Requests to the service, with the token, and its problems as errors. */

export interface Progress {
  readonly done: number;
  readonly total: number | null;
}

export interface Job {
  readonly id: string;
  readonly kind: string;
  readonly options: Record<string, unknown>;
  readonly source: Record<string, string>;
  readonly name: string;
  readonly parent: string | null; // the job whose results it shows
  readonly owner: string;
  readonly state: "waiting" | "running" | "done" | "failed" | "cancelled";
  readonly progress: Progress;
  readonly reason: string;
  readonly notes?: readonly string[];
  readonly created: string;
  readonly ended: string | null;
  readonly expires: string | null;
  readonly results?: readonly Result[]; // not in lists
}

export interface Result {
  readonly name: string;
  readonly bytes: number;
}

export interface JobPage {
  readonly jobs: readonly Job[];
  readonly next: number | null;
}

/** What the service says is wrong; `option` is that of a job. */
export class ServiceError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly option: string | null = null,
  ) {
    super(message);
  }
}

const TOKEN = "atsal-token";

export function token(): string {
  return sessionStorage.getItem(TOKEN) ?? "";
}

export function keepToken(value: string): void {
  if (value) sessionStorage.setItem(TOKEN, value);
  else sessionStorage.removeItem(TOKEN);
}

export function authorization(): Record<string, string> {
  return token() ? { Authorization: `Bearer ${token()}` } : {};
}

/** Send a request, and return the JSON of its answer. Throws `ServiceError`. */
export async function ask<T>(method: string, path: string, json?: unknown, more: Record<string, string> = {}): Promise<T> {
  const headers = { ...authorization(), ...more, ...(json === undefined ? {} : { "Content-Type": "application/json" }) };
  let answer: Response;
  try {
    answer = await fetch(path, { method, headers, body: json === undefined ? null : JSON.stringify(json) });
  } catch {
    throw new ServiceError("The service does not answer. Check the network, and whether it runs.", 0);
  }
  const text = await answer.text();
  if (!answer.ok) throw problemOf(answer.status, text);
  return (text ? JSON.parse(text) : undefined) as T;
}

/** The error that an answer is. */
export function problemOf(status: number, text: string): ServiceError {
  try {
    const found = JSON.parse(text) as { title: string; detail: string; option?: string };
    return new ServiceError(`${found.title}: ${found.detail}`, status, found.option ?? null);
  } catch {
    return new ServiceError(`The answer has HTTP status ${status}.`, status);
  }
}

export function pathOf(job: Job, rest = ""): string {
  return `/v1/jobs/${job.id}${rest}`;
}

export function hasEnded(job: Job): boolean {
  return job.state !== "waiting" && job.state !== "running";
}

/** Uploads by tus: they go on after a break of the network, and when the same file is chosen again after a reload. */

import { type DetailedError, Upload } from "tus-js-client";

import { byId, make } from "../page/dom";
import { authorization, problemOf } from "./api";
import { sizeText } from "./texts";

const PART_BYTES = 32 * 1024 * 1024; // a proxy may refuse larger ones
const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000];

const ids = new WeakMap<File, string>(); // of complete uploads: a job that is refused does not need another one
const running = new Set<Upload>();

addEventListener("beforeunload", (event) => {
  if (running.size) event.preventDefault();
});

/** Upload a file, with a row on the page, and return the id; null if it was stopped there. Throws `ServiceError`. */
export async function upload(file: File): Promise<string | null> {
  const before = ids.get(file);
  if (before) return before;
  const row = new Row(file);
  byId("uploads").append(row.element);
  try {
    const id = await send(file, row);
    if (id) ids.set(file, id);
    return id;
  } finally {
    row.element.remove();
  }
}

function send(file: File, row: Row): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const sending = new Upload(file, {
      endpoint: "/v1/uploads",
      chunkSize: PART_BYTES,
      retryDelays: PAUSES_MS,
      metadata: { filename: file.name },
      removeFingerprintOnSuccess: true,
      onBeforeRequest: (request) => {
        for (const [name, value] of Object.entries(authorization())) request.setHeader(name, value);
      },
      onProgress: (sent, total) => row.show(sent, total),
      onSuccess: () => finish(() => resolve(idOf(sending))),
      onError: (error) => finish(() => reject(asProblem(error as DetailedError))),
    });
    const finish = (then: () => void): void => {
      running.delete(sending);
      then();
    };
    row.stopped = () => finish(() => void sending.abort(true).finally(() => resolve(null)));
    running.add(sending);
    void sending.findPreviousUploads().then(([previous]) => {
      if (previous) sending.resumeFromPreviousUpload(previous);
      sending.start();
    });
  });
}

function idOf({ url }: Upload): string {
  return url?.split("/").pop() ?? "";
}

function asProblem(error: Error | DetailedError): Error {
  const answer = "originalResponse" in error ? error.originalResponse : null;
  return problemOf(answer?.getStatus() ?? 0, answer?.getBody() ?? "");
}

/** A file on its way. */
class Row {
  stopped = (): void => {};
  private readonly bar = make("progress", { max: 1, value: 0 });
  private readonly text = make("span", { className: "quiet", textContent: "Waits" });
  readonly element: HTMLElement;

  constructor(file: File) {
    const stop = make("button", { type: "button", className: "small", textContent: "Stop" });
    stop.ariaLabel = `Stop the upload of ${file.name}`;
    stop.addEventListener("click", () => this.stopped());
    this.bar.ariaLabel = `Upload of ${file.name}`;
    const head = make("div", { className: "line" }, make("h3", { textContent: file.name }), stop);
    this.element = make("li", { className: "job uploading" }, head, this.bar, this.text);
  }

  show(sent: number, total: number): void {
    this.bar.value = total ? sent / total : 0;
    this.text.textContent = `Uploads: ${sizeText(sent)} of ${sizeText(total)}`;
  }
}

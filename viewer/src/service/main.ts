/** The page of `atsal serve`: files in, jobs watched, results out. */

import "../style/base.css";
import "../style/controls.css";
import "../style/service.css";

import { byId } from "../page/dom";
import { ask, type Job, keepToken, ServiceError } from "./api";
import { JobForm, type Wanted } from "./form";
import { JobList } from "./jobs";
import type { Kind } from "./kinds";
import { bindTokenButton, openSession } from "./session";
import { upload } from "./uploads";

/** Say what is wrong with the service as a whole; null: nothing. With another token, begin anew. */
function showTrouble(error: unknown): void {
  if (error instanceof ServiceError && error.status === 401) {
    keepToken("");
    location.reload();
  }
  byId("trouble").textContent = error instanceof Error ? error.message : "";
  byId("trouble").hidden = error === null;
}

/** Upload each file, and submit a job of it. */
async function start({ kind, options, files }: Wanted, form: () => JobForm, list: JobList): Promise<void> {
  byId("jobs").scrollIntoView({ block: "nearest" }); // on a phone it is below the form
  for (const file of files) {
    try {
      const id = await upload(file);
      if (id) list.add(await ask<Job>("POST", "/v1/jobs", { kind, options, source: { upload: id } }));
    } catch (error) {
      form().refuse(file, error);
    }
  }
}

async function main(): Promise<void> {
  const { scope } = await openSession();
  bindTokenButton(() => location.reload());
  const list = new JobList(scope !== "read", showTrouble);
  const kinds = await ask<Kind[]>("GET", "/v1/kinds");
  const form: JobForm = new JobForm(kinds, (wanted) => start(wanted, () => form, list));
  byId("form").hidden = !list.maySubmit;
  byId("read-only").hidden = list.maySubmit;
  document.body.dataset["ready"] = "";
  await list.load();
}

main().catch(showTrouble);

/** Changes of jobs, as the service sends them. */

import { hasEnded, type Job, pathOf } from "./api";

/** Call `changed` with a job at each change until it has ended; returns how to stop. A browser reconnects by itself. */
export function watch(job: Job, changed: (job: Job) => void): () => void {
  const events = new EventSource(pathOf(job, "/events"));
  events.addEventListener("job", (event) => {
    const found = JSON.parse(event.data as string) as Job;
    if (hasEnded(found)) events.close();
    changed(found);
  });
  return () => events.close();
}

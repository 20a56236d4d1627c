"""The ends of jobs: what the store is told of them, and what of their folders stays."""

import logging
from typing import Any

from atsal.jobs.engine import Death
from atsal.serving.clock import Clock
from atsal.serving.folders import DataFolder, list_results
from atsal.serving.job import MOST_TRIES, JobRecord, State
from atsal.serving.kinds import End
from atsal.serving.metrics import Metrics
from atsal.serving.store.jobs import JobStore

LOG = logging.getLogger("atsal.serving")


class JobEnds:
    """Ends jobs, or lets them wait for another try. All methods raise `StoreError`, and can be called again then."""

    def __init__(self, store: JobStore, data: DataFolder, clock: Clock, metrics: Metrics, keep_s: float) -> None:
        self._store, self._data, self._clock, self._metrics, self._keep_s = store, data, clock, metrics, keep_s

    def record(self, job: JobRecord, server: str, found: End | Death) -> None:
        """Record how the command of a job ended, or its process, which costs the job a try."""
        if isinstance(found, Death):
            LOG.warning("job %s: its process %s", job.id, found.reason)
            self.try_again(job, server, f"its process {found.reason}")
        else:
            self._finish(job, server, found)

    def try_again(self, job: JobRecord, server: str, reason: str) -> None:
        """Let a job wait again, or end it after its last try."""
        if job.tries < MOST_TRIES:
            self._store.give_back(job.id, server, counts=True)
        else:
            self._finish(job, server, End(is_done=False, reason=f"{reason}, at the second try"))

    def remove_unless_needed(self, job_id: str) -> None:
        """Remove the folder of a job that failed, was cancelled, or is gone.

        The store is asked, because its answer to a change can be lost: then this server no longer has a job that is
        done, and whose results are to stay.
        """
        job = self._store.get(job_id)
        if job is None or job.state in ("failed", "cancelled"):
            try:
                self._data.remove_job(job_id)
            except OSError as error:  # the sweeper tries again when the job has expired
                LOG.error("job %s: its folder cannot be removed: %s", job_id, error)

    def _finish(self, job: JobRecord, server: str, end: End) -> None:
        now_s = self._clock.now_s()
        values: dict[str, Any] = {"ended_s": now_s, "expires_s": now_s + self._keep_s, "bytes": 0}
        if end.is_done:
            try:
                results, size = list_results(self._data.result(job.id)), self._data.job_bytes(job.id)
                values |= {"results": results, "bytes": size}
            except OSError as error:  # an end like another: it must not keep other jobs from theirs
                end = End(is_done=False, reason=f"its results cannot be read ({error.strerror})")
        state: State = "done" if end.is_done else "failed"
        reason = _with_own_name(end.reason, job)
        has_it = self._store.finish(job.id, server, state, reason=reason, notes=end.notes, **values)
        self.remove_unless_needed(job.id)
        if has_it:
            self._metrics.count_job(job.kind, state, now_s - (job.started_s or now_s))
        outcome = "is done" if end.is_done else "failed"
        LOG.info("job %s (%s) %s%s", job.id, job.kind, outcome, f": {end.reason}" if end.reason else "")


def _with_own_name(reason: str, job: JobRecord) -> str:
    """Return a reason that names the source as its owner does, not as the job's folder does."""
    told = f"{job.file}: "
    return f"{job.name}: {reason.removeprefix(told)}" if job.name and reason.startswith(told) else reason

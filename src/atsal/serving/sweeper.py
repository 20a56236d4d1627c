"""Removing what has expired: a thread that looks from time to time."""

import logging
import threading
from collections.abc import Callable, Iterable

from atsal.errors import AtsalError
from atsal.serving.clock import Clock
from atsal.serving.folders import DataFolder
from atsal.serving.job import is_id
from atsal.serving.sources.upload_store import UploadStore
from atsal.serving.store.jobs import JobStore
from atsal.untrusted.text import plural

LOG = logging.getLogger("atsal.serving")
_EVERY_S = 600.0
_AT_ONCE = 500  # ids in one query


class Sweeper:
    """Removes jobs and uploads whose time is over, and what killed servers left of jobs that nobody knows."""

    def __init__(self, jobs: JobStore, uploads: UploadStore, data: DataFolder, clock: Clock, keep_s: float) -> None:
        self._jobs, self._uploads, self._data, self._clock, self._keep_s = jobs, uploads, data, clock, keep_s
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._is_stopping.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._is_stopping.is_set():
            for part in (self.remove_expired, self.remove_unknown):
                try:
                    part()
                except Exception as error:  # whatever it is, the next time may be better
                    _report(error)
            self._is_stopping.wait(_EVERY_S)

    def remove_expired(self) -> None:
        """Remove jobs and uploads whose time is over, with their files."""
        now_s = self._clock.now_s()
        jobs = self._remove_each(self._jobs.expired(now_s), self._remove_job)
        uploads = self._remove_each(self._uploads.expired(now_s), self._uploads.remove)
        if jobs or uploads:
            LOG.info("removed what has expired: %s, %s", plural(jobs, "job"), plural(uploads, "upload"))

    def _remove_job(self, job_id: str) -> None:
        self._data.remove_job(job_id)  # first, so that a job that is known has its folder, or is expired
        self._jobs.remove(job_id)

    def remove_unknown(self) -> None:
        """Remove folders that no job has, and that are as old as expired jobs: younger ones may be in the making."""
        oldest_s = self._clock.now_s() - self._keep_s
        folders = self._data.jobs.iterdir()
        old = [path.name for path in folders if is_id(path.name) and path.lstat().st_mtime < oldest_s]
        for start in range(0, len(old), _AT_ONCE):
            some = old[start : start + _AT_ONCE]
            self._remove_each(set(some) - self._jobs.known(some), self._data.remove_job)

    def _remove_each(self, ids: Iterable[str], remove: Callable[[str], object]) -> int:
        """Remove until `stop`, and return how many; one that cannot be removed does not keep the others."""
        removed = 0
        for one in ids:
            if self._is_stopping.is_set():
                break
            try:
                remove(one)
                removed += 1
            except OSError as error:
                _report(error)
        return removed


def _report(error: Exception) -> None:
    is_fault = not isinstance(error, AtsalError | OSError)
    LOG.error("what has expired could not be removed: %s", error, exc_info=error if is_fault else None)

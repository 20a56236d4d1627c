"""Removing what has expired: a thread that looks from time to time."""

import logging
import threading
from collections.abc import Callable

from atsal.errors import AtsalError
from atsal.serving.clock import Clock
from atsal.serving.folders import DataFolder
from atsal.serving.job import is_id
from atsal.serving.store.jobs import JobStore

LOG = logging.getLogger("atsal.serving")
_EVERY_S = 600.0
_AT_ONCE = 500  # ids in one query


class Sweeper:
    """Removes ended jobs whose time is over, and what killed servers left of jobs that nobody knows."""

    def __init__(self, jobs: JobStore, data: DataFolder, clock: Clock, keep_s: float) -> None:
        self._jobs, self._data, self._clock, self._keep_s = jobs, data, clock, keep_s
        self._parts: list[Callable[[], object]] = [self.remove_expired, self.remove_unknown]
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sweeper", daemon=True)

    def add(self, part: Callable[[], object]) -> None:
        """Let it also call this each time."""
        self._parts.append(part)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._is_stopping.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._is_stopping.is_set():
            for part in self._parts:
                try:
                    part()
                except (AtsalError, OSError) as error:
                    _report(error)
            self._is_stopping.wait(_EVERY_S)

    def remove_expired(self) -> None:
        """Remove jobs whose time is over, with their folders, until `stop`."""
        removed = 0
        for job_id in self._jobs.expired(self._clock.now_s()):
            if self._is_stopping.is_set():
                break
            if self._remove_folder(job_id):  # first, so that a job that is known has its folder, or is expired
                removed += self._jobs.remove(job_id)
        if removed:
            LOG.info("removed %d expired jobs", removed)

    def remove_unknown(self) -> None:
        """Remove folders that no job has, and that are as old as expired jobs: younger ones may be in the making."""
        oldest_s = self._clock.now_s() - self._keep_s
        folders = self._data.jobs.iterdir()
        old = [path.name for path in folders if is_id(path.name) and path.lstat().st_mtime < oldest_s]
        for start in range(0, len(old), _AT_ONCE):
            some = old[start : start + _AT_ONCE]
            for job_id in set(some) - self._jobs.known(some):
                self._remove_folder(job_id)

    def _remove_folder(self, job_id: str) -> bool:
        """Remove the folder of a job; one that cannot be removed does not keep the others."""
        try:
            self._data.remove_job(job_id)
        except OSError as error:
            _report(error)
            return False
        return True


def _report(error: Exception) -> None:
    LOG.error("what has expired could not be removed: %s", error)

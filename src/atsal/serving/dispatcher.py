"""The dispatcher: a thread that claims jobs from the store, and has them run in worker processes."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from atsal.errors import AtsalError, StoreError
from atsal.jobs.engine import Death
from atsal.jobs.supervised_workers import Limits, SupervisedWorkers
from atsal.jobs.workers import init_worker
from atsal.serving.clock import Clock
from atsal.serving.folders import DataFolder
from atsal.serving.job_ends import JobEnds
from atsal.serving.kinds import End, Kinds, Means, Part, Work
from atsal.serving.metrics import Metrics
from atsal.serving.running_job import RunningJob
from atsal.serving.server_lock import ServerLock
from atsal.serving.settings import Settings
from atsal.serving.store.jobs import JobStore
from atsal.serving.worker import RunWork

LOG = logging.getLogger("atsal.serving")
_IDLE_S = 1.0  # until it looks for jobs that other servers accepted
_AFTER_ERROR_S = 1.0
_TAKE_OVER_EVERY_S = 5.0


class Dispatcher:
    """Runs the jobs of the store, as many at a time as there are workers, until it is stopped.

    Workers that no job waits for do parts of the jobs that run.
    """

    def __init__(
        self,
        store: JobStore,
        data: DataFolder,
        kinds: Kinds,
        settings: Settings,
        clock: Clock,
        metrics: Metrics,
        prepare: Callable[[int], None] = init_worker,
    ) -> None:
        """Take what it works with; `prepare` is that of `SupervisedWorkers`."""
        self._store, self._settings, self._clock = store, settings, clock
        self._ends = JobEnds(store, data, clock, metrics, settings.keep_s)
        self._lock = ServerLock(data.servers)
        self._engine = SupervisedWorkers(
            RunWork(data.path.absolute(), kinds, Means(settings.device, settings.memory_bytes), settings.sources),
            settings.workers,
            Limits(settings.standstill_s, settings.memory_bytes),
            prepare,
            most_tries=1,  # the store counts tries, because servers end, too
        )
        self._running: dict[str, RunningJob] = {}
        self._ended: list[tuple[RunningJob, End | Death]] = []  # that the store does not know yet
        self._wake, self._is_stopping = threading.Event(), threading.Event()
        self._stop_at_s = float("inf")
        self._took_over_s = float("-inf")
        self._thread = threading.Thread(target=self._work, name="dispatcher", daemon=True)
        self.problem = "it has not begun"  # why no job can run at the moment; "": none

    @property
    def is_running(self) -> bool:
        """Whether jobs can run."""
        return self._thread.is_alive() and not self.problem

    def start(self) -> None:
        """Begin to run jobs. Raises `OutputError` if the data folder cannot be written."""
        self._lock.acquire()
        self._thread.start()

    def wake(self) -> None:
        """Look for a new job now."""
        self._wake.set()

    def stop_soon(self, within_s: float) -> None:
        """Take no more jobs, and give back those that have not ended in so many seconds."""
        self._stop_at_s = min(self._stop_at_s, time.monotonic() + within_s)
        self._is_stopping.set()
        self._wake.set()

    def stop(self, within_s: float) -> None:
        """Stop as `stop_soon` does, and wait for it."""
        self.stop_soon(within_s)
        self._thread.join()
        self._lock.release()

    def _work(self) -> None:
        while not self._has_stopped():
            try:
                self._turn()
                if self._engine.can_work:
                    self.problem = ""
            except Exception as error:  # whatever it is, the next turn may be better: the store keeps the jobs
                self._report(error)
                time.sleep(_AFTER_ERROR_S)
            if not self._running and not self._is_stopping.is_set():
                self._wake.wait(_IDLE_S)
            self._wake.clear()
        self._give_back_all()

    def _report(self, error: Exception) -> None:
        if str(error) != self.problem:
            is_fault = not isinstance(error, AtsalError | OSError)
            LOG.error("jobs do not run: %s", error, exc_info=error if is_fault else None)
        self.problem = str(error) or type(error).__name__

    def _has_stopped(self) -> bool:
        is_idle = not self._running and not self._ended
        return self._is_stopping.is_set() and (is_idle or time.monotonic() > self._stop_at_s)

    def _turn(self) -> None:
        """Do what there is to do at the moment."""
        self._record_ended()
        if not self._is_stopping.is_set():
            self._take_over()
        self._end_cancelled()
        self._end_overdue()
        if self._engine.can_work:
            self._employ_workers()
        else:
            self._engine.begin_worker()  # until one begins, no job is claimed
        if self._running or not self._engine.can_work:
            self._take_ended()
            self._record_ended()

    def _take_ended(self) -> None:
        try:
            for task, found in self._engine.ended(self._note_progress):
                running = self._running.get(task.id)  # None: another part has just ended the job
                end = running.take(task, found) if running is not None else None
                if end is not None:
                    self._ended.append((self._running.pop(task.id), end))
        except AtsalError:  # no worker can be started, which is not the fault of these jobs
            self._give_back_all()
            raise
        for running, _end in self._ended:
            self._end_tasks(running)

    def _employ_workers(self) -> None:
        """Give free workers something to do."""
        while self._engine.outstanding < self._settings.workers:
            running = self._next_to_go_on()
            if running is None:
                return
            self._engine.submit(running.next_task())

    def _next_to_go_on(self) -> RunningJob | None:
        """Return the job for the next free worker: one that has no worker, then a new one, then one with parts."""
        without_worker = next((running for running in self._running.values() if not running.active), None)
        with_parts = [running for running in self._running.values() if running.has_waiting]
        fewest = min(with_parts, key=lambda running: len(running.active), default=None)
        return without_worker or self._claim() or fewest

    def _claim(self) -> RunningJob | None:
        job = None if self._is_stopping.is_set() else self._store.claim(self._lock.id, self._clock.now_s())
        if job is None:
            return None
        LOG.info("job %s (%s) begins", job.id, job.kind)
        running = self._running[job.id] = RunningJob(job, may_divide=self._settings.workers > 1)
        return running

    def _take_over(self) -> None:
        """Let the jobs of servers that have ended wait again, or end those that ended two servers."""
        if time.monotonic() - self._took_over_s < _TAKE_OVER_EVERY_S:
            return
        self._give_back_unknown()
        for server in (self._store.servers() | self._lock.others()) - {self._lock.id}:
            with self._lock.of_dead(server) as is_dead:
                for job in self._store.running_of(server) if is_dead else []:
                    LOG.warning("job %s (%s): its server has ended", job.id, job.kind)
                    self._ends.try_again(job, server, "its server ended")
        self._took_over_s = time.monotonic()

    def _give_back_unknown(self) -> None:
        """Let jobs wait again that the store gave to this server, which never heard of it: the answer was lost."""
        for job in self._store.running_of(self._lock.id):
            if job.id not in self._running:
                self._store.give_back(job.id, self._lock.id, counts=False)

    def _end_cancelled(self) -> None:
        """End the processes of jobs that were cancelled or removed."""
        if not self._running:
            return
        own = {job.id for job in self._store.running_of(self._lock.id)}
        for job_id in self._running.keys() - own:
            self._end_tasks(self._running.pop(job_id))
            self._ends.remove_unless_needed(job_id)
            LOG.info("job %s was cancelled", job_id)

    def _end_overdue(self) -> None:
        for job_id, running in list(self._running.items()):
            limit_s = self._settings.job_seconds
            if time.monotonic() - running.began_s > limit_s:
                self._end_tasks(self._running.pop(job_id))
                self._ended.append((running, End(is_done=False, reason=f"took longer than {limit_s:g} s")))

    def _end_tasks(self, running: RunningJob) -> None:
        """End the processes that work on a job."""
        while running.active:
            self._engine.cancel(running.active.pop())

    def _note_progress(self, task: Work | Part, found: tuple[int, int | None]) -> None:
        running = self._running.get(task.id)
        if running is not None:
            with suppress(StoreError):  # the next one will do
                self._store.set_progress(task.id, self._lock.id, *running.progress(task, *found))

    def _record_ended(self) -> None:
        """Tell the store how jobs ended; what it cannot take now, it is told again later."""
        while self._ended:
            running, found = self._ended[0]
            self._ends.record(running.job, self._lock.id, found)
            self._ended.pop(0)

    def _give_back_all(self) -> None:
        """End the processes, and let their jobs wait again; their tries do not count."""
        self._engine.stop()
        given_back, self._running = self._running, {}
        try:
            for running in given_back.values():
                self._store.give_back(running.job.id, self._lock.id, counts=False)
                LOG.info("job %s waits again", running.job.id)
        except StoreError as error:  # a later turn does it, or whoever takes over
            LOG.error("jobs could not be given back: %s", error)

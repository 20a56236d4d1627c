"""An engine of worker processes on this machine, each with limits on time and memory."""

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Self

from atsal.errors import AtsalError
from atsal.jobs.child_process import ChildProcess
from atsal.jobs.engine import (
    MOST_TRIES,
    Death,
    Engine,
    InThisProcess,
    ReportTask,
    RunTask,
    at_intervals,
    ignore_report,
)
from atsal.jobs.workers import end_with_main, init_worker, usable_cores, worker_ended
from atsal.untrusted.text import error_reason

_POLL_S = 0.25  # between looks at time and memory
_REPORT_EVERY_S = 0.5
_MOST_FAILED_STARTS = 3  # one after the other
_GB = 1e9
_READY, _DONE, _RESULT, _FAULT, _ERROR = range(5)  # what a worker sends, with a value


@dataclass(frozen=True)
class Limits:
    """What a task may take before its process is ended."""

    standstill_s: float = 600.0  # without progress
    memory_bytes: float | None = None  # of the process, as resident set; None: its share of the machine's memory


NO_LIMITS = Limits(math.inf, math.inf)


def local_engine(job: RunTask, workers: int, limits: Limits = NO_LIMITS) -> Engine:
    """Return worker processes; for one without limits, this process."""
    return InThisProcess(job) if workers == 1 and limits == NO_LIMITS else SupervisedWorkers(job, workers, limits)


class SupervisedWorkers:
    """Worker processes that run one task at a time each, and never outlive the main process.

    A worker that dies, stands still for too long or takes too much memory is replaced, and its task is tried once more.
    """

    is_cluster = False

    def __init__(
        self,
        job: RunTask,
        workers: int,
        limits: Limits,
        prepare: Callable[[int], None] = init_worker,
        most_tries: int = MOST_TRIES,
    ) -> None:
        """Take the job, which is pickled once a worker.

        `prepare` is called first in each worker, with the number of threads on which it computes. A task whose process
        ended comes back after `most_tries`.
        """
        self.workers = workers
        self._job = job
        self._prepare = partial(prepare, max(1, usable_cores() // workers))
        self._limits = limits
        self._most_tries = most_tries
        self._memory_bytes = limits.memory_bytes or machine_memory_bytes() / workers
        self._waiting: deque[tuple[Any, int]] = deque()  # tasks, and how often they were tried
        self._processes: list[_Worker] = []
        self._failed_starts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the processes, and forget the tasks."""
        self._waiting.clear()
        for worker in self._processes:
            worker.end()
        self._processes.clear()

    @property
    def _busy(self) -> "list[_Worker]":
        return [worker for worker in self._processes if worker.is_busy]

    @property
    def outstanding(self) -> int:
        """How many tasks wait or run."""
        return len(self._waiting) + len(self._busy)

    @property
    def can_work(self) -> bool:
        """Whether a worker is ready, or could be as far as is known: not after several that ended before they began."""
        return self._failed_starts < _MOST_FAILED_STARTS or any(worker.is_ready for worker in self._processes)

    def begin_worker(self) -> None:
        """Start a worker without a task, unless there is one; `ended` says whether that could be done."""
        if not self._processes:
            self._add_worker()

    def submit(self, task: Any) -> None:
        """Add a task."""
        self._waiting.append((task, 0))

    def results(self, report: ReportTask = ignore_report) -> Iterator[tuple[Any, Any]]:
        """Yield tasks as they end. Raises `AtsalError` if no worker process can be started, and what the job raises."""
        while self.outstanding:
            yield from self.ended(report)

    def ended(self, report: ReportTask = ignore_report) -> Iterator[tuple[Any, Any]]:
        """Yield the tasks that end in a moment, as `results` does, even if none is outstanding."""
        self._assign()
        looked_at = [worker for worker in self._processes if worker.is_busy or not worker.is_ready]
        wait([worker.pipe for worker in looked_at], _POLL_S)
        for worker in looked_at:
            ended = self._look_at(worker, report)
            if ended is not None:
                yield ended

    def cancel(self, task: Any) -> None:
        """Forget a task; its process ends, if it has begun."""
        self._waiting = deque(entry for entry in self._waiting if entry[0] != task)
        for worker in [worker for worker in self._busy if worker.task == task]:
            worker.end()
            self._processes.remove(worker)

    def _assign(self) -> None:
        """Give tasks to workers that have none; one that has died meanwhile does not cost a task a try."""
        for worker in [worker for worker in self._processes if not worker.is_busy and not worker.is_alive]:
            worker.end()
            self._processes.remove(worker)
        while self._waiting and len(self._busy) < self.workers:
            idle = next((worker for worker in self._processes if not worker.is_busy), None)
            if idle is None and self._processes and self._failed_starts >= _MOST_FAILED_STARTS:
                return  # one more does not start; those that are there do the work
            (idle or self._add_worker()).give(*self._waiting.popleft())

    def _add_worker(self) -> "_Worker":
        worker = _Worker(self._job, self._prepare)
        self._processes.append(worker)
        return worker

    def _look_at(self, worker: "_Worker", report: ReportTask) -> tuple[Any, Any] | None:
        """Take what a worker sent, and check its limits; return its task if that has ended."""
        try:
            while worker.pipe.poll():
                kind, value = worker.pipe.recv()
                if kind in (_RESULT, _FAULT, _ERROR):
                    task, self._failed_starts = worker.take_task(), 0  # there may be room for more workers now
                    if kind == _ERROR:
                        raise value
                    return task, Death(value) if kind == _FAULT else value
                worker.moved_s = time.monotonic()
                if kind == _READY:
                    self._failed_starts, worker.is_ready = 0, True
                else:
                    report(worker.task, value)
        except (EOFError, OSError):
            return self._bury(worker, worker.how_it_ended())
        excess = worker.excess(self._limits.standstill_s, self._memory_bytes)
        return None if excess is None else self._bury(worker, excess)

    def _bury(self, worker: "_Worker", reason: str) -> tuple[Any, Death] | None:
        """End a worker; return its task if that is not tried again."""
        worker.end()
        self._processes.remove(worker)
        self._failed_starts += not worker.is_ready
        if not self.can_work:
            raise AtsalError(worker_ended(f"{reason} before it began"))
        if not worker.is_busy:
            return None
        tries, task = worker.tries + worker.is_ready, worker.take_task()  # one that never began costs none
        if tries >= self._most_tries:
            return task, Death(f"{reason}, at the second try" if tries > 1 else reason)
        self._waiting.appendleft((task, tries))
        return None


class _Worker(ChildProcess):
    """A process, and the task on which it works."""

    def __init__(self, job: RunTask, prepare: Callable[[], None]) -> None:
        super().__init__(_serve, job, prepare)
        self.task: Any = None
        self.tries = 0
        self.moved_s = time.monotonic()
        self.is_ready = self.is_busy = False

    def give(self, task: Any, tries: int) -> None:
        """Let it work on a task."""
        self.task, self.tries, self.is_busy, self.moved_s = task, tries, True, time.monotonic()
        with suppress(OSError):  # it has died; reading from it says so
            self.pipe.send(task)

    def take_task(self) -> Any:
        """Return its task, which it no longer has."""
        task, self.task, self.is_busy = self.task, None, False
        return task

    def excess(self, standstill_s: float, memory_bytes: float) -> str | None:
        """Return what it has too much of; None: nothing."""
        if time.monotonic() - self.moved_s > standstill_s:
            return f"made no progress for {standstill_s:g} s"
        if resident_bytes(self.pid) > memory_bytes:
            return f"took more than {memory_bytes / _GB:.1f} GB of memory"
        return None


def _serve(pipe: "Connection[Any, Any]", job: RunTask, prepare: Callable[[], None]) -> None:
    """Run tasks from a pipe, in a worker process, until the main process ends it."""
    end_with_main()
    prepare()
    pipe.send((_READY, 0))
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            answer: tuple[int, Any] = (
                _RESULT,
                job(task, at_intervals(lambda done: pipe.send((_DONE, done)), _REPORT_EVERY_S)),
            )
        except AtsalError as error:
            answer = _ERROR, error
        except Exception as error:  # a fault of the program, in one task of many
            answer = _FAULT, f"met an unexpected error, {type(error).__name__}: {error_reason(error)}"
        pipe.send(answer)


def resident_bytes(pid: int | None) -> int:
    """Return how much memory a process has in use; 0 where the system does not say, or the process has ended."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def machine_memory_bytes() -> float:
    """Return the memory of this machine; infinite where the system does not say."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return float("inf")

"""Engines run tasks somewhere, and say for each what came of it.

A task is an object that can be pickled; the job that all share is a function of a task and of a function to call with
its progress. A task whose process ends costs a retry; one that ends processes repeatedly comes back as a `Death`. An
`AtsalError` that the job raises passes to whoever takes the results; any other error in a worker is a `Death`, too.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, Self

Report = Callable[[Any], None]  # takes how much of a task is done, as the job counts it
ReportTask = Callable[[Any, Any], None]
RunTask = Callable[[Any, Report], Any]
MOST_TRIES = 2  # of a task that ends its process


def ignore_report(_task: Any, _done: Any) -> None:
    """Do nothing with a report."""


def at_intervals(report: Report, seconds: float) -> Report:
    """Return a report that passes on what it is told at most once in so many seconds."""
    sent_s = -math.inf

    def pass_on(done: Any) -> None:
        nonlocal sent_s
        if time.monotonic() - sent_s > seconds:
            report(done)
            sent_s = time.monotonic()

    return pass_on


@dataclass(frozen=True)
class Death:
    """What became of a task that ended each process that worked on it."""

    reason: str  # "used more than 4.0 GB of memory"


def run_task(task: Any, report: Report) -> Any:
    """Run a task that knows what to do: a job for tasks of several kinds."""
    return task.run(report)


class Engine(Protocol):
    """Runs tasks, in a `with` block, at the end of which its processes end too."""

    workers: int  # how many tasks run at the same time
    is_cluster: bool  # whether tasks run on other machines, too

    def __enter__(self) -> Self: ...

    def __exit__(self, *_error: object) -> None: ...

    @property
    def outstanding(self) -> int:
        """How many tasks were submitted and are not back."""

    def submit(self, task: Any) -> None:
        """Add a task. The first ones are run first."""

    def results(self, report: ReportTask = ...) -> Iterator[tuple[Any, Any]]:
        """Yield each task with the job's result or a `Death`, until none is outstanding; meanwhile, more may come.

        `report` is called with a task and how much of it is done.
        """

    def stop(self) -> None:
        """End the processes, and forget the tasks."""


def run_all(engine: Engine, tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each task with the job's result; with a text that says why, if it ended each process that worked on it."""
    for task in tasks:
        engine.submit(task)
    for task, found in engine.results():
        yield task, f"the process that worked on it {found.reason}" if isinstance(found, Death) else found


class InThisProcess:
    """Runs one task after the other in this process."""

    workers = 1
    is_cluster = False

    def __init__(self, job: RunTask) -> None:
        self._job = job
        self._waiting: deque[Any] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def outstanding(self) -> int:
        """How many tasks wait."""
        return len(self._waiting)

    def submit(self, task: Any) -> None:
        """Add a task."""
        self._waiting.append(task)

    def results(self, report: ReportTask = ignore_report) -> Iterator[tuple[Any, Any]]:
        """Yield each task with the job's result; all errors pass."""
        while self._waiting:
            task = self._waiting.popleft()
            yield task, self._job(task, partial(report, task))

    def stop(self) -> None:
        """Forget the tasks."""
        self._waiting.clear()

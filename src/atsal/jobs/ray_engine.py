"""An engine of processes on the machines of a Ray cluster.

Ray places a task where its CPUs and GPUs are free, and keeps the process for the next task, so a model that a process
has loaded stays. All machines must see the files that tasks read and write, under the same paths.
"""

import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from atsal.errors import AtsalError, MissingDependencyError, install_hint
from atsal.jobs.engine import MOST_TRIES, Death, ReportTask, RunTask, at_intervals, ignore_report
from atsal.jobs.workers import init_worker
from atsal.untrusted.text import error_reason

_POLL_S = 0.5
_REPORT_EVERY_S = 2.0


@dataclass(frozen=True)
class RayResources:
    """What each task takes of the cluster, and how long it may stand still."""

    cpus: float = 1.0
    gpus: float = 0.0
    standstill_s: float = 600.0  # without progress, once it runs


@dataclass
class _Running:
    task: Any
    number: int
    tries: int
    moved_s: float | None = None  # None: Ray has not begun it
    has_stood_still: bool = False


class RayEngine:
    """Tasks on a Ray cluster: the one in `RAY_ADDRESS`, else this machine alone.

    A task whose process or machine is lost is tried once more.
    """

    is_cluster = True

    def __init__(self, job: RunTask, workers: int, resources: RayResources) -> None:
        """Take the job, the most tasks that run at a time, and what each of them takes."""
        self.workers = workers
        self._job = job
        self._resources = resources
        self._waiting: deque[tuple[Any, int]] = deque()
        self._running: dict[Any, _Running] = {}  # by reference to the result
        self._count = 0

    def __enter__(self) -> Self:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        self._ray = _import_ray()
        try:
            self._ray.init(log_to_driver=False, include_dashboard=False, configure_logging=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise AtsalError(f"Ray cannot be started: {error_reason(error)}; check RAY_ADDRESS") from error
        chosen = {"num_cpus": self._resources.cpus, "num_gpus": self._resources.gpus, "max_retries": 0}
        self._remote = self._ray.remote(**chosen)(_run_on_ray)
        self._shared_job = self._ray.put(self._job)
        self._reports = _make_queue(self._ray)
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        self._ray.shutdown()

    @property
    def outstanding(self) -> int:
        """How many tasks wait or run."""
        return len(self._waiting) + len(self._running)

    def submit(self, task: Any) -> None:
        """Add a task."""
        self._waiting.append((task, 0))

    def stop(self) -> None:
        """End the tasks, and forget them."""
        self._waiting.clear()
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._running.clear()

    def results(self, report: ReportTask = ignore_report) -> Iterator[tuple[Any, Any]]:
        """Yield tasks as they end."""
        while self._waiting or self._running:
            self._assign()
            ended, _ = self._ray.wait(list(self._running), num_returns=1, timeout=_POLL_S)
            self._take_reports(report)
            for reference in ended:
                found = self._take(reference)
                if found is not None:
                    yield found
            self._end_standing()

    def _assign(self) -> None:
        while self._waiting and len(self._running) < self.workers:
            task, tries = self._waiting.popleft()
            self._count += 1
            threads = max(1, int(self._resources.cpus))
            reference = self._remote.remote(self._shared_job, task, self._count, self._reports, threads, Path.cwd())
            self._running[reference] = _Running(task, self._count, tries)

    def _take(self, reference: Any) -> tuple[Any, Any] | None:
        """Return a task that ended; None if it is tried again."""
        running = self._running.pop(reference)
        try:
            return running.task, self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, AtsalError):
                raise error.cause from None
            # a fault of the program, in one task of many
            return running.task, Death(f"met an unexpected error, {error_reason(error.cause)}")
        except self._ray.exceptions.RayError as error:
            reason = _reason(error)
        if running.has_stood_still:
            reason = f"made no progress for {self._resources.standstill_s:g} s"
        if running.tries + 1 >= MOST_TRIES:
            return running.task, Death(f"{reason}, at the second try")
        self._waiting.appendleft((running.task, running.tries + 1))
        return None

    def _take_reports(self, report: ReportTask) -> None:
        """Note the progress of tasks."""
        by_number = {running.number: running for running in self._running.values()}
        for number, done in self._reports.get_nowait_batch(self._reports.size()):
            running = by_number.get(number)
            if running is not None:
                running.moved_s = time.monotonic()
                report(running.task, done)

    def _end_standing(self) -> None:
        """End tasks that stand still."""
        for reference, running in self._running.items():
            since_s = None if running.moved_s is None else time.monotonic() - running.moved_s
            if since_s is not None and since_s > self._resources.standstill_s and not running.has_stood_still:
                running.has_stood_still = True
                self._ray.cancel(reference, force=True)


def _make_queue(ray: Any) -> Any:
    """Return a queue on the machine of this process, with which it is lost."""
    from ray.util.queue import Queue  # noqa: PLC0415 - optional
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})


def _run_on_ray(job: RunTask, task: Any, number: int, reports: Any, threads: int, folder: Path) -> Any:
    """Run a task in a process of Ray, in the working folder of the main process, to which paths are relative."""
    os.chdir(folder)
    _prepare_once(threads)
    reports.put_nowait((number, 0))  # it has begun
    return job(task, at_intervals(lambda done: reports.put_nowait((number, done)), _REPORT_EVERY_S))


@lru_cache(maxsize=1)
def _prepare_once(threads: int) -> None:
    init_worker(threads)


def _reason(error: Exception) -> str:
    name = type(error).__name__
    known = {
        "NodeDiedError": "was lost with its machine",
        "OutOfMemoryError": "was ended by Ray, because memory was short",
        "WorkerCrashedError": "ended unexpectedly",
    }
    return known.get(name, f"was lost ({name})")


def _import_ray() -> Any:
    try:
        import ray  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingDependencyError(f"--engine ray needs another package: {install_hint('ray')}") from error
    return ray

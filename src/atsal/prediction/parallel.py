"""Predict many sources in several processes: long videos chunk by chunk, everything else in one piece."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from atsal.errors import AtsalError, SetAsideError
from atsal.jobs.engine import Death, Engine
from atsal.jobs.output_folder import lock_folder
from atsal.prediction.leaving import remove_unfinished
from atsal.prediction.outcome import Outcome
from atsal.prediction.tasks import AnySource, Begin, Cut, Failure, Job, Join, LoadModel, PredictChunk, Task

_WAITING_TASKS = 1  # for each worker, so that none waits for the next source


@dataclass
class _Running:
    """A source that has begun."""

    source: AnySource
    job: Job
    lock: ExitStack  # on its results
    started_s: float = field(default_factory=time.monotonic)
    cut: Cut | None = None
    waiting: int = 0  # chunks that are not back yet
    done: int = 0  # frames of this run
    failures: dict[int, Failure] = field(default_factory=dict)  # by number of the chunk

    def leave(self) -> None:
        """Keep finished chunks and frames, and remove everything half-written."""
        with self.lock:
            remove_unfinished(self.cut.source if self.cut else self.source, self.job.folder, self.job.options)


class ParallelRun:
    """A run on many sources in several processes. The first sources finish first, about."""

    def __init__(
        self,
        engine: Engine,
        begins: Callable[[AnySource], None] = lambda _source: None,
        progress: Callable[[AnySource, int], None] = lambda _source, _frames: None,
    ) -> None:
        """Take the engine, whose job is `RunTask`, and functions to call when a source begins and when frames are done.

        `progress` gets the number of frames that were added.
        """
        self._engine = engine
        self._begins = begins
        self._progress = progress
        self._running: dict[AnySource, _Running] = {}
        self._owners: dict[int, AnySource] = {}  # by `id` of a task
        self._reported: dict[int, int] = {}  # frames of a task
        self._ended: list[tuple[AnySource, Outcome | Failure]] = []

    def check_model(self, job: Job) -> None:
        """Raise what loading the model in a worker raises, before any source begins."""
        self._engine.submit(LoadModel(job))
        for _task, found in self._engine.results():
            if isinstance(found, Exception):
                raise found
            if isinstance(found, Death):
                raise SetAsideError(f"model {job.model.name}: the process that loaded it {found.reason}")

    def outcomes(self, sources: Iterable[tuple[AnySource, Job]]) -> Iterator[tuple[AnySource, Outcome | Failure]]:
        """Yield each source with its outcome, or with the error that ended it, as soon as it has ended.

        A source that ends its worker process repeatedly has a `SetAsideError`. After an exception, Ctrl-C included,
        finished chunks and sources stay, and the same run again does the rest.
        """
        remaining = iter(sources)
        try:
            self._fill(remaining)
            while self._engine.outstanding or self._ended:
                yield from self._flush()
                for task, found in self._engine.results(self._report):
                    self._take(task, found)
                    self._fill(remaining)
                    yield from self._flush()
                self._fill(remaining)
        except BaseException:
            self._engine.stop()
            for running in self._running.values():
                running.leave()
            raise

    def _fill(self, remaining: Iterator[tuple[AnySource, Job]]) -> None:
        """Begin sources until there is enough to do."""
        while self._engine.outstanding < self._engine.workers * (1 + _WAITING_TASKS):
            found = next(remaining, None)
            if found is None:
                return
            self._begin(*found)

    def _begin(self, source: AnySource, job: Job) -> None:
        self._begins(source)
        lock = ExitStack()
        try:
            lock.enter_context(lock_folder(job.folder, source.stem))
        except (AtsalError, OSError) as error:
            self._ended.append((source, error))
            return
        self._running[source] = _Running(source, job, lock)
        self._submit(source, Begin(source, job))

    def _submit(self, source: AnySource, task: Task) -> None:
        self._owners[id(task)] = source
        self._engine.submit(task)

    def _report(self, task: Task, frames: int) -> None:
        """Add the frames of a task that were not reported yet."""
        source, before = self._owners[id(task)], self._reported.get(id(task), 0)
        self._reported[id(task)] = max(frames, before)
        if frames > before:
            self._progress(source, frames - before)

    def _take(self, task: Task, found: Any) -> None:
        """Note how a task ended."""
        running = self._running[self._owners[id(task)]]
        if isinstance(found, Death):
            found = SetAsideError(f"{running.source.path}: {_what(task)} {found.reason}; it is set aside")
        elif isinstance(found, Outcome | int):
            self._report(task, found.frames if isinstance(found, Outcome) else found)
        del self._owners[id(task)]
        self._reported.pop(id(task), None)
        if isinstance(found, Cut):
            self._begin_chunks(running, found)
        elif isinstance(task, PredictChunk):
            self._end_chunk(running, task, found)
        else:
            self._end(running, found)

    def _begin_chunks(self, running: _Running, cut: Cut) -> None:
        running.cut, running.waiting = cut, len(cut.missing)
        self._progress(running.source, cut.finished_frames)
        for task in cut.tasks(running.job):
            self._submit(running.source, task)
        if not running.waiting:  # an earlier run was stopped while it joined the chunks
            self._join(running, cut)

    def _end_chunk(self, running: _Running, task: PredictChunk, found: int | Failure) -> None:
        running.waiting -= 1
        if isinstance(found, int):
            running.done += found
        else:
            running.failures[task.chunk.number] = found
        if not running.waiting and running.cut is not None:
            if running.failures:
                self._end(running, running.failures[min(running.failures)])
            else:
                self._join(running, running.cut)

    def _join(self, running: _Running, cut: Cut) -> None:
        seconds = time.monotonic() - running.started_s
        self._submit(running.source, Join(cut, running.job, running.done, seconds))

    def _end(self, running: _Running, found: Outcome | Failure) -> None:
        del self._running[running.source]
        if isinstance(found, Outcome):
            running.lock.close()
        else:
            running.leave()
        self._ended.append((running.source, found))

    def _flush(self) -> Iterator[tuple[AnySource, Outcome | Failure]]:
        ended, self._ended = self._ended, []
        yield from ended


def _what(task: Task) -> str:
    if isinstance(task, PredictChunk):
        return f"the process that predicted frames {task.chunk.own_frames[0]} to {task.chunk.own_frames[-1]}"
    return "the process that joined its parts" if isinstance(task, Join) else "the process that predicted it"

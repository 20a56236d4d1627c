"""Predict many sources in several processes: long videos chunk by chunk, everything else in one piece."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from atsal.errors import AtsalError
from atsal.jobs.workers import run_each
from atsal.prediction.chunk_folder import predict_chunk
from atsal.prediction.chunked_run import ChunkedRun
from atsal.prediction.chunks import Chunk, may_be_cut
from atsal.prediction.job import Outcome, claim_results, predict_source
from atsal.prediction.model_choice import ModelChoice, load_once
from atsal.prediction.options import Options
from atsal.prediction.outcome import already_done
from atsal.prediction.outputs import remove_unfinished
from atsal.prediction.predictor import Predictor
from atsal.prediction.sources import Source, SourceFiles

Failure = AtsalError | OSError


@dataclass(frozen=True)
class Task:
    """What one process does at a time: a chunk of a video, or all of a source."""

    source: Source
    chunk: Chunk | None = None
    target: Path | None = None  # of the chunk


@dataclass(frozen=True)
class Job:
    """What all tasks share."""

    model: ModelChoice
    folder: Path
    options: Options
    inputs: SourceFiles  # that no result may replace

    def load(self) -> Predictor:
        """Return the model, which this process loads at the first call."""
        return load_once(self.model)

    def __call__(self, task: Task) -> Outcome | int | Failure:
        """Return the outcome of a source, or the number of frames of a chunk, or the error."""
        predictor = self.load()
        try:
            if task.chunk is None or task.target is None:
                return predict_source(predictor, task.source, self.folder, self.options, inputs=self.inputs)
            record = predict_chunk(predictor, task.source, self.options, task.chunk, task.target)
            return len(record.frames)
        except (AtsalError, OSError) as error:
            return error


@dataclass
class _Cut:
    """A video that is predicted in chunks."""

    run: ChunkedRun
    claim: ExitStack  # holds the lock on its results
    waiting: int  # chunks that are not back yet
    failures: dict[int, Failure] = field(default_factory=dict)  # by number of the chunk

    def take(self, chunk: Chunk, found: Outcome | int | Failure) -> None:
        """Note how a chunk ended."""
        self.waiting -= 1
        if isinstance(found, int):
            self.run.note_done(found)
        elif not isinstance(found, Outcome):
            self.failures[chunk.number] = found

    def end(self) -> Outcome | Failure:
        """Join the chunks; return the error of the first one that failed, if any."""
        with self.claim:
            try:
                if self.failures:
                    raise self.failures[min(self.failures)]
                return self.run.finish()
            except (AtsalError, OSError) as error:
                self.run.leave()
                return error


class ParallelRun:
    """A run on many sources in several processes. The first sources finish first, about."""

    def __init__(
        self,
        job: Job,
        begins: Callable[[Source], None] = lambda _source: None,
        progress: Callable[[Source, int], None] = lambda _source, _frames: None,
    ) -> None:
        """Take the job, and functions to call when a source begins and when frames are done.

        `progress` gets the number of frames that were added.
        """
        self._job = job
        self._begins = begins
        self._progress = progress
        self._cut: dict[Source, _Cut] = {}
        self._whole: set[Source] = set()
        self._ended: list[tuple[Source, Outcome | Failure]] = []

    def outcomes(self, sources: Sequence[Source], workers: int) -> Iterator[tuple[Source, Outcome | Failure]]:
        """Yield each source with its outcome, or with the error that ended it, as soon as it has ended.

        Raises `AtsalError` if the system killed a worker. Then, and after Ctrl-C, finished chunks and sources stay, and
        the same run again does the rest.
        """
        tasks = (task for source in sources for task in self._begin(source))
        try:
            for task, found in run_each(self._job, tasks, workers, share_cores=True):
                self._take(task, found)
                yield from self._flush()
            yield from self._flush()
        finally:
            self._leave()

    def _begin(self, source: Source) -> Iterator[Task]:
        """Yield the tasks of a source."""
        self._begins(source)
        try:
            claimed = self._claim(source)
        except (AtsalError, OSError) as error:
            claimed = error
        if claimed is None:
            self._whole.add(source)
            yield Task(source)
        elif isinstance(claimed, _Cut):
            yield from self._begin_cut(source, claimed)
        else:
            self._ended.append((source, claimed))

    def _begin_cut(self, source: Source, cut: _Cut) -> Iterator[Task]:
        self._cut[source] = cut
        self._progress(source, cut.run.finished_frames)
        if not cut.waiting:  # an earlier run was stopped while it joined the chunks
            self._end_cut(source)
        else:
            yield from [Task(source, chunk, cut.run.target(chunk)) for chunk in cut.run.missing]

    def _claim(self, source: Source) -> _Cut | Outcome | Failure | None:
        """Lock the results of a video that is worth cutting; None for a source that is predicted in one piece."""
        job, predictor = self._job, self._job.load()
        if not may_be_cut(source, job.options.reading):
            return None
        with ExitStack() as stack:
            outputs = stack.enter_context(claim_results(predictor, source, job.folder, job.options, job.inputs))
            found = already_done(outputs, overwrite=job.options.overwrite)
            if found is not None or outputs.has_resumable_frames:
                return found
            run = ChunkedRun.plan(predictor, source, job.options, outputs)
            if run is None:
                return None
            run.begin()
            return _Cut(run, stack.pop_all(), len(run.missing))

    def _take(self, task: Task, found: Outcome | int | Failure) -> None:
        """Note how a task ended."""
        source = task.source
        if task.chunk is not None:
            cut = self._cut[source]
            cut.take(task.chunk, found)
            if isinstance(found, int):
                self._progress(source, found)
            if not cut.waiting:
                self._end_cut(source)
        elif not isinstance(found, int):
            self._whole.remove(source)
            self._ended.append((source, found))
            if isinstance(found, Outcome):
                self._progress(source, found.frames)

    def _end_cut(self, source: Source) -> None:
        self._ended.append((source, self._cut[source].end()))
        del self._cut[source]

    def _flush(self) -> Iterator[tuple[Source, Outcome | Failure]]:
        ended, self._ended = self._ended, []
        yield from ended

    def _leave(self) -> None:
        """Leave nothing half-written of the sources that have not ended, because of an error or Ctrl-C."""
        for cut in self._cut.values():
            with cut.claim:
                cut.run.leave()
        for source in self._whole:
            remove_unfinished(source, self._job.folder, self._job.options)

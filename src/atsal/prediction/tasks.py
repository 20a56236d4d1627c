"""The tasks of a run on many sources, for any process: `Begin` one, then predict its chunks, if any, and `Join` them.

Only tasks open sources. Whoever gives out the tasks of a source holds the lock on its results until the last one.
"""

from dataclasses import dataclass
from pathlib import Path

from atsal.errors import AtsalError, LostReaderError, SetAsideError
from atsal.jobs.engine import MOST_TRIES, Report
from atsal.jobs.output_folder import lock_folder
from atsal.prediction.chunk_folder import predict_chunk
from atsal.prediction.chunked_run import ChunkedRun
from atsal.prediction.chunks import Chunk, ChunkPlan, may_be_cut
from atsal.prediction.delivery import deliver
from atsal.prediction.job import open_results, predict_opened
from atsal.prediction.model_choice import ModelChoice, load_once
from atsal.prediction.options import STILL_AT, Options
from atsal.prediction.outcome import Outcome, already_done
from atsal.prediction.outputs import Outputs
from atsal.prediction.predictor import Predictor
from atsal.prediction.run_record import Settings
from atsal.prediction.sources import Source, SourceFiles
from atsal.prediction.unseen_source import UnseenSource

AnySource = Source | UnseenSource
Failure = AtsalError | OSError


@dataclass(frozen=True)
class Job:
    """How to predict a source, and where its results go."""

    model: ModelChoice
    folder: Path
    options: Options
    store: str | None = None  # a URL to which the results go when they are complete

    def load(self) -> Predictor:
        """Return the model, which this process loads at the first call."""
        return load_once(self.model)

    def open_results(self, source: Source, inputs: SourceFiles | None, settings: Settings | None = None) -> Outputs:
        """Return the results of a source, which are locked; `settings` are those of its run, if they are known."""
        return open_results(self.load(), source, self.folder, self.options, inputs, settings)


@dataclass(frozen=True)
class Cut:
    """A video that was cut into chunks."""

    source: Source
    plan: ChunkPlan
    missing: dict[int, Path]  # where the chunks go that are not done, by number
    finished_frames: int
    settings: Settings

    def tasks(self, job: Job) -> "list[PredictChunk]":
        """Return the tasks that do what is missing."""
        chunks = (chunk for chunk in self.plan.chunks if chunk.number in self.missing)
        return [PredictChunk(self.source, job, chunk, self.missing[chunk.number]) for chunk in chunks]


@dataclass(frozen=True, eq=False)
class LoadModel:
    """Load the model, and find out at once whether it can be used."""

    job: Job

    def run(self, _inputs: SourceFiles | None, _report: Report) -> None:
        """Raise what loading raises, and `ConfigError` where options do not fit the model."""
        self.job.load().check_time_matters(self.job.options.still_at_s, STILL_AT)


@dataclass(frozen=True, eq=False)
class Begin:
    """Predict all of a source, or cut it."""

    source: AnySource
    job: Job

    def run(self, inputs: SourceFiles | None, report: Report) -> Outcome | Cut:
        """Return the outcome, or the chunks. Raises what `predict_source` raises."""
        source = self.source.look()
        outputs = self.job.open_results(source, inputs)
        found = already_done(outputs, overwrite=self.job.options.overwrite) or _cut(source, self.job, outputs)
        return found or predict_opened(self.job.load(), source, self.job.options, outputs, report)


@dataclass(frozen=True, eq=False)
class PredictChunk:
    """Predict one chunk of a video."""

    source: Source
    job: Job
    chunk: Chunk
    target: Path

    def run(self, _inputs: SourceFiles | None, report: Report) -> int:
        """Return the number of frames. Raises what `predict_chunk` raises."""
        record = predict_chunk(self.job.load(), self.source, self.job.options, self.chunk, self.target, report)
        return len(record.frames)


@dataclass(frozen=True, eq=False)
class Join:
    """Join the chunks of a video, which are all done."""

    cut: Cut
    job: Job
    done: int  # frames of this run
    seconds: float  # that it took so far

    def run(self, inputs: SourceFiles | None, _report: Report) -> Outcome:
        """Return the outcome. Raises what `ChunkedRun.finish` raises."""
        source, plan = self.cut.source, self.cut.plan
        outputs = self.job.open_results(source, inputs, self.cut.settings)
        run = ChunkedRun(self.job.load(), source, self.job.options, outputs, plan)
        run.note_done(self.done, self.seconds)
        return run.finish()


Task = LoadModel | Begin | PredictChunk | Join


def cut_source(source: Source, job: Job, inputs: SourceFiles) -> Cut | None:
    """Cut a long video, for whoever predicts its chunks at another time; None for what is done or stays in one piece.

    `predict_source` does what is missing then, and joins the chunks. Raises what `predict_source` raises.
    """
    if not may_be_cut(source, job.options.reading):
        return None
    with lock_folder(job.folder, source.stem):
        outputs = job.open_results(source, inputs)
        is_done = already_done(outputs, overwrite=job.options.overwrite) is not None
        return None if is_done else _cut(source, job, outputs)


def _cut(source: Source, job: Job, outputs: Outputs) -> Cut | None:
    """Cut a source whose results are locked and open; None for one that stays in one piece, or has begun so."""
    if outputs.has_resumable_frames:
        return None
    run = ChunkedRun.plan(job.load(), source, job.options, outputs)
    if run is None:
        return None
    run.begin()
    missing = {chunk.number: run.target(chunk) for chunk in run.missing}
    return Cut(source, run.chunk_plan, missing, run.finished_frames, outputs.journal.settings)


@dataclass(frozen=True)
class RunTask:
    """The job of worker processes: run a task, and return an error that a source caused."""

    inputs: SourceFiles | None = None  # that no result may replace; None: the source of the task

    def __call__(self, task: Task, report: Report) -> Outcome | Cut | int | Failure | None:
        """Return what the task returns, or an `AtsalError` or `OSError`.

        If a process that reads for it is killed, it is tried once more.
        """
        for _ in range(MOST_TRIES):
            try:
                return self._run(task, report)
            except LostReaderError as error:
                lost = SetAsideError(f"{error}, at the second try; it is set aside")
            except (AtsalError, OSError) as error:
                return error
        return lost

    def _run(self, task: Task, report: Report) -> Outcome | Cut | int | None:
        found = task.run(self.inputs, report)
        if isinstance(found, Outcome) and task.job.store is not None:
            deliver(found, task.job.store, report)
        return found

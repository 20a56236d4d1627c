"""The tasks of a run on many sources, for any process: `Begin` one, then predict its chunks, if any, and `Join` them.

Only tasks open sources. Whoever gives out the tasks of a source holds the lock on its results until the last one.
"""

from dataclasses import dataclass
from pathlib import Path

from atsal.errors import AtsalError
from atsal.jobs.engine import Report
from atsal.prediction.chunk_folder import predict_chunk
from atsal.prediction.chunked_run import ChunkedRun
from atsal.prediction.chunks import Chunk, ChunkPlan
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
        predictor, options = self.job.load(), self.job.options
        outputs = self.job.open_results(source, inputs)
        found = already_done(outputs, overwrite=options.overwrite)
        if found is not None:
            return found
        if not outputs.has_resumable_frames:
            run = ChunkedRun.plan(predictor, source, options, outputs)
            if run is not None:
                run.begin()
                missing = {chunk.number: run.target(chunk) for chunk in run.missing}
                return Cut(source, run.chunk_plan, missing, run.finished_frames, outputs.journal.settings)
        return predict_opened(predictor, source, options, outputs, report)


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


@dataclass(frozen=True)
class RunTask:
    """The job of worker processes: run a task, and return an error that a source caused."""

    inputs: SourceFiles | None = None  # that no result may replace; None: the source of the task

    def __call__(self, task: Task, report: Report) -> Outcome | Cut | int | Failure | None:
        """Return what the task returns, or an `AtsalError` or `OSError`."""
        try:
            found = task.run(self.inputs, report)
            if isinstance(found, Outcome) and task.job.store is not None:
                deliver(found, task.job.store, report)
        except (AtsalError, OSError) as error:
            return error
        return found

"""Predict one source into files, with a manifest beside them; an interrupted run goes on where it stopped."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from atsal.errors import MediaError, OutputError, TruncatedMediaError
from atsal.jobs.output_folder import lock_folder
from atsal.prediction.chunked_run import ChunkedRun
from atsal.prediction.options import STILL_AT, Options
from atsal.prediction.outcome import Ending, Outcome, already_done, finish
from atsal.prediction.outputs import Outputs
from atsal.prediction.pipeline import Predicted, draw_ahead, frames_at_once, predict_frames, reading_size, write_drawn
from atsal.prediction.predictor import Predictor
from atsal.prediction.results import make_writers
from atsal.prediction.run_record import Settings, describe_run
from atsal.prediction.sources import Source, SourceFiles

__all__ = ["Outcome", "claim_results", "open_results", "predict_opened", "predict_source"]


def predict_source(
    predictor: Predictor,
    source: Source,
    folder: Path,
    options: Options,
    progress: Callable[[int], None] = lambda _done: None,
    *,
    inputs: SourceFiles | None = None,
) -> Outcome:
    """Predict every frame of `source` into `folder`, and write `folder/<stem>.json` when all results are there.

    Skip a source that an earlier run finished with the same source, model and options, if its results are all there.
    Go on after the last snapshot of an earlier run that did not finish, if it wrote one file for each frame and these
    are all there. Finish one that worked in chunks. Otherwise start anew. Nothing changes before the first frame is
    predicted.

    Args:
        predictor: the model.
        source: what to predict.
        folder: where the results go.
        options: what to predict and how to write it.
        progress: called with the number of frames that are done.
        inputs: files that no result may replace; by default those of `source`.

    Raises:
        ConfigError: options that do not fit the model.
        OutputError: results of another source or other settings are there and `options.overwrite` is off, or another
            run writes results of this name there.
        AtsalError: whatever reading, predicting and writing raise.

    """
    with claim_results(predictor, source, folder, options, inputs) as outputs:
        return predict_opened(predictor, source, options, outputs, progress)


def predict_opened(
    predictor: Predictor, source: Source, options: Options, outputs: Outputs, progress: Callable[[int], None]
) -> Outcome:
    """Predict a source whose results are locked and open. See `predict_source`."""
    found = already_done(outputs, overwrite=options.overwrite)
    if found is not None:
        return found
    chunked = ChunkedRun.resume(predictor, source, options, outputs)
    return (chunked or _Job(predictor, source, options, outputs)).run(progress)


@contextmanager
def claim_results(
    predictor: Predictor, source: Source, folder: Path, options: Options, inputs: SourceFiles | None
) -> Iterator[Outputs]:
    """Lock the results of a source during the block. The arguments and errors are those of `predict_source`."""
    with lock_folder(folder, source.stem):
        yield open_results(predictor, source, folder, options, inputs)


def open_results(
    predictor: Predictor,
    source: Source,
    folder: Path,
    options: Options,
    inputs: SourceFiles | None,
    settings: Settings | None = None,
) -> Outputs:
    """Return the results of a source, which are locked. The arguments and errors are those of `predict_source`.

    `settings` are those of `describe_run` if they are known: finding them reads the whole source.
    """
    predictor.check_time_matters(options.still_at_s, STILL_AT)
    settings = describe_run(predictor, source, options) if settings is None else settings
    outputs = Outputs(source, folder, options, settings, inputs or SourceFiles([source]))
    outputs.refuse_conflicts()
    return outputs


class _Job:
    """The prediction of one source."""

    def __init__(self, predictor: Predictor, source: Source, options: Options, outputs: Outputs) -> None:
        self._predictor = predictor
        self._source = source
        self._options = options
        self._outputs = outputs
        self._journal = outputs.journal

    def run(self, progress: Callable[[int], None]) -> Outcome:
        """Predict the frames that are missing."""
        journal, outputs = self._journal, self._outputs
        if outputs.finished is None and outputs.can_resume:
            journal.resume(self._source, outputs.folder)
        started, before = time.monotonic(), len(journal.frames)
        try:
            problem = self._write_frames(progress)
            seconds = time.monotonic() - started
            ending = Ending(journal.frames, len(journal.frames) - before, seconds, problem)
            outcome = finish(self._predictor, outputs, ending)
        except BaseException:  # also Ctrl-C: what is written stays, and the next run goes on from there
            with suppress(OutputError, OSError):  # the disk may be full; then an earlier snapshot remains
                outputs.save_progress()
            raise
        outputs.remove_progress()
        return outcome

    def _write_frames(self, progress: Callable[[int], None]) -> str | None:
        """Write every result. Return what is wrong with a source that breaks after some good frames."""
        journal, folder = self._journal, self._outputs.folder
        group = frames_at_once(self._predictor, self._options)
        with ExitStack() as stack:
            writers = [stack.enter_context(w) for w in make_writers(self._source, folder, self._options)]
            results = stack.enter_context(closing(draw_ahead(writers, self._results())))
            try:
                for number, drawn in enumerate(results):
                    if not number:  # not earlier: a source that cannot be read must change nothing
                        self._outputs.prepare()
                    names = write_drawn(writers, drawn, folder)
                    journal.add(drawn.result, names, drawn.state, group)
                    if self._outputs.can_resume:
                        journal.save_if_due()
                    progress(len(journal.frames))
            except TruncatedMediaError as error:
                if not journal.frames:
                    raise
                return str(error)
        if not journal.frames:
            raise MediaError(f"{self._source.path}: no frame in the part that was asked for; ask for another part")
        return None

    def _results(self) -> Iterator[Predicted]:
        """Predict the frames after the journal's last one."""
        predictor, source, options, journal = self._predictor, self._source, self._options, self._journal
        frames = source.frames(options.reading, reading_size(predictor, source, options))
        last = journal.frames.last_index
        remaining = (frame for frame in frames if frame.index > last)
        return predict_frames(predictor, source, options, remaining, journal.state)

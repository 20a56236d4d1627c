"""Predict one source after the other, or several at once in worker processes, and report how each ended."""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from atsal.cli.console import print_error, print_line
from atsal.cli.log_file import log
from atsal.cli.model_run import print_notes
from atsal.cli.progress import progress_bar, sources_bar
from atsal.cli.summary_file import Summary
from atsal.errors import AtsalError
from atsal.untrusted.text import plural

if TYPE_CHECKING:
    from atsal.jobs.engine import Engine
    from atsal.prediction.options import ReadOptions
    from atsal.prediction.outcome import Outcome
    from atsal.prediction.sources import Source, SourceFiles
    from atsal.prediction.tasks import AnySource, Job


SHARE_CUT = "atsal.share_cut"  # key in `click.Context.meta`: a function that takes the cut of a long video, and its job


def predict_all(sources: "list[Source]", job: "Job", inputs: "SourceFiles", workers: int, summary: Summary) -> None:
    """Predict sources in this process or in several workers, and continue after failures.

    `inputs` are files that no result may replace. Where `SHARE_CUT` is given, a long video is only cut.
    """
    from atsal.jobs.supervised_workers import Limits, SupervisedWorkers  # noqa: PLC0415
    from atsal.prediction.job import predict_source  # noqa: PLC0415
    from atsal.prediction.options import STILL_AT  # noqa: PLC0415
    from atsal.prediction.tasks import RunTask, cut_source  # noqa: PLC0415

    share = click.get_current_context().meta.get(SHARE_CUT)
    cut = None if share is None else cut_source(sources[0], job, inputs)  # such a run has one source
    if share is not None and cut is not None:
        share(cut, job)
        return
    if workers > 1:
        with SupervisedWorkers(RunTask(inputs), workers, Limits()) as engine:
            _predict_in_workers(sources, job, engine, summary)
        return
    predictor = job.model.load()
    predictor.check_time_matters(job.options.still_at_s, STILL_AT)
    work = partial(predict_source, predictor, folder=job.folder, options=job.options, inputs=inputs)
    _predict_each(sources, job.options.reading, work, summary)


def _predict_each(
    sources: "list[Source]", reading: "ReadOptions", work: "Callable[..., Outcome]", summary: Summary
) -> None:
    """Run `work` on every source, and continue after failures."""
    for source in sources:
        log(logging.INFO, f"{source.path}: begins")
        started_s = time.monotonic()
        try:
            with progress_bar(source, reading) as progress:
                outcome = work(source, progress=progress)
            print_notes(source, reading)
        except (AtsalError, OSError) as error:
            _report_failure(source, error, time.monotonic() - started_s, summary)
        except BaseException:
            summary.set_stopped(source.path)
            raise
        else:
            _report_outcome(source, outcome, summary)
        summary.write()


def _predict_in_workers(sources: "Sequence[Source]", job: "Job", engine: "Engine", summary: Summary) -> None:
    """Predict sources in worker processes, and continue after failures."""
    from atsal.prediction.parallel import ParallelRun  # noqa: PLC0415

    reading = job.options.reading
    started_s: dict[AnySource, float] = {}

    def begin(source: "AnySource") -> None:
        log(logging.INFO, f"{source.path}: begins")
        started_s[source] = time.monotonic()

    with sources_bar(sources, reading) as bar:
        run = ParallelRun(engine, begin, bar.add if bar is not None else lambda _source, _frames: None)
        try:
            run.check_model(job)
            for source, found in run.outcomes((source, job) for source in sources):
                seconds = time.monotonic() - started_s.pop(source)
                if bar is not None:
                    bar.end(source)
                if isinstance(found, Exception):
                    _report_failure(source, found, seconds, summary)
                else:
                    print_notes(source.look(), reading)
                    _report_outcome(source, found, summary)
                summary.write()
        except BaseException:
            for source in started_s:
                summary.set_stopped(source.path)
            raise


def _report_failure(source: "AnySource", error: Exception, seconds: float, summary: Summary) -> None:
    print_error(error)
    log(logging.INFO, f"{source.path}: failed after {seconds:.1f} s")
    summary.set_failed(source.path, error, seconds)


def _report_outcome(source: "AnySource", outcome: "Outcome", summary: Summary) -> None:
    summary.set_outcome(source.path, outcome)
    print_line(f"{source.path}: {_summary(outcome)} ({outcome.manifest})")
    if outcome.problem:
        print_error(f"{outcome.problem} The frames before the break are written.")


def _summary(outcome: "Outcome") -> str:
    frames = plural(outcome.frames, "frame")
    if outcome.skipped:
        return f"already done, {frames}"
    rate = f", {outcome.rate:.1f} frames/s" if outcome.rate and outcome.frames > 1 else ""
    resumed = f", {outcome.done} of them" if outcome.done < outcome.frames else ""
    return f"{frames}{resumed} in {outcome.seconds:.1f} s{rate}"

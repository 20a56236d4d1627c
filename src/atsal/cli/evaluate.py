"""`atsal evaluate` and `atsal benchmark`: scores of maps."""

import functools
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import make_console, output_options, print_line, status_line
from atsal.cli.engine import engine_options, make_engine
from atsal.cli.exit_code import exit_if_failed
from atsal.cli.parameters import PATH, isolate_option, overwrite_option, workers_option
from atsal.jobs.workers import usable_cores
from atsal.remote.urls import without_secrets

if TYPE_CHECKING:
    from atsal.evaluation.benchmark_config import BenchmarkConfig
    from atsal.jobs.engine import Engine, RunTask


@click.command(epilog="Example: atsal evaluate maps prepared/vr --protocol vr-eyetracking -o scores.")
@click.argument("maps", type=PATH)
@click.argument("prepared", type=PATH)
@click.option("--protocol", help="Name of a protocol, or a YAML file.  [default: the one for the data set]")
@click.option("--split", help="Score only a part of a split (test, own.test), or the items in a text file, one a line.")
@click.option(
    "--pattern", help="Names of the maps, as {item}_saliency.png or {item}/{frame}.png.  [default: the items']"
)
@click.option("--name", help="Name of the maps in tables.  [default: the folder's]")
@click.option("-o", "--output", type=PATH, help="Folder for scores and reports (HTML, Markdown, LaTeX, CSV, JSON).")
@click.option("--partial", is_flag=True, help="Score the items that have maps, and list the others.")
@isolate_option
@overwrite_option
@workers_option
@output_options
def evaluate(
    maps: Path,
    prepared: Path,
    protocol: str | None,
    split: str | None,
    pattern: str | None,
    name: str | None,
    output: Path | None,
    partial: bool,
    overwrite: bool,
    workers: int | None,
) -> None:
    """Score the folder MAPS against PREPARED, a data set that `atsal prepare` wrote.

    MAPS holds a file or a folder named after each item: .npy, grey .png, .bin or video, with one map per frame, per
    window or per item. The equator prior, which is always scored too, is what a model has to beat.
    """
    from atsal.datasets.prepared import PreparedSet  # noqa: PLC0415
    from atsal.evaluation.benchmark_config import DatasetEntry, PredictorEntry, single_folder_config  # noqa: PLC0415
    from atsal.evaluation.protocol import protocol_for, read_protocol  # noqa: PLC0415
    from atsal.jobs.supervised_workers import local_engine  # noqa: PLC0415

    chosen = protocol or protocol_for(PreparedSet(prepared))
    dataset = DatasetEntry(str(prepared.resolve()), chosen, split=split)
    label = name or maps.resolve().name
    entry = PredictorEntry(maps=str(maps.resolve()), name=label, pattern=pattern, partial=partial)
    config = single_folder_config(dataset, entry, planar=read_protocol(chosen).is_planar)
    engine = functools.partial(local_engine, workers=workers or usable_cores())
    if output is not None:
        _run(config, Path(), output, engine, overwrite=overwrite)
        return
    with TemporaryDirectory() as folder:
        _run(config, Path(), Path(folder) / "scores", engine, overwrite=False, with_report=False)


@click.command(epilog="Example: atsal benchmark configs/benchmark.yaml -o scores.")
@click.argument("config", type=PATH)
@click.option("-o", "--output", required=True, type=PATH, help="Folder for maps, scores and reports.")
@isolate_option
@overwrite_option
@workers_option
@engine_options
@output_options
def benchmark(config: Path, output: Path, overwrite: bool, workers: int | None, **values: Any) -> None:
    """Score predictors on data sets, as the YAML file CONFIG says.

    The maps of each predictor are written once, then scored. The same command again resumes an interrupted run, and
    scores what was added to CONFIG. OUTPUT gets report.html, report.md, tables.tex, summary.csv,
    scores.csv and result.json.
    """
    from atsal.evaluation.benchmark_config import read_benchmark  # noqa: PLC0415
    from atsal.jobs.supervised_workers import NO_LIMITS  # noqa: PLC0415

    engine = functools.partial(make_engine, values=values, workers=workers or usable_cores(), limits=NO_LIMITS)
    _run(read_benchmark(config), config.parent, output, engine, overwrite=overwrite)


def _run(
    config: "BenchmarkConfig",
    base: Path,
    output: Path,
    engine: "Callable[[RunTask], Engine]",
    *,
    overwrite: bool,
    with_report: bool = True,
) -> None:
    """Run a benchmark, print its tables and write its report; exit with status 1 if anything could not be scored."""
    from atsal.evaluation.benchmark import Benchmark  # noqa: PLC0415
    from atsal.evaluation.report import print_tables, require_report_packages, write_report  # noqa: PLC0415
    from atsal.jobs.memory import keep_freed_memory  # noqa: PLC0415

    if with_report:
        require_report_packages()  # before long work
    keep_freed_memory()
    benchmark = Benchmark(config, base, output)
    with status_line("reading") as report:
        result = benchmark.run(overwrite=overwrite, make_engine=engine, report=report)
    result.settings["command"] = shlex.join(["atsal", *map(without_secrets, sys.argv[1:])])
    sampling = {"resamples": config.resamples, "seed": config.seed}
    print_tables(result, make_console(), **sampling)
    if with_report:
        print_line(*write_report(result, output, benchmark.draw, **sampling))
    exit_if_failed(
        done=sum(run.predictor != result.reference for dataset in result.datasets for run in dataset.runs),
        failed=sum(len(dataset.failed) + len(dataset.damaged) for dataset in result.datasets),
    )

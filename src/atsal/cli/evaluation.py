"""`atsal evaluate` and `atsal benchmark`: scores of maps. Heavy imports wait inside the commands."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from atsal.cli.parameters import PATH, WORKER_COUNT, cores
from atsal.cli.saying import plain, say

if TYPE_CHECKING:
    from atsal.evaluation.benchmark_config import BenchmarkConfig

WORKERS = click.option("--workers", type=WORKER_COUNT, help="Items at a time.  [default: one a core]")
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace maps and scores of other settings.")


@click.command()
@click.argument("maps", type=PATH)
@click.argument("prepared", type=PATH)
@click.option("--protocol", help="A ready protocol, or a YAML file.  [default: the one for the data set]")
@click.option("--name", help="Of the maps, in tables.  [default: the folder's]")
@click.option("-o", "--output", type=PATH, help="Folder for scores and reports (HTML, Markdown, CSV, JSON).")
@click.option("--partial", is_flag=True, help="Score the items that there are maps of, and name the others.")
@OVERWRITE
@WORKERS
def evaluate(
    maps: Path,
    prepared: Path,
    protocol: str | None,
    name: str | None,
    output: Path | None,
    partial: bool,
    overwrite: bool,
    workers: int | None,
) -> None:
    """Score the folder MAPS against the data set that `atsal prepare` wrote to PREPARED.

    MAPS holds a file or a folder of each item's name: .npy, grey .png, .bin or video, one map a frame, a window or an
    item. The equator prior, which is always scored too, is what a model has to beat.
    """
    from atsal.datasets.prepared import PreparedSet  # noqa: PLC0415
    from atsal.evaluation.benchmark_config import single_folder_config  # noqa: PLC0415
    from atsal.evaluation.protocol import protocol_for, read_protocol  # noqa: PLC0415

    chosen = protocol or protocol_for(PreparedSet(prepared))
    config = single_folder_config(
        maps, prepared, chosen, name=name, partial=partial, planar=read_protocol(chosen).is_planar
    )
    if output is not None:
        _run(config, Path(), output, overwrite=overwrite, workers=workers)
        return
    with TemporaryDirectory() as folder:
        _run(config, Path(), Path(folder) / "scores", overwrite=False, workers=workers, keep=False)


@click.command()
@click.argument("config", type=PATH)
@click.option("-o", "--output", required=True, type=PATH, help="Folder for maps, scores and reports.")
@OVERWRITE
@WORKERS
def benchmark(config: Path, output: Path, overwrite: bool, workers: int | None) -> None:
    """Score many predictors on many data sets, as the YAML file CONFIG says.

    Each predictor's maps are written once and then scored; the same command again goes on where it stopped, and scores
    what was added. OUTPUT gets report.html, report.md, summary.csv, scores.csv and result.json.
    """
    from atsal.evaluation.benchmark_config import read_benchmark  # noqa: PLC0415

    _run(read_benchmark(config), config.parent, output, overwrite=overwrite, workers=workers)


def _run(
    config: "BenchmarkConfig", base: Path, output: Path, *, overwrite: bool, workers: int | None, keep: bool = True
) -> None:
    """Run, print the tables, write the report; exit status 1 where a predictor failed, or one of the items."""
    from rich.console import Console  # noqa: PLC0415

    from atsal.evaluation.benchmark import Benchmark  # noqa: PLC0415
    from atsal.evaluation.report import print_tables, require_report_packages, write_report  # noqa: PLC0415
    from atsal.jobs.memory import keep_freed_memory  # noqa: PLC0415

    if keep:
        require_report_packages()  # before long work
    keep_freed_memory()
    benchmark = Benchmark(config, base, output)
    with _progress() as report:
        result = benchmark.run(overwrite=overwrite, workers=workers or cores(), report=report)
    result.settings["command"] = shlex.join(["atsal", *sys.argv[1:]])
    drawn = {"resamples": config.resamples, "seed": config.seed}
    print_tables(result, Console(), **drawn)
    if keep:
        written = write_report(result, output, benchmark.draw, **drawn)
        say(*written)
    if any(dataset.failed or dataset.damaged for dataset in result.datasets):
        sys.exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Say on a terminal what goes on; what failed is said anywhere, by the tables."""
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda _line: None
        return
    with console.status("reading") as status:
        yield lambda line: status.update(plain(line))

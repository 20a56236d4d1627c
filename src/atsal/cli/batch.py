"""`atsal batch`: predict many sources into one folder, over many runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.batch_items import items_of_catalogue, items_of_paths
from atsal.cli.batch_status import BatchReport, print_status
from atsal.cli.console import output_options, print_line, print_warning
from atsal.cli.engine import engine_options, make_engine
from atsal.cli.exit_code import exit_if_failed
from atsal.cli.model_run import map_options, model_options, overlay_options, reading_options
from atsal.cli.parameters import (
    DESTINATION,
    GIGABYTES,
    MAX_WORKERS,
    PATH,
    POSITIVE,
    SOURCE,
    overwrite_option,
    still_at_option,
)
from atsal.errors import ConfigError

if TYPE_CHECKING:
    from atsal.batch.destination import Destination
    from atsal.batch.item import Item
    from atsal.batch.ledger import Ledger, Row
    from atsal.batch.run import BatchRun
    from atsal.jobs.engine import Engine


@click.command(
    epilog='Examples: atsal batch VIDEOS "more/*.mp4" -o maps --format npy --workers 4; atsal batch --status -o maps.'
)
@click.argument("sources", nargs=-1, type=SOURCE)
@click.option("-o", "--output", required=True, type=DESTINATION, help="Folder or s3:// URL for results and ledger.")
@click.option("--catalogue", type=PATH, metavar="FILE", help="Take the sources from a CSV, Parquet or JSON lines file.")
@click.option(
    "--workers",
    type=click.IntRange(min=1, max=MAX_WORKERS),
    help="Processes that share the work.  [default: one per two cores]",
)
@engine_options
@click.option("--retry-failed", is_flag=True, help="Also try again what failed or was set aside.")
@click.option("--status", is_flag=True, help="Only print the state of the batch in the folder.")
@click.option("--watch", type=PATH, metavar="FOLDER", help="Also predict what arrives in this folder, until Ctrl-C.")
@click.option(
    "--standstill", "standstill_s", type=POSITIVE, default=600.0, help="Seconds without a frame that end a worker."
)
@click.option(
    "--memory",
    "memory_bytes",
    type=GIGABYTES,
    help="Gigabytes of memory that end a worker; on Ray, a process that reads.  [default: the machine's, divided by "
    "the workers; on Ray 6]",
)
@map_options
@click.option("--as-frames", is_flag=True, help="Treat folders of images as clips, not as stills.")
@still_at_option
@overwrite_option
@click.option(
    "--isolate/--no-isolate",
    default=True,
    help="Read files in processes with limits on time and memory.",
)
@reading_options
@overlay_options
@model_options
@output_options
def batch(
    sources: tuple[Path, ...],
    output: Path,
    catalogue: Path | None,
    watch: Path | None,
    status: bool,
    **values: Any,
) -> None:
    """Predict many sources, and go on where the last run stopped.

    SOURCES are files, folders, patterns in quotes, and URLs. A source that fails or ends its worker process does not
    stop the others. The folder has one result a source, as `atsal predict` writes it, a ledger and a summary.
    """
    from atsal.batch.destination import open_destination  # noqa: PLC0415
    from atsal.prediction.sources import find_remarks  # noqa: PLC0415

    if status:
        print_status(output)
        return
    destination = open_destination(output)
    if values["engine"] == "ray" and destination.store is not None:
        raise ConfigError(f"{destination}: --engine ray writes to a folder that all machines share; give one")
    if bool(sources) and catalogue is not None:
        raise ConfigError("SOURCES and --catalogue exclude each other; give one of them")
    if not sources and catalogue is None and watch is None:
        raise ConfigError("expected SOURCES, --catalogue FILE or --watch FOLDER: give at least one of them")
    retry_failed = values.pop("retry_failed")
    if catalogue is not None:
        items = items_of_catalogue(catalogue, batch, values, destination)
    else:
        items = items_of_paths(sources, values, destination)
        print_warning(*find_remarks(sources, as_frames=values["as_frames"]))
    _refuse_folder_of_sources(items, watch, destination.folder)
    with _isolation(values), _open_batch(destination, _make_engine(values), len(items)) as (run, report):
        rows = run.predict(items, retry_failed=retry_failed)
        if watch is not None:
            _watch(watch, run, report, values, destination)
    exit_if_failed(done=sum(row.state == "done" for row in rows), failed=sum(row.state != "done" for row in rows))


def _isolation(values: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Read files in child processes, each with the limit of a worker's memory, unless that is switched off."""
    from atsal.video.isolation import isolated_reading  # noqa: PLC0415

    return isolated_reading(values["memory_bytes"]) if values["isolate"] else nullcontext()


def _make_engine(values: dict[str, Any]) -> "Engine":
    from atsal.jobs.supervised_workers import Limits  # noqa: PLC0415
    from atsal.jobs.workers import usable_cores  # noqa: PLC0415
    from atsal.prediction.tasks import RunTask  # noqa: PLC0415

    limits = Limits(values["standstill_s"], values["memory_bytes"])
    return make_engine(RunTask(), values, values["workers"] or max(1, usable_cores() // 2), limits)


@contextmanager
def _open_batch(destination: "Destination", engine: "Engine", count: int) -> "Iterator[tuple[BatchRun, BatchReport]]":
    """Lock the destination, open the ledger, and write the summary at the end, also after Ctrl-C."""
    from atsal.batch.ledger import LEDGER, Ledger  # noqa: PLC0415
    from atsal.batch.run import BatchRun  # noqa: PLC0415

    with destination.lock():
        destination.begin()
        with Ledger.open(destination.folder / LEDGER, destination.recover_rows()) as ledger:
            try:
                with engine, BatchReport(count, engine.workers) as report:
                    yield BatchRun(destination, ledger, engine, report.listener), report
            finally:
                _write_summary(destination, ledger)


def _write_summary(destination: "Destination", ledger: "Ledger") -> None:
    from atsal.batch.ledger import count_states  # noqa: PLC0415
    from atsal.batch.summary import PAGE, write_summary  # noqa: PLC0415

    rows: list[Row] = ledger.rows
    write_summary(destination.folder, rows)
    destination.end()
    print_line(
        ", ".join(f"{count} {state}" for state, count in count_states(rows).items()) + f" ({destination}/{PAGE})"
    )


def _watch(
    watched: Path, run: "BatchRun", report: BatchReport, values: dict[str, Any], destination: "Destination"
) -> None:
    """Predict what arrives, in groups."""
    from atsal.batch.arrivals import steady_files  # noqa: PLC0415

    for files in steady_files(watched):
        items = items_of_paths(files, values, destination)
        report.expect(len(items))
        run.predict(items, retry_failed=False)


def _refuse_folder_of_sources(items: "Sequence[Item]", watched: Path | None, folder: Path) -> None:
    """Refuse to write results among the sources, where the next run would read them as sources."""
    parents = {item.source.path.parent for item in items if hasattr(item.source.path, "parent")}
    for parent in {*parents, *([] if watched is None else [watched])}:
        if folder.is_dir() and parent.is_dir() and parent.samefile(folder):
            raise ConfigError(f"{folder}: holds sources; give another folder for the results")

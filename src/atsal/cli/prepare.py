"""`atsal prepare`: ground truth from gaze logs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import output_options, print_error, print_line, print_warning, status_line
from atsal.cli.datasets import DATASETS
from atsal.cli.exit_code import exit_if_failed
from atsal.cli.parameters import (
    DIRECTION,
    PATH,
    POSITIVE,
    NameOf,
    complete_names,
    isolate_option,
    parse_erp_height,
    workers_option,
)
from atsal.jobs.workers import usable_cores
from atsal.untrusted.text import plural

if TYPE_CHECKING:
    from atsal.datasets.dataset import Dataset
    from atsal.datasets.prepared.prepare import PrepareResult

_MAX_WARNINGS = 12  # on the terminal; the manifest has all


def _choice(field: str) -> NameOf:
    """Return the choice of the values of a setting of `Preparation`."""
    return NameOf("atsal.datasets.prepared.preparation", f"Preparation.{field}")


@click.command(epilog="Example: atsal prepare vr-eyetracking raw/vr prepared/vr.")
@click.argument("name", shell_complete=complete_names(*DATASETS))
@click.argument("source", type=PATH)
@click.argument("output", type=PATH)
@click.option(
    "--columns",
    multiple=True,
    metavar="FIELD=COLUMN,…",
    help="What the columns of your own tables hold, as observer=who,timestamp_ms=t,yaw_deg=yaw,pitch_deg=pitch; `atsal "
    "datasets info folder` lists the fields.  [default: the file columns.yaml in SOURCE, if it exists]",
)
@click.option("--direction", type=DIRECTION, help="Use gaze (head_eye), or the head alone.  [default: the data set's]")
@click.option(
    "--events",
    type=_choice("events"),
    help="Make maps of published fixations, of all samples, or of fixations detected by velocity (ivt) or dispersion "
    "(idt).  [default: the data set's]",
)
@click.option("--sigma", "sigma_deg", type=POSITIVE, help="Sigma of the maps in degrees.  [default: the data set's]")
@click.option("--size", "erp_height", callback=parse_erp_height, help="Size of maps and frames.  [default: 2048x1024]")
@click.option("--maps", type=_choice("maps"), help="Write maps, as float32 (npy) or 8-bit (png).  [default: none]")
@click.option("--window", type=_choice("window"), help="Gaze of a video that one map pools.  [default: frame]")
@click.option(
    "--frames",
    type=_choice("frames"),
    help="Refer to the videos, or extract their frames.  [default: reference]",
)
@click.option(
    "--augment",
    type=_choice("augment"),
    help="Also write the 19 published variants of each image.  [default: none]",
)
@click.option("--item", "only", multiple=True, help="Prepare only this item; may be given several times.")
@click.option(
    "--split",
    multiple=True,
    metavar="PART=WHAT",
    help="Divide the items: train=0.8 (a share, drawn at random), train=a,b (names), train=names.txt (a file of names) "
    "and test=rest; or a YAML file with a list for each part. May be given several times, and for a set made before.",
)
@click.option("--split-seed", type=click.IntRange(min=0), default=0, help="Seed of shares drawn at random.")
@isolate_option
@workers_option
@output_options
def prepare(
    name: str,
    source: Path,
    output: Path,
    columns: tuple[str, ...],
    only: tuple[str, ...],
    split: tuple[str, ...],
    split_seed: int,
    workers: int | None,
    **chosen: Any,
) -> None:
    """Prepare the data set NAME from its raw files in SOURCE: write fixations, maps and a manifest to OUTPUT.

    `atsal datasets list` lists the data sets, `atsal datasets info NAME` the files that are expected. The same command
    again resumes an interrupted run.
    """
    from atsal.datasets import dataset_named  # noqa: PLC0415
    from atsal.datasets.prepared.preparation import preparation_for  # noqa: PLC0415
    from atsal.datasets.prepared.prepare import prepare as prepare_set  # noqa: PLC0415

    dataset = dataset_named(name)
    preparation = preparation_for(dataset, columns=_columns(dataset, source, columns), **chosen)
    workers = workers or usable_cores()
    with _report_items() as report:
        done = prepare_set(
            dataset,
            source,
            output,
            preparation,
            only=only,
            split=split,
            split_seed=split_seed,
            workers=workers,
            report=report,
        )
    _print_summary(done, name, may_declare=dataset.with_columns is not None and preparation.columns is None)
    exit_if_failed(done=done.made + done.reused, failed=len(done.refused))


def _columns(dataset: "Dataset", source: Path, texts: tuple[str, ...]) -> dict[str, str] | None:
    """Return the declared columns: those of the option, or those of the file beside the tables."""
    from atsal.gaze.readers.table_columns import COLUMNS_FILE, parse_columns, read_columns_file  # noqa: PLC0415

    if texts:
        return parse_columns(texts)
    file = source / COLUMNS_FILE
    return read_columns_file(file) if dataset.with_columns is not None and file.is_file() else None


@contextmanager
def _report_items() -> "Iterator[Callable[[str, str | None], None]]":
    """Count items on a terminal; print which items failed, and why."""
    with status_line("preparing") as show_status:
        done = 0

        def report(item: str, why: str | None) -> None:
            nonlocal done
            done += 1
            show_status(f"{plural(done, 'item')}, last {item}")
            if why:
                print_error(f"{item} refused: {why}")

        yield report


def _print_summary(done: "PrepareResult", name: str, *, may_declare: bool) -> None:
    manifest = done.folder / "manifest.json"
    print_warning(*(f"missing: {text}" for text in done.missing))
    for reason, count in sorted(done.dropped.items(), key=lambda drop: -drop[1])[:5]:
        print_warning(f"left out: {count} x {reason}")
    if done.lost_share > 0:
        print_warning(f"lost: {done.lost_share:.1%} of the samples have no position")
    if done.items_with_notes:
        print_warning(f"notes on {plural(done.items_with_notes, 'item')}: see {manifest}")
    print_warning(*(f"warning: {text}" for text in done.warnings[:_MAX_WARNINGS]))
    if len(done.warnings) > _MAX_WARNINGS:
        print_warning(f"{len(done.warnings) - _MAX_WARNINGS} more warnings: see {manifest}")
    if done.refused:
        print_error("repair or remove what is named above, and run the same command again")
        if may_declare:
            print_error(
                "if the tables have columns, units or separators of their own, declare them: --columns FIELD=COLUMN,… "
                f"(`atsal datasets info {name}` lists the fields)"
            )
    earlier = f", {done.reused} made before" if done.reused else ""
    refused = f", {len(done.refused)} refused" if done.refused else ""
    print_line(f"{done.folder}: {plural(done.made, 'item')} made{earlier}{refused}")
    if done.split is not None:
        print_line(done.split)

"""`atsal datasets` and `inspect`: show the data sets that can be prepared, and those that were."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from atsal.cli.console import output_options, print_error, print_line, print_table
from atsal.cli.exit_code import exit_if_failed
from atsal.cli.parameters import (
    PATH,
    complete_names,
    isolate_option,
)
from atsal.errors import ConfigError, InputError
from atsal.jobs.atomic_write import create_folder
from atsal.untrusted.text import plural

if TYPE_CHECKING:
    from atsal.datasets.dataset import Dataset

DATASETS = ("atsal.datasets", "dataset_names")


@click.group()
def datasets() -> None:
    """Show the data sets that can be prepared."""


@datasets.command("list")
def datasets_list() -> None:
    """List the data sets by name."""
    from atsal.datasets import dataset_named, dataset_names  # noqa: PLC0415

    rows = []
    for name in dataset_names():
        found = dataset_named(name)
        stimuli = f"{found.items or 'any'} {found.stimuli}" if found.stimuli != "mixed" else "any"
        rows.append((name, found.title, stimuli, _sigma(found)))
    fixed = {"no_wrap": True}
    print_table({"name": fixed, "what it is": {}, "stimuli": fixed, "gaze and σ": fixed}, rows)


@datasets.command("info")
@click.argument("name", shell_complete=complete_names(*DATASETS))
def datasets_info(name: str) -> None:
    """Describe the data set NAME: files, format, splits, licence, and where to get it."""
    from atsal.datasets import dataset_named  # noqa: PLC0415

    found = dataset_named(name)
    facts = {
        "items": f"{found.items} {found.stimuli_in_words}" if found.items else found.stimuli_in_words,
        "observers": found.observers,
        "gaze": ", ".join(found.directions),
        "sampling": found.sampling,
        "maps from": found.events,
        "σ": _sigma(found),
        "licence": found.licence,
        "get it at": found.url,
        "cite": found.citation,
    }
    if found.start_lonlat_deg is not None:
        facts["start"] = "longitude {:g}°, latitude {:g}°".format(*found.start_lonlat_deg)
    if found.skip_s:
        facts["left out"] = f"the first {found.skip_s:g} s"
    for split, parts in found.splits.items():
        facts[f"split {split}"] = ", ".join(f"{part} {len(items)}" for part, items in parts.items())
    if found.read_splits is not None:
        facts["more splits"] = "read from a file of the release, if it exists"
    print_line(f"{found.name}: {found.title}", "")
    print_line(*(f"  {label:<10} {text}" for label, text in facts.items()))
    print_line(
        "",
        "files below the source folder:",
        "",
        *(f"  {line}" for line in found.expected_files.strip("\n").splitlines()),
    )
    if found.with_columns is not None:
        _print_fields()
    if found.notes:
        print_line("", "notes:", *(f"  - {note}" for note in found.notes))
    print_line("", "prepare it:", "", f"  atsal prepare {found.name} SOURCE OUTPUT")


def _print_fields() -> None:
    """Print what the columns of tables of one's own can hold."""
    from atsal.gaze.readers.table_columns import COLUMNS_FILE  # noqa: PLC0415
    from atsal.gaze.readers.table_fields import MEANINGS  # noqa: PLC0415

    print_line("", f"fields of --columns and {COLUMNS_FILE}, for tables with columns of your own:", "")
    print_table({"field": {"max_width": 32}, "what the column holds": {}}, list(MEANINGS.items()))


def _sigma(found: "Dataset") -> str:
    if found.stimuli == "photos":
        return f"{found.directions[0]} {found.sigma_width:.3g} of the width"
    return ", ".join(f"{direction} {value:g}°" for direction, value in found.sigma_deg.items())


@click.command()
@click.argument("prepared", type=PATH)
@click.argument("items", nargs=-1)
@click.option("-o", "--output", type=PATH, required=True, help="Folder for the pictures.")
@click.option("--all", "everything", is_flag=True, help="Draw every item.")
@click.option("--frame", "frame_index", type=click.IntRange(min=0), help="Draw one frame of a video.  [default: all]")
@click.option("--scanpaths", is_flag=True, help="Join the fixations of each observer by lines.")
@click.option("--source", type=PATH, help="Folder of the raw files, if they were moved.")
@isolate_option
@output_options
def inspect(
    prepared: Path,
    items: tuple[str, ...],
    output: Path,
    everything: bool,
    frame_index: int | None,
    scanpaths: bool,
    source: Path | None,
) -> None:
    """Draw a prepared set: an overview sheet, and each of the ITEMS with its fixations and saliency.

    Pictures that an earlier run drew are replaced; other files never are.
    """
    from atsal.datasets.prepared import PreparedSet  # noqa: PLC0415
    from atsal.datasets.prepared.figures import draw_prepared_item  # noqa: PLC0415
    from atsal.datasets.prepared.sheet import draw_set  # noqa: PLC0415
    from atsal.video.image_writer import is_own_picture, write_rgb_png  # noqa: PLC0415

    opened = PreparedSet(prepared, source)
    chosen = opened.items if everything else items
    for item in chosen:
        opened.record(item)  # check all names before drawing
    for target in (output / f"{name}.png" for name in ("sheet", *chosen)):
        if target.exists() and not is_own_picture(target):
            raise ConfigError(f"{target}: already exists, and atsal did not draw it; give another output folder")
    failed = 0
    with create_folder(output):
        write_rgb_png(output / "sheet.png", draw_set(opened))
        print_line(output / "sheet.png")
        for item in chosen:
            try:
                picture = draw_prepared_item(opened, item, frame_index=frame_index, scanpaths=scanpaths)
            except InputError as error:
                print_error(f"{item}: {error}")
                failed += 1
                continue
            write_rgb_png(output / f"{item}.png", picture)
            print_line(output / f"{item}.png")
    if failed:
        print_error(f"{failed} of {plural(len(chosen), 'item')} failed")
    exit_if_failed(done=len(chosen) - failed, failed=failed)

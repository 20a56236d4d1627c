"""`atsal datasets`, `prepare` and `inspect`: ground truth from gaze logs."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import print_error, print_line, print_table, quiet_option, status_line
from atsal.cli.group import FAILED
from atsal.cli.parameters import (
    DIRECTION,
    PATH,
    POSITIVE,
    NameOf,
    complete_names,
    parse_erp_height,
    workers_option,
)
from atsal.errors import ConfigError, InputError
from atsal.jobs.atomic_write import create_folder
from atsal.jobs.workers import usable_cores
from atsal.untrusted.text import plural

if TYPE_CHECKING:
    from atsal.datasets.dataset import Dataset
    from atsal.datasets.prepared.prepare import PrepareResult

_MAX_WARNINGS = 12  # on the terminal; the manifest has all
_DATASETS = ("atsal.datasets", "dataset_names")


def _choice(field: str) -> NameOf:
    """Return the choice of the values of a setting of `Preparation`."""
    return NameOf("atsal.datasets.prepared.preparation", f"Preparation.{field}")


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
@click.argument("name", shell_complete=complete_names(*_DATASETS))
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
    if found.notes:
        print_line("", "notes:", *(f"  - {note}" for note in found.notes))
    print_line("", "prepare it:", "", f"  atsal prepare {found.name} SOURCE OUTPUT")


def _sigma(found: "Dataset") -> str:
    if found.stimuli == "photos":
        return f"{found.directions[0]} {found.sigma_width:.3g} of the width"
    return ", ".join(f"{direction} {value:g}°" for direction, value in found.sigma_deg.items())


@click.command(epilog="Example: atsal prepare vr-eyetracking raw/vr prepared/vr.")
@click.argument("name", shell_complete=complete_names(*_DATASETS))
@click.argument("source", type=PATH)
@click.argument("output", type=PATH)
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
@workers_option
@quiet_option
def prepare(name: str, source: Path, output: Path, only: tuple[str, ...], workers: int | None, **chosen: Any) -> None:
    """Prepare the data set NAME from its raw files in SOURCE: write fixations, maps and a manifest to OUTPUT.

    `atsal datasets list` lists the data sets, `atsal datasets info NAME` the files that are expected. The same command
    again resumes an interrupted run.
    """
    from atsal.datasets import dataset_named  # noqa: PLC0415
    from atsal.datasets.prepared.preparation import preparation_for  # noqa: PLC0415
    from atsal.datasets.prepared.prepare import prepare as prepare_set  # noqa: PLC0415

    dataset = dataset_named(name)
    preparation = preparation_for(dataset, **chosen)
    workers = workers or usable_cores()
    with _report_items() as report:
        done = prepare_set(dataset, source, output, preparation, only=only, workers=workers, report=report)
    _print_summary(done)
    if done.refused:
        sys.exit(FAILED)


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


def _print_summary(done: "PrepareResult") -> None:
    manifest = done.folder / "manifest.json"
    print_error(*(f"missing: {text}" for text in done.missing))
    for reason, count in sorted(done.dropped.items(), key=lambda drop: -drop[1])[:5]:
        print_error(f"left out: {count} x {reason}")
    if done.items_with_notes:
        print_error(f"notes on {plural(done.items_with_notes, 'item')}: see {manifest}")
    print_error(*(f"warning: {text}" for text in done.warnings[:_MAX_WARNINGS]))
    if len(done.warnings) > _MAX_WARNINGS:
        print_error(f"{len(done.warnings) - _MAX_WARNINGS} more warnings: see {manifest}")
    if done.refused:
        print_error("repair or remove what is named above, and run the same command again")
    earlier = f", {done.reused} made before" if done.reused else ""
    refused = f", {len(done.refused)} refused" if done.refused else ""
    print_line(f"{done.folder}: {plural(done.made, 'item')} made{earlier}{refused}")


@click.command()
@click.argument("prepared", type=PATH)
@click.argument("items", nargs=-1)
@click.option("-o", "--output", type=PATH, required=True, help="Folder for the pictures.")
@click.option("--all", "everything", is_flag=True, help="Draw every item.")
@click.option("--frame", "frame_index", type=click.IntRange(min=0), help="Draw one frame of a video.  [default: all]")
@click.option("--scanpaths", is_flag=True, help="Join the fixations of each observer by lines.")
@click.option("--source", type=PATH, help="Folder of the raw files, if they were moved.")
@quiet_option
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
        sys.exit(FAILED)

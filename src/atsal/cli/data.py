"""`atsal datasets`, `prepare` and `inspect`: ground truth from gaze logs. Heavy imports wait inside the commands."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.parameters import PATH, POSITIVE, WORKER_COUNT, cores, erp_rows
from atsal.cli.saying import plain, say
from atsal.errors import ConfigError, InputError
from atsal.jobs.atomic_write import made_folder

if TYPE_CHECKING:
    from atsal.datasets.dataset import Dataset
    from atsal.datasets.prepared.prepare import PrepareResult

_SHOWN = 12  # warnings; the manifest has all


@click.group()
def datasets() -> None:
    """Show the data sets that can be prepared."""


@datasets.command("list")
def datasets_list() -> None:
    """List the data sets by name."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from atsal.datasets import dataset_named, dataset_names  # noqa: PLC0415

    table = Table(box=None)
    for title in ("name", "what it is", "stimuli", "gaze and σ"):
        table.add_column(title, no_wrap=title != "what it is")
    for name in dataset_names():
        found = dataset_named(name)
        stimuli = f"{found.items or 'any'} {found.stimuli}" if found.stimuli != "mixed" else "any"
        table.add_row(name, found.title, stimuli, _sigma(found))
    Console().print(table)


@datasets.command("info")
@click.argument("name")
def datasets_info(name: str) -> None:
    """Say all about the data set NAME: its files, format, splits, licence, where to get it."""
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
        facts["more splits"] = "read from a file of the release, if it is there"
    say(f"{found.name}: {found.title}", "")
    for label, text in facts.items():
        say(f"  {label:<10} {text}")
    say("", "files below the source folder:", "")
    say(*(f"  {line}" for line in found.expected_files.strip("\n").splitlines()))
    if found.notes:
        say("", "notes:")
        for note in found.notes:
            say(f"  - {note}")
    say("", "prepare it:", "", f"  atsal prepare {found.name} SOURCE OUTPUT")


def _sigma(found: "Dataset") -> str:
    if found.stimuli == "photos":
        return f"{found.directions[0]} {found.sigma_width:.3g} of the width"
    return ", ".join(f"{direction} {value:g}°" for direction, value in found.sigma_deg.items())


@click.command()
@click.argument("name")
@click.argument("source", type=PATH)
@click.argument("output", type=PATH)
@click.option("--direction", type=click.Choice(["head", "head_eye"]), help="Whose direction.  [default: the set's]")
@click.option(
    "--events",
    type=click.Choice(["fixations", "samples", "ivt", "idt"]),
    help="What maps are made of: fixations as published, all samples, or fixations detected by velocity (ivt) or "
    "dispersion (idt).  [default: the set's]",
)
@click.option(
    "--sigma", "sigma_deg", type=POSITIVE, help="Standard deviation of the maps, degrees.  [default: the set's]"
)
@click.option("--size", "erp_height", callback=erp_rows, help="Size of maps and frames, as 2048x1024 (the default).")
@click.option(
    "--maps", type=click.Choice(["none", "npy", "png"]), help="Write saliency maps: float32, or 8-bit.  [none]"
)
@click.option("--window", type=click.Choice(["frame", "200ms", "clip"]), help="What one map of a video pools.  [frame]")
@click.option(
    "--frames", type=click.Choice(["reference", "extract"]), help="Refer to videos, or write frames.  [reference]"
)
@click.option(
    "--augment", type=click.Choice(["none", "published"]), help="Also write the 19 variants of images.  [none]"
)
@click.option("--item", "only", multiple=True, help="Only this item; may be given several times.")
@click.option("--workers", type=WORKER_COUNT, help="Items at a time.  [default: one a core]")
def prepare(name: str, source: Path, output: Path, only: tuple[str, ...], workers: int | None, **chosen: Any) -> None:
    """Prepare the data set NAME from its raw files in SOURCE: fixations, maps, a manifest in OUTPUT.

    `atsal datasets list` names the data sets, `atsal datasets info NAME` the files that are expected. The same command
    again goes on where an earlier run stopped.
    """
    from atsal.datasets import dataset_named  # noqa: PLC0415
    from atsal.datasets.prepared.preparation import preparation_for  # noqa: PLC0415
    from atsal.datasets.prepared.prepare import prepare as prepare_set  # noqa: PLC0415

    dataset = dataset_named(name)
    preparation = preparation_for(dataset, **chosen)
    with _progress() as report:
        done = prepare_set(dataset, source, output, preparation, only=only, workers=workers or cores(), report=report)
    _tell(done)
    if done.refused:
        sys.exit(1)


def _tell(done: "PrepareResult") -> None:
    for text in done.missing:
        say(f"missing: {text}", err=True)
    for reason, count in sorted(done.dropped.items(), key=lambda drop: -drop[1])[:5]:
        say(f"left out: {count} x {reason}", err=True)
    if done.items_with_notes:
        say(f"notes on {done.items_with_notes} items: see {done.folder / 'manifest.json'}", err=True)
    for text in done.warnings[:_SHOWN]:
        say(f"warning: {text}", err=True)
    if len(done.warnings) > _SHOWN:
        say(f"{len(done.warnings) - _SHOWN} more warnings: see {done.folder / 'manifest.json'}", err=True)
    if done.refused:
        say("mend or take away what is named above, and run the same command again", err=True)
    earlier = f", {done.reused} made before" if done.reused else ""
    refused = f", {len(done.refused)} refused" if done.refused else ""
    say(f"{done.folder}: {done.made} item{'s' * (done.made != 1)} made{earlier}{refused}")


@contextmanager
def _progress() -> "Iterator[Callable[[str, str | None], None]]":
    """Count items on a terminal; say what was refused anywhere."""
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        yield lambda item, why: say(f"atsal: {item} refused: {why}", err=True) if why else None
        return
    with console.status("preparing") as status:
        done = 0

        def report(item: str, why: str | None) -> None:
            nonlocal done
            done += 1
            status.update(plain(f"{done} items, last {item}"))
            if why:
                console.print(plain(f"atsal: {item} refused: {why}"))

        yield report


@click.command()
@click.argument("prepared", type=PATH)
@click.argument("items", nargs=-1)
@click.option("-o", "--output", type=PATH, required=True, help="Folder for the pictures.")
@click.option("--all", "everything", is_flag=True, help="Every item.")
@click.option("--frame", "frame_index", type=click.IntRange(min=0), help="One moment of a video.  [default: all of it]")
@click.option("--scanpaths", is_flag=True, help="Join each observer's fixations.")
@click.option("--source", type=PATH, help="Where the raw files are now, if they were moved.")
def inspect(
    prepared: Path,
    items: tuple[str, ...],
    output: Path,
    everything: bool,
    frame_index: int | None,
    scanpaths: bool,
    source: Path | None,
) -> None:
    """Draw a prepared set: a sheet of all of it, and the ITEMS with their fixations and saliency.

    Pictures that an earlier run drew are replaced, other files never.
    """
    from atsal.datasets.prepared import PreparedSet  # noqa: PLC0415
    from atsal.datasets.prepared.figures import draw_prepared_item  # noqa: PLC0415
    from atsal.datasets.prepared.sheet import draw_set  # noqa: PLC0415
    from atsal.video.image_writer import is_own_picture, write_rgb_png  # noqa: PLC0415

    opened = PreparedSet(prepared, source)
    chosen = opened.items if everything else items
    for item in chosen:
        opened.record(item)  # all names first
    for target in (output / f"{name}.png" for name in ("sheet", *chosen)):
        if target.exists() and not is_own_picture(target):
            raise ConfigError(f"{target}: is there already, and atsal did not draw it; give another output folder")
    failed = 0
    with made_folder(output):
        write_rgb_png(output / "sheet.png", draw_set(opened))
        say(output / "sheet.png")
        for item in chosen:
            try:
                picture = draw_prepared_item(opened, item, frame_index=frame_index, scanpaths=scanpaths)
            except InputError as error:
                say(f"atsal: {item}: {error}", err=True)
                failed += 1
                continue
            write_rgb_png(output / f"{item}.png", picture)
            say(output / f"{item}.png")
    if failed:
        say(f"atsal: {failed} of {len(chosen)} items failed", err=True)
        sys.exit(1)

"""`atsal bench`: the speed of a model on this machine."""

from pathlib import Path
from typing import Any

import click

from atsal.cli.console import make_console, output_options, print_line, rich_text, status_line
from atsal.cli.parameters import (
    PATH,
    RUNTIMES,
    NameOf,
    device_option,
    face_size_option,
    model_option,
    overwrite_option,
    precision_option,
    refuse_existing,
    refuse_inputs,
)
from atsal.errors import ConfigError


@click.command()
@click.argument("video", type=PATH, required=False)
@model_option
@face_size_option
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    type=NameOf(*RUNTIMES, without=("auto",)),
    help="May be given several times.  [default: all that are installed]",
)
@device_option
@precision_option
@click.option("--rounds", type=click.IntRange(min=1), default=5, help="How often to measure.")
@click.option("--published/--no-published", default=True, help="Also measure the released code's procedure.")
@click.option("--file/--no-file", "end_to_end", default=True, help="Also measure from a file to maps.")
@click.option("--json", "output", type=PATH, help="Also write all measurements to this file.")
@overwrite_option
@output_options
def bench(video: Path | None, output: Path | None, overwrite: bool, **values: Any) -> None:
    """Measure how fast a model runs on this machine, and compare that with what the machine can do.

    VIDEO is the video to predict; by default a synthetic scene of 1920x960.
    """
    from atsal.jobs.atomic_write import write_json  # noqa: PLC0415
    from atsal.speed.bench import Bench  # noqa: PLC0415
    from atsal.speed.bench import bench as measure  # noqa: PLC0415
    from atsal.speed.tables import tables  # noqa: PLC0415

    if output is not None:
        if not output.absolute().parent.is_dir():
            raise ConfigError(f"{output}: its folder does not exist; create it first")
        refuse_inputs(output, [video])
        refuse_existing(output, overwrite)
    with status_line("measuring") as show_status:
        document = measure(Bench(video=video, **values), show_status)
    console = make_console()
    for part in tables(document):
        console.print(rich_text(part) if isinstance(part, str) else part)
    if output is not None:
        write_json(output, document)
        print_line(output)

"""`atsal export` and `atsal bench`. What needs torch is imported inside the commands."""

from pathlib import Path
from typing import Any

import click

from atsal.cli.parameters import (
    PATH,
    device_option,
    direction_options,
    face_size_option,
    model_option,
    taken_direction,
)
from atsal.cli.saying import plain, say
from atsal.errors import ConfigError


@click.command()
@click.argument("output", type=PATH)
@model_option
@direction_options
@face_size_option
@click.option("--stream", type=click.Choice(["fused", "attention", "experts", "all"]), default="all", show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
def export(output: Path, model: str, stream: str, **values: Any) -> None:
    """Write a model as the ONNX file OUTPUT, which runs without this package: one frame and the state a step."""
    from atsal.prediction.export import export_onnx  # noqa: PLC0415

    if output.suffix != ".onnx":
        raise ConfigError(f"{output}: expected a name ending in .onnx")
    difference = export_onnx(model, output, streams=(stream,), **taken_direction(values), **values)
    say(f"{output}: {output.stat().st_size / 1e6:.1f} MB; differs by {difference:.1e} from PyTorch, state included")


@click.command()
@click.argument("video", type=PATH, required=False)
@model_option
@face_size_option
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    type=click.Choice(["torch", "openvino", "onnx"]),
    help="May be given several times.  [default: all that are installed]",
)
@device_option
@click.option("--precision", type=click.Choice(["float32", "half"]), default="float32", show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="How often all is measured.")
@click.option("--published/--no-published", default=True, show_default=True, help="Also the released code's procedure.")
@click.option("--file/--no-file", "end_to_end", default=True, show_default=True, help="Also from the file to maps.")
@click.option("--json", "output", type=PATH, help="Also write everything to this file.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
def bench(video: Path | None, output: Path | None, overwrite: bool, **values: Any) -> None:
    """Measure how fast a model is on this machine, and how near to what the machine can do.

    VIDEO is what to predict on; by default a made-up scene of 1920x960.
    """
    from rich.console import Console  # noqa: PLC0415

    from atsal.jobs.atomic_write import write_json  # noqa: PLC0415
    from atsal.speed.bench import Bench  # noqa: PLC0415
    from atsal.speed.bench import bench as measure  # noqa: PLC0415
    from atsal.speed.tables import tables  # noqa: PLC0415

    if output is not None and not output.absolute().parent.is_dir():
        raise ConfigError(f"{output}: its folder does not exist; create it first")
    if output is not None and video is not None and output.exists() and video.exists() and output.samefile(video):
        raise ConfigError(f"{output}: is the video itself; give another name")
    if output is not None and output.exists() and not overwrite:
        raise ConfigError(f"{output}: is there already; give another name or --overwrite")
    console, errors = Console(), Console(stderr=True)
    with errors.status("measuring") as status:
        document = measure(Bench(video=video, **values), lambda line: status.update(plain(line)))
    for part in tables(document):
        console.print(plain(part) if isinstance(part, str) else part)
    if output is not None:
        write_json(output, document)
        say(str(output))

"""`atsal export`: a model as an ONNX file."""

from pathlib import Path
from typing import Any

import click

from atsal.cli.console import output_options, print_line
from atsal.cli.parameters import (
    PATH,
    direction_options,
    face_size_option,
    model_option,
    overwrite_option,
    stream_option,
    take_direction,
)
from atsal.errors import ConfigError


@click.command()
@click.argument("output", type=PATH)
@model_option
@direction_options
@face_size_option
@stream_option(default="all")
@overwrite_option
@output_options
def export(output: Path, model: str, streams: tuple[str, ...], **values: Any) -> None:
    """Write a model to OUTPUT, an ONNX file that runs without this package: one frame and the state per step."""
    from atsal.prediction.export import export_onnx  # noqa: PLC0415

    if output.suffix != ".onnx":
        raise ConfigError(f"{output}: expected a name ending in .onnx")
    difference = export_onnx(model, output, streams=streams, **take_direction(values), **values)
    size = output.stat().st_size / 1e6
    print_line(f"{output}: {size:.1f} MB; differs by at most {difference:.1e} from PyTorch, state included")

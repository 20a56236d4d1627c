"""Parameters, and kinds of them, that several commands take."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from atsal.errors import ConfigError


class _PathType(click.Path):
    """A path; `gone/../file` becomes `file`, for checks would not see that file before somebody makes `gone`."""

    def convert(
        self, value: "str | os.PathLike[str]", param: click.Parameter | None, ctx: click.Context | None
    ) -> "str | bytes | os.PathLike[str]":
        """Turn the text into a `Path`."""
        path = Path(os.fspath(value))
        if ".." in path.parts and not path.parent.exists():
            return Path(os.path.realpath(path))
        return super().convert(path, param, ctx)


PATH = _PathType(path_type=Path)
model_option = click.option("--model", default="lite", show_default=True, help="lite, paper, or a weight folder.")
face_size_option = click.option("--face-size", type=int, help="Side of a cube face in pixels; 160 or 256 for paper.")
device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, …")


MOST_WORKERS = 256
WORKER_COUNT = click.IntRange(min=1, max=MOST_WORKERS)


class Number(click.FloatRange):
    """A finite number of a range: click lets nan and inf through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Turn the option's text into a number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


POSITIVE = Number(min=0, min_open=True)


def options(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator, in their order."""

    def apply(command: Any) -> Any:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply


DIRECTION = click.Choice(["head_eye", "head"])  # `models.directions.DIRECTIONS`, which would take torch to import
still_at_option = click.option(
    "--still-at",
    "still_at_s",
    type=Number(min=0),
    metavar="SECONDS",
    help="lite only: treat stills (with --as-frames, all pictures) as video frames shown SECONDS after the start.",
)
direction_options = options(
    click.option(
        "--direction",
        type=DIRECTION,
        default="head_eye",
        show_default=True,
        help="Of lite. head_eye: where people look, head and eyes together; head: where their heads point.",
    ),
    click.option(
        "--front",
        type=Number(min=-180, max=180),
        metavar="YAW",
        help="Of lite: where the front of the picture lies, in degrees, + to the right.  [default: 0, the middle]",
    ),
    click.option(
        "--no-front", is_flag=True, help="Of lite: the picture has no front, as where viewers start anywhere."
    ),
)


def taken_direction(values: dict[str, Any]) -> dict[str, Any]:
    """Take what `direction_options` gave out of the values, as `direction` and `front_deg` of `load_model`."""
    direction, front, no_front = (values.pop(name) for name in ("direction", "front", "no_front"))
    if no_front and front is not None:
        raise ConfigError("--front and --no-front exclude each other: give one of them")
    return {"direction": direction, "front_deg": None if no_front else (front or 0.0)}


def erp_rows(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    """'640x320' or '320' -> 320 rows."""
    if value is None:
        return None
    width, cross, height = value.lower().rpartition("x")
    if not height.isdecimal() or not 1 <= int(height) <= 8192 or (cross and width != str(2 * int(height))):
        raise click.BadParameter(
            "expected WIDTHxHEIGHT with a width of twice the height, as 640x320, or the height, 1 to 8192"
        )
    return int(height)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

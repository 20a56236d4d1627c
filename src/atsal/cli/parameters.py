"""Kinds of parameters that several commands take."""

import math
import os
from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)


class Number(click.FloatRange):
    """A finite number of a range: click lets nan and inf through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Turn the option's text into a number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


POSITIVE = Number(min=0, min_open=True)


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

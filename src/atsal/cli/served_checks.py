"""What the options of a job must fulfil together: the commands' own checks that need no source."""

from pathlib import Path
from typing import Any

from atsal.cli.direct import check_options
from atsal.cli.model_run import take_options, take_overlay, take_reading
from atsal.cli.parameters import take_direction
from atsal.cli.predict import choose_formats
from atsal.cli.tiles import take_budget
from atsal.errors import ConfigError
from atsal.serving.folders import RESULT

_SOME_TILES = 40


def check_reading(values: dict[str, Any]) -> None:
    """Raise `ConfigError` for options of reading, of overlays or of the model that exclude each other."""
    if "start_s" in values:
        take_reading(values)
    if "colormap" in values:
        take_overlay(values)
    take_direction(values)


def check_predict(values: dict[str, Any]) -> None:
    """Raise `ConfigError` for formats of the same name, and for options of overlays where none is drawn."""
    take_options(values, choose_formats(values["formats"], view=False))
    take_direction(values)


def check_direct(values: dict[str, Any]) -> None:
    """Raise `ConfigError` for options of a film that cannot be used."""
    check_options(Path(RESULT, "film.mp4"), values)
    check_reading(values)


def check_encode(values: dict[str, Any]) -> None:
    """Raise `ConfigError` for an unknown codec, and without a rate that it has."""
    from atsal.encoding import Rate, codec_named  # noqa: PLC0415

    Rate(values["bitrate"], values["crf"]).check(codec_named(values["codec"]))
    check_reading(values)


def check_tiles(values: dict[str, Any]) -> None:
    """Raise `ConfigError` for options of rates that do not go together."""
    if not all(values["shape"]):
        raise ConfigError("--grid: expected at least one column and one row")
    take_budget(values, _SOME_TILES)
    check_reading(values)

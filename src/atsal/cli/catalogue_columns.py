"""The columns of a catalogue that are options of a command, read and checked by the command line's own types."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import click

from atsal.errors import ConfigError

# What one source cannot have to itself.
OF_THE_RUN = frozenset(
    {"output", "summary", "view", "overwrite", "workers", "device", "runtime", "precision", "quiet", "catalogue"}
    | {"retry_failed", "status", "watch", "standstill_s", "memory_bytes", "engine", "worker_cpus", "worker_gpus"}
    | {"isolate"}
)
_RIVALS: dict[str, tuple[str, Any]] = {  # options that exclude each other, and the value of one that is not given
    "end_s": ("duration_s", None),
    "duration_s": ("end_s", None),
    "fps": ("stride", 1),
    "stride": ("fps", None),
    "front": ("no_front", False),
    "no_front": ("front", None),
}


def option_columns(command: click.Command) -> dict[str, Callable[[str], Any]]:
    """Return a parser for each option of a command that a source can have to itself, by its name without dashes.

    A parser takes the text of a cell, words for an option that may be given several times, and raises `ConfigError`.
    """
    context = click.Context(command)
    own = [
        option
        for option in command.params
        if isinstance(option, click.Option) and option.expose_value and option.name not in OF_THE_RUN
    ]
    return {column_name(option): partial(_parse, context, option) for option in own}


def with_row(command: click.Command, values: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a command's options with those of a catalogue's row in their place.

    `row` has them by the names of columns. Where the row gives one of two options that exclude each other, the
    command's value of the other does not count.
    """
    names = {column_name(option): str(option.name) for option in command.params if isinstance(option, click.Option)}
    own = {names[column]: value for column, value in row.items()}
    unset = dict(_RIVALS[name] for name in own if name in _RIVALS)
    return {**values, **unset, **own}


def column_name(option: click.Option) -> str:
    """Return the name of an option without dashes."""
    return max(option.opts, key=len).lstrip("-")


def _parse(context: click.Context, option: click.Option, text: str) -> Any:
    try:
        return option.process_value(context, text.split() if option.multiple else text)
    except click.BadParameter as error:
        raise ConfigError(error.message) from error

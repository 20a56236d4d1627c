"""The one way to the terminal: what others wrote, as names of files, can neither steer it nor forge a line."""

from typing import TYPE_CHECKING

import click

from atsal.untrusted.text import printable

if TYPE_CHECKING:
    from rich.text import Text


def say(*lines: object, err: bool = False) -> None:
    """Print lines, each on one line whatever it holds; `err`: on standard error."""
    for line in lines:
        click.echo(printable(str(line)), err=err)


def plain(text: object) -> "Text":
    """A line for Rich, which would take `[/x]` in a string for markup."""
    from rich.text import Text  # noqa: PLC0415

    return Text(printable(str(text)))

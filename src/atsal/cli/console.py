"""Terminal output: escapes control codes, so that names of files can neither control the terminal nor fake a line."""

from typing import TYPE_CHECKING

import click

from atsal.untrusted.text import escape_controls

if TYPE_CHECKING:
    from rich.text import Text


def print_line(*lines: object, err: bool = False) -> None:
    """Print lines, each on one line whatever it holds; `err`: on standard error."""
    for line in lines:
        click.echo(escape_controls(str(line)), err=err)


def rich_text(text: object) -> "Text":
    """Return a line for Rich, which would take `[/x]` in a string for markup."""
    from rich.text import Text  # noqa: PLC0415

    return Text(escape_controls(str(text)))

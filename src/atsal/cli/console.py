"""Terminal output. Control codes are escaped, so that names of files cannot control the terminal or fake a line.

`--quiet` silences `print_line`, `make_console` and `status_line`, for results and progress, but not `print_warning`
and `print_error`. `--log` writes the lines of all three to a file.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.log_file import log, log_option
from atsal.cli.parameters import options
from atsal.untrusted.text import escape_controls

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_QUIET, _STATUS = "atsal.quiet", "atsal.status"  # keys in `click.Context.meta`
LISTENER = "atsal.listener"  # another one: a function that takes level and line, in place of the terminal


def _set_quiet(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    context.meta[_QUIET] = value


output_options = options(
    log_option,
    click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_set_quiet,
        help="Print only errors, warnings and notes.",
    ),
)


def is_quiet() -> bool:
    """Whether the running command was given `--quiet`."""
    return bool(_meta().get(_QUIET))


def print_line(*lines: object) -> None:
    """Print each value on one line of standard output, unless `--quiet`."""
    _write(lines, logging.INFO)


def print_warning(*lines: object) -> None:
    """Print warnings, notes and remarks, each on one line of standard error."""
    _write(lines, logging.WARNING)


def print_error(*lines: object) -> None:
    """Print errors, each on one line of standard error."""
    _write(lines, logging.ERROR)


def _write(lines: Sequence[object], level: int) -> None:
    is_result = level == logging.INFO
    status = _meta().get(_STATUS)
    if status is not None:  # clear the status line, which would run into the text
        status.stop()
    for line in map(str, lines):
        log(level, line)
        if (listener := _meta().get(LISTENER)) is not None:
            listener(level, line)
        elif not (is_result and is_quiet()):
            click.echo(f"{'' if is_result else 'atsal: '}{escape_controls(line)}", err=not is_result)
    if status is not None:
        status.start()


def _meta() -> dict[str, Any]:
    """Return what the running command keeps for all functions of this module."""
    context = click.get_current_context(silent=True)
    return {} if context is None else context.meta


def rich_text(text: object) -> "Text":
    """Return a line for Rich, which would interpret `[/x]` in a string as markup."""
    from rich.text import Text  # noqa: PLC0415

    return Text(escape_controls(str(text)))


def make_console(*, stderr: bool = False) -> "Console":
    """Return a Rich console, silent with `--quiet`."""
    from rich.console import Console  # noqa: PLC0415

    return Console(stderr=stderr, highlight=False, soft_wrap=stderr, quiet=is_quiet())


def print_table(columns: dict[str, dict[str, Any]], rows: Iterable[tuple[str, ...]]) -> None:
    """Print a table; `columns` maps titles to settings of `rich.table.Table.add_column`."""
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None)
    for title, settings in columns.items():
        table.add_column(title, **settings)
    for row in rows:
        table.add_row(*map(rich_text, row))
    make_console().print(table)


@contextmanager
def status_line(first: str) -> Iterator[Callable[[str], None]]:
    """Show a line on a terminal that the returned function replaces; nothing elsewhere and with `--quiet`."""
    console = make_console(stderr=True)
    if not console.is_terminal or console.quiet:
        yield lambda _line: None
        return
    with console.status(first) as status:
        _meta()[_STATUS] = status
        try:
            yield lambda line: status.update(rich_text(line))
        finally:
            _meta().pop(_STATUS, None)

"""`--log`: a file that keeps what a command says, with times and levels, for runs that nobody watches.

The logger is not one of `logging.getLogger`: it writes to this file only, and no other logger passes anything to it.
"""

import json
import logging
import os
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from atsal.cli.parameters import PATH
from atsal.errors import OutputError
from atsal.jobs.atomic_write import output_errors
from atsal.remote.urls import without_secrets
from atsal.untrusted.text import escape_controls
from atsal.version import __version__

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
_LOGGER = "atsal.log"  # key in `click.Context.meta`
_START = "start:"  # the first message of a run


def log(level: int, text: str) -> None:
    """Add a line to the log of the running command, if it has one; `level` is one of `logging`."""
    logger = _logger()
    if logger is not None:
        logger.log(level, "%s", escape_controls(text))


def close_log(text: str) -> None:
    """Add the last line, and close the log."""
    log(logging.INFO, f"end: {text}")
    logger = _logger()
    for handler in [] if logger is None else logger.handlers:
        handler.close()


def _logger() -> logging.Logger | None:
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(_LOGGER)


def open_log(context: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
    """Open the log, and write its first line. Of several processes of one training run, only the first has a log."""
    if path is None or os.environ.get("RANK", "0") != "0":
        return
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_other_file(path)
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_JsonLine() if path.suffix.lower() in JSON_SUFFIXES else _TextLine())
    logger = logging.Logger("atsal")
    logger.addHandler(handler)
    context.meta[_LOGGER] = logger
    arguments = map(without_secrets, sys.argv[1:])
    log(logging.INFO, f"{_START} {shlex.join(['atsal', *arguments])} (atsal {__version__}, in {Path.cwd()})")


log_option = click.option(
    "--log",
    type=PATH,
    metavar="FILE",
    expose_value=False,
    is_eager=True,  # before the others, whose errors belong into the log
    callback=open_log,
    help="Append what the command says to FILE, with times and levels: text, or JSON lines for .jsonl.",
)


def _refuse_other_file(path: Path) -> None:
    """Refuse to append to a file that is no log: the name of a video may be a slip."""
    if path.is_file() and path.stat().st_size:
        with path.open("rb") as file:
            first_line = file.readline(4096)
        if _START.encode() not in first_line:
            raise OutputError(f"{path}: exists and is no log of atsal; give another name for --log")


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(timespec="milliseconds")


class _TextLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{_time(record)} {record.levelname:<7} {record.getMessage()}"


class _JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _time(record), "level": record.levelname, "message": record.getMessage()}
        return json.dumps(line, ensure_ascii=False)

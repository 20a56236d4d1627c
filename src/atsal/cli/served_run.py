"""Run a command in this process as a job: its lines and its progress go to the service, not to a terminal."""

import logging
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from atsal.cli.console import LISTENER
from atsal.cli.exit_code import ExitCode
from atsal.cli.progress import SHOW_FRAMES
from atsal.cli.source_runs import SHARE_CUT
from atsal.serving.kinds import End, ShowProgress
from atsal.untrusted.text import plural

if TYPE_CHECKING:
    from atsal.prediction.tasks import Cut, Job

    ShareCut = Callable[[Cut, Job], None]

_MOST_LINES = 20  # of a reason, and of notes
_FOLDERS = re.compile(r"(?<![\w:/.\\])/(?:[^\s/\"':;,]+/)+")  # of an absolute path, not of a URL


def run_command(arguments: Sequence[str], progress: ShowProgress, share: "ShareCut | None" = None) -> End:
    """Run a command as `atsal ARGUMENTS` does; paths of this machine are cut from what it says.

    `share` gets the cut of a long video, which the command then does not predict.
    """
    from atsal.cli import main  # noqa: PLC0415 - which has `atsal serve`, which has this

    lines: dict[int, list[str]] = {logging.WARNING: [], logging.ERROR: []}

    def listen(level: int, line: str) -> None:
        lines.get(level, []).append(line)

    code: object
    try:
        with main.make_context("atsal", list(arguments)) as context:
            context.meta.update({LISTENER: listen, SHOW_FRAMES: progress, SHARE_CUT: share})
            main.invoke(context)
        code = ExitCode.DONE
    except click.exceptions.Exit as end:
        code = end.exit_code
    except SystemExit as end:
        code = end.code or ExitCode.DONE
    except click.ClickException as error:
        code = ExitCode.USAGE
        lines[logging.ERROR].append(error.format_message())
    is_done = code in (ExitCode.DONE, ExitCode.PARTLY)
    return End(is_done, "\n".join(_shown(lines[logging.ERROR])), _shown(lines[logging.WARNING]))


def _shown(lines: Sequence[str]) -> tuple[str, ...]:
    more = len(lines) - _MOST_LINES
    end = [f"… and {plural(more, 'line')}"] if more > 0 else []
    return tuple(_FOLDERS.sub("…/", line) for line in (*lines[:_MOST_LINES], *end))

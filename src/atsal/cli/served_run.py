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

    lines = {logging.WARNING: _Lines(), logging.ERROR: _Lines()}

    def listen(level: int, line: str) -> None:
        if level in lines:
            lines[level].add(line)

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
        lines[logging.ERROR].add(error.format_message())
    is_done = code in (ExitCode.DONE, ExitCode.PARTLY)
    return End(is_done, "\n".join(lines[logging.ERROR].shown()), lines[logging.WARNING].shown())


class _Lines:
    """The first lines of what a command says, which may be a line for each frame."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._more = 0

    def add(self, line: str) -> None:
        if len(self._first) < _MOST_LINES:
            self._first.append(_FOLDERS.sub("…/", line))
        else:
            self._more += 1

    def shown(self) -> tuple[str, ...]:
        end = [f"… and {plural(self._more, 'line')}"] if self._more else []
        return (*self._first, *end)

"""The exit codes of all commands; docs/command-line.md describes them."""

import sys
from enum import IntEnum

from atsal.cli.console import print_error


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0  # everything is done
    FAILED = 1  # an error: nothing is done
    USAGE = 2  # wrong usage; click's own code
    PARTLY = 3  # some inputs or items failed, or a video breaks half way; the others, and what was read, are done
    STOPPED = 130  # by Ctrl-C, as shells report it
    TERMINATED = 143  # by SIGTERM, as shells report it


class Terminated(KeyboardInterrupt):
    """SIGTERM, as `kill`, `timeout`, systemd and containers send it: the command cleans up as after Ctrl-C."""


def exit_code_of_stop(stop: KeyboardInterrupt) -> ExitCode:
    """Return the exit code of a command that somebody stopped."""
    return ExitCode.TERMINATED if isinstance(stop, Terminated) else ExitCode.STOPPED


def exit_code_for(*, done: int, failed: int) -> ExitCode:
    """Return the exit code of a command with this many inputs or items that are done and that failed.

    One that breaks half way counts as both: it has results.
    """
    if not failed:
        return ExitCode.DONE
    return ExitCode.PARTLY if done else ExitCode.FAILED


def exit_if_failed(*, done: int, failed: int) -> None:
    """End the command if an input or item failed; see `exit_code_for`."""
    if failed:
        sys.exit(exit_code_for(done=done, failed=failed))


def exit_if_broken(problem: str | None, kept: str = "frames") -> None:
    """End a command whose video breaks half way, and say what is written of it."""
    if problem:
        print_error(f"{problem} The {kept} before the break are written.")
        sys.exit(ExitCode.PARTLY)

"""The main command group: it turns errors into messages and exit codes."""

import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import print_error
from atsal.errors import AtsalError
from atsal.untrusted.text import escape_controls

if TYPE_CHECKING:
    from types import FrameType

FAILED = 1  # an error, or an input that failed
STOPPED = 130  # the shell's status for Ctrl-C


class MainGroup(click.Group):
    """Prints an `AtsalError` or `OSError` as one message, and a hint after Ctrl-C."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        warnings.filterwarnings("ignore", module="PIL")  # about harmless metadata
        try:
            with _keep_interrupts():
                return super().invoke(ctx)
        except click.UsageError as error:
            error.message = escape_controls(error.message)  # type: ignore[misc]
            raise
        except BrokenPipeError:
            ctx.exit(FAILED)
        except (AtsalError, OSError) as error:  # an `OSError` that no command expected, as for a name that is too long
            print_error(error)
            ctx.exit(FAILED)
        except KeyboardInterrupt:
            print_error("stopped. Complete results are kept; run the same command again to do the rest.")
            ctx.exit(STOPPED)


@contextmanager
def _keep_interrupts() -> Iterator[None]:
    """Raise `KeyboardInterrupt` after Ctrl-C, even if a library turned it into another error."""
    interrupts = []

    def note_interrupt(number: int, frame: "FrameType | None") -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    is_main = threading.current_thread() is threading.main_thread()
    is_default = is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_default:
        signal.signal(signal.SIGINT, note_interrupt)
    try:
        yield
    except Exception as error:
        if interrupts:
            raise KeyboardInterrupt from error
        raise
    finally:
        if is_default:
            signal.signal(signal.SIGINT, signal.default_int_handler)

"""The main command group: it turns errors into messages and exit codes."""

import logging
import os
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import print_error
from atsal.cli.exit_code import ExitCode, Terminated, exit_code_of_stop
from atsal.cli.log_file import close_log, log
from atsal.errors import AtsalError
from atsal.untrusted.text import escape_controls

if TYPE_CHECKING:
    from types import FrameType

_RETRY_S = 0.05  # until a stop during an import is tried again


class MainGroup(click.Group):
    """Prints an `AtsalError` or `OSError` as one message, and a hint after a stop; logs how the command ended."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        warnings.filterwarnings("ignore", module="PIL")  # about harmless metadata
        _give_matplotlib_a_folder(ctx)
        with _log_end():
            return self._invoke_with_messages(ctx)

    def _invoke_with_messages(self, ctx: click.Context) -> Any:
        try:
            with _keep_stops() as stops:
                found = super().invoke(ctx)
            if Terminated in stops:  # a command that ends with a stop, as `atsal view`
                ctx.exit(ExitCode.TERMINATED)
            return found
        except click.UsageError as error:
            error.message = escape_controls(error.message)  # type: ignore[misc]
            raise
        except BrokenPipeError:
            ctx.exit(ExitCode.FAILED)
        except (AtsalError, OSError) as error:  # an `OSError` that no command expected, as for a name that is too long
            print_error(error)
            ctx.exit(ExitCode.FAILED)
        except KeyboardInterrupt as stop:
            print_error("stopped. Complete results are kept; run the same command again to do the rest.")
            ctx.exit(exit_code_of_stop(stop))


@contextmanager
def _log_end() -> Iterator[None]:
    """Log how long the command ran, its exit code, and an error that nobody expected with its traceback."""
    started_s, code = time.monotonic(), 1
    try:
        yield
        code = 0
    except click.exceptions.Exit as end:
        code = end.exit_code
        raise
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
        raise
    except click.ClickException as error:
        code = error.exit_code
        log(logging.ERROR, error.format_message())
        raise
    except Exception:
        log(logging.CRITICAL, traceback.format_exc())
        raise
    finally:
        close_log(f"exit code {int(code)} after {time.monotonic() - started_s:.1f} s")


def _give_matplotlib_a_folder(ctx: click.Context) -> None:
    """Give matplotlib a folder for its cache where the user has no home to write to, as under cron or in a container.

    It would warn, and each worker process would make a folder of its own.
    """
    if "MPLCONFIGDIR" in os.environ or os.access(os.path.expanduser("~"), os.W_OK):  # noqa: PTH111 - `Path` may raise
        return
    home = os.environ.get("ATSAL_HOME")
    folder = Path(home, "matplotlib") if home else Path(ctx.with_resource(TemporaryDirectory(prefix="atsal-")))
    os.environ["MPLCONFIGDIR"] = str(folder)


@contextmanager
def _keep_stops() -> Iterator[list[type[KeyboardInterrupt]]]:
    """Raise `KeyboardInterrupt` after Ctrl-C and `Terminated` after SIGTERM, even if a library made it another error.

    Yields the stops so far. A second SIGTERM does not disturb the cleaning up after the first. A stop during an import
    waits until its end: PyTorch's C++ code ends the process at an exception. A program that has handlers of its own
    keeps them.
    """
    stops: list[type[KeyboardInterrupt]] = []

    def stop(number: int, frame: "FrameType | None") -> None:
        kind = Terminated if number == signal.SIGTERM else KeyboardInterrupt
        if _is_importing(frame):
            retry = threading.Timer(_RETRY_S, os.kill, (os.getpid(), number))
            retry.daemon = True
            retry.start()
        elif kind is KeyboardInterrupt or kind not in stops:
            stops.append(kind)
            raise kind

    defaults = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    is_main = threading.current_thread() is threading.main_thread()
    replaced = {number: usual for number, usual in defaults.items() if is_main and signal.getsignal(number) is usual}
    for number in replaced:
        signal.signal(number, stop)
    try:
        yield stops
    except Exception as error:
        if stops:
            raise stops[-1] from error
        raise
    finally:
        for number, usual in replaced.items():
            signal.signal(number, usual)


def _is_importing(frame: "FrameType | None") -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False

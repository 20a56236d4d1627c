"""A process that this one starts and talks to."""

import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from atsal.jobs.workers import ignore_interrupts

_TO_END_S = 5.0  # from the end of the pipe


class ChildProcess:
    """A new process, and a pipe to it that ends with it."""

    def __init__(self, serve: Callable[..., None], *args: Any, daemon: bool = False) -> None:
        """Run `serve(pipe, *args)` in the process. With `daemon`, it may not start processes itself."""
        context = get_context("spawn")  # a forked copy of a process with threads may hang
        pipe, theirs = context.Pipe()
        self.pipe: Connection[Any, Any] = pipe
        self._process = context.Process(target=serve, args=(theirs, *args), daemon=daemon)
        with ignore_interrupts():
            self._process.start()
        theirs.close()  # so that the pipe ends with the process

    @property
    def pid(self) -> int | None:
        """Its number in the system."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.is_alive()

    def was_killed(self) -> bool:
        """Whether the system or a person killed the process, which has closed its pipe: no decoder does that itself."""
        self._process.join(_TO_END_S)
        return self._process.exitcode == -signal.SIGKILL

    def how_it_ended(self) -> str:
        """Return why the process ended, which has closed its pipe, as "was ended by SIGSEGV"."""
        if self.was_killed():
            return "was ended by SIGKILL, perhaps because memory was short"
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join()
        self.pipe.close()

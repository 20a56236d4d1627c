"""Read pictures and videos in child processes with limits: a file that crashes a decoder harms no other.

A child is no sandbox: it has the permissions of its user, and its answers are trusted. Each call of a function with
`@isolatable`, and each iteration over its result, has a child to itself; children are kept for later calls.
"""

import gc
import os
import queue
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from atsal.errors import AtsalError, LostReaderError, MediaError
from atsal.jobs.child_process import ChildProcess
from atsal.jobs.engine import Report, RunTask
from atsal.jobs.workers import end_with_main
from atsal.untrusted.text import error_reason

MAX_BYTES = 6 << 30  # that a child may take, on Linux; the largest photo that is read takes half
MAX_SECONDS = 300.0  # until the next answer; to count the frames of a long file without an index takes a while
_SWITCH = "ATSAL_ISOLATE"  # the bytes; in the environment, so that it is on in worker processes, too
_NEXT, _STOP = True, False
P = ParamSpec("P")
R = TypeVar("R")


def is_isolated() -> bool:
    """Return whether files are read in child processes."""
    return _SWITCH in os.environ


@contextmanager
def isolated_reading(max_bytes: float | None = None) -> Iterator[None]:
    """Read files in child processes in the block, also in worker processes that are started in it.

    A child may take `max_bytes` of memory, at most and by default `MAX_BYTES`, on Linux.
    """
    if is_isolated():
        yield
        return
    os.environ[_SWITCH] = str(int(min(max_bytes or MAX_BYTES, MAX_BYTES)))
    try:
        yield
    finally:
        del os.environ[_SWITCH]
        with suppress(queue.Empty):
            while True:
                _idle.get_nowait().end()


@dataclass(frozen=True)
class IsolatedJob:
    """A job of an engine whose processes on other machines do not know that this process reads in child processes."""

    job: RunTask
    max_bytes: float

    @classmethod
    def of(cls, job: RunTask) -> RunTask:
        """Return the job as it is, unless this process reads in child processes."""
        return cls(job, float(os.environ[_SWITCH])) if is_isolated() else job

    def __call__(self, task: Any, report: Report) -> Any:
        """Return what the job returns."""
        os.environ[_SWITCH] = str(int(self.max_bytes))  # for good, so that its children stay for the next task
        return self.job(task, report)


def isolatable(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function whose first argument is a file run in a child process, within `isolated_reading`.

    Then it raises MediaError, too, if the child crashes, takes too much memory, or does not answer in time; and
    LostReaderError if it is killed from outside.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return cast("R", _call(run, args, kwargs)) if is_isolated() else function(*args, **kwargs)

    return run


def _call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    child, path = _borrow(), next(iter((*args, *kwargs.values())))
    found = child.ask((function, args, kwargs), path)
    if found == _ITERATOR:
        return _items(child, path)
    _idle.put(child)
    return _unwrapped(found)


def _items(child: "_Child", path: object) -> Iterator[Any]:
    found = _ITERATOR
    try:
        while (found := child.ask(_NEXT, path)) != _END:
            yield _unwrapped(found)
    except GeneratorExit:
        with suppress(MediaError, LostReaderError):
            found = child.ask(_STOP, path)
        raise
    finally:
        if found[0] in ("end", "error"):
            _idle.put(child)
        else:  # as after Ctrl-C: its next answer would be about this file, whoever asks
            child.end()


def _unwrapped(found: "_Answer") -> Any:
    kind, value = found
    if kind == "error":
        raise value
    return value


_Answer = tuple[str, Any]
_ITERATOR: _Answer = ("iterator", None)
_END: _Answer = ("end", None)


class _Child(ChildProcess):
    """A process that answers calls."""

    def __init__(self) -> None:
        super().__init__(_serve, daemon=True)

    def ask(self, question: object, path: object) -> _Answer:
        """Return the answer; raise an error about the file if there is none, and end the child."""
        try:
            self.pipe.send(question)
            if self.pipe.poll(MAX_SECONDS):
                return cast("_Answer", self.pipe.recv())
            reason = f"gave no answer for {MAX_SECONDS:g} s"
        except (EOFError, OSError):
            reason = self.how_it_ended()
            if self.was_killed():
                self.end()
                raise LostReaderError(f"{path}: the process that read it {reason}") from None
        self.end()
        raise MediaError(
            f"{path}: the process that read it {reason}; expected a picture or video that decodes. It is damaged, or "
            "made to do harm: leave it out."
        )


_idle: "queue.LifoQueue[_Child]" = queue.LifoQueue()


def _borrow() -> _Child:
    with suppress(queue.Empty):
        while True:
            child = _idle.get_nowait()
            if child.is_alive:
                return child
    return _Child()


def _serve(connection: Connection) -> None:
    """Answer calls until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process handles Ctrl-C
    end_with_main()
    max_bytes = int(os.environ.pop(_SWITCH))
    warnings.simplefilter("ignore")  # they are about the file, and what matters is a remark or an error of ours
    _limit_memory(max_bytes)
    with suppress(EOFError, BrokenPipeError):
        while True:
            function, args, kwargs = connection.recv()
            for answer in _answers(function, args, kwargs):
                connection.send(answer)
                if answer[0] in ("iterator", "item") and connection.recv() is _STOP:
                    connection.send(_END)
                    break
            gc.collect()  # decoders are in cycles, and each has threads, whose stacks count against the limit
            gc.freeze()  # what is left is there to stay: the next time, it is not looked at


def _answers(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[_Answer]:
    try:
        found = function(*args, **kwargs)
        if not isinstance(found, Iterator):
            yield "value", found
            return
        yield _ITERATOR
        for item in found:
            yield "item", item
        yield _END
    except AtsalError as error:
        yield "error", error
    except Exception as error:  # no type of another package need be known to the main process
        path = next(iter((*args, *kwargs.values())))
        yield "error", MediaError(f"{path}: cannot be read ({error_reason(error)}); copy or download it again")


def _limit_memory(max_bytes: int) -> None:
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - not on every system

        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + max_bytes, taken + max_bytes))

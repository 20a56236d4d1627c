"""A process that prepares once, as by loading a model, and then answers questions, in order and within limits."""

import logging
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from atsal.errors import AtsalError
from atsal.jobs.child_process import ChildProcess
from atsal.jobs.engine import Death
from atsal.jobs.supervised_workers import Limits, resident_bytes
from atsal.jobs.workers import end_with_main
from atsal.prediction.prefetch import prefetch

LOG = logging.getLogger("atsal.serving")
_START_S = 120.0  # to import PyTorch and load a model, on a busy machine
_POLL_S = 0.25  # between looks at time and memory
_READY, _ANSWER, _ERROR, _FAULT = range(4)  # what the process sends, with a value
_NO_QUESTION = object()  # nobody can send it
Answers = Callable[[Any], Any]


class TwoSteps(NamedTuple):
    """Answers in two steps. While `finish` takes what `begin` returned, `begin` takes the next question in a thread."""

    begin: Answers
    finish: Answers


class WarmProcess(ChildProcess):
    """The process. Like a child of `isolated_reading`, it is no sandbox: its answers are trusted.

    Args:
        prepare: returns, in the process, what answers questions. It is pickled.
        limits: of one answer. The memory has to be stated.

    """

    def __init__(self, prepare: Callable[[], Answers | TwoSteps], limits: Limits) -> None:
        super().__init__(_serve, prepare, daemon=True)
        self._limits = limits
        self._is_ready = False

    def get_ready(self) -> Death | None:
        """Wait for the preparation; return a `Death` where the process ended over it. It blocks.

        Raises RuntimeError where the preparation failed. After either, end the process.
        """
        if self._is_ready:
            return None
        try:
            found = self._receive(_START_S)
        except AtsalError as error:  # it is about the service, not about a question
            raise RuntimeError(f"a warm process cannot begin: {error}") from error
        self._is_ready = not isinstance(found, Death)
        return found if isinstance(found, Death) else None

    def ask(self, question: Any) -> Any:
        """Return the answer, or a `Death` where the process ended over it. It blocks, and waits for the preparation.

        Raises the `AtsalError` that the question raised, and RuntimeError for a fault of the program or a preparation
        that failed. After a `Death` or an error of the preparation, end the process.
        """
        death = self.get_ready()
        if death is not None:
            return death
        self.send(question)
        return self.receive()

    def send(self, question: Any) -> None:
        """Send a question to a process that is ready. It blocks where the process does not take it for now."""
        with suppress(OSError):  # it has ended, and reading says so
            self.pipe.send(question)

    def receive(self) -> Any:
        """Return the next answer, in the order of the questions, as `ask` does. Another thread may send meanwhile."""
        return self._receive(self._limits.standstill_s)

    def kill(self) -> None:
        """Let the process end now; whoever waits for its answer gets a `Death`."""
        self._process.kill()

    def _receive(self, most_s: float) -> Any:
        try:
            excess = self._wait(most_s)
            if excess is not None:
                return Death(excess)
            kind, value = self.pipe.recv()
        except (EOFError, OSError):
            return Death(self.how_it_ended())
        if kind == _ERROR:
            raise value
        if kind == _FAULT:
            raise RuntimeError(value)
        return value

    def _wait(self, most_s: float) -> str | None:
        """Wait for what the process sends; return what it has too much of, None: nothing."""
        began_s, most_bytes = time.monotonic(), self._limits.memory_bytes or float("inf")
        while not self.pipe.poll(_POLL_S):
            if time.monotonic() - began_s > most_s:
                return f"gave no answer for {most_s:g} s"
            if resident_bytes(self.pid) > most_bytes:
                return f"took more than {most_bytes / 1e9:.1f} GB of memory"
        return None


def _serve(pipe: "Connection[Any, Any]", prepare: Callable[[], Answers | TwoSteps]) -> None:
    """Answer questions from a pipe until it ends."""
    end_with_main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process handles Ctrl-C
    warnings.simplefilter("ignore")  # they are about files, and what matters is an error of ours
    with suppress(EOFError, BrokenPipeError):
        try:
            answers = prepare()
        except AtsalError as error:
            pipe.send((_ERROR, error))
            return
        pipe.send((_READY, None))
        for answer in _all_answered(answers, iter(pipe.recv, _NO_QUESTION)):
            pipe.send(answer)


def _all_answered(answers: Answers | TwoSteps, questions: Iterator[Any]) -> Iterator[tuple[int, Any]]:
    if not isinstance(answers, TwoSteps):
        yield from (_answered(answers, question) for question in questions)
        return
    for kind, value in prefetch((_answered(answers.begin, question) for question in questions), 1):
        yield _answered(answers.finish, value) if kind == _ANSWER else (kind, value)


def _answered(answer: Answers, question: Any) -> tuple[int, Any]:
    try:
        return _ANSWER, answer(question)
    except AtsalError as error:
        return _ERROR, error
    except Exception as error:
        LOG.exception("a warm process met an unexpected error")
        return _FAULT, f"a warm process met an unexpected error ({type(error).__name__})"

"""The processes that predict photos, and those that wait for them."""

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from atsal.errors import SetAsideError
from atsal.jobs.engine import MOST_TRIES, Death
from atsal.serving.photos.fair_queue import FairQueue, FullError
from atsal.serving.photos.settings import PhotoSettings
from atsal.serving.warm_process import Answers, WarmProcess

_FIRST_GUESS_S = 0.1  # that a photo takes
_NEWEST_SHARE = 0.1  # of the newest photo in the mean time


class PhotoPool:
    """Processes with the model loaded, each of which answers one photo at a time. They start when first needed.

    A process that ends is replaced, and its photo is tried once more.

    Args:
        prepare: returns, in a process, the function that answers photos.
        settings: how many there are.

    """

    def __init__(self, prepare: Callable[[], Answers], settings: PhotoSettings) -> None:
        workers = settings.processes
        self._start = partial(WarmProcess, prepare, settings.limits)
        self._waiting: FairQueue[_Waiting] = FairQueue(settings.most_waiting, settings.most_waiting_of_one)
        self._threads = ThreadPoolExecutor(workers, "photo")  # each waits for one process
        self._workers = workers
        self._idle: list[WarmProcess] = []
        self._busy: set[WarmProcess] = set()
        self._lock = threading.Lock()
        self._has_stopped = False
        self._mean_s = _FIRST_GUESS_S

    def submit(self, owner: str, photo: Any) -> "Future[Any]":
        """Return what will have the answer; to cancel it gives the place in the queue away. Raises `FullError`.

        The answer may be what `WarmProcess.ask` raises, or `SetAsideError` for a photo that ends processes.
        """
        waiting = _Waiting(photo)
        with self._lock:
            self._waiting.add(owner, waiting)
        waiting.answer.add_done_callback(lambda _: self._forget(owner, waiting))
        self._threads.submit(self._answer_next)
        return waiting.answer

    def seconds_to_wait(self) -> int:
        """Return about how long a new photo would wait, in whole seconds, 1 or more."""
        with self._lock:
            return max(1, math.ceil(len(self._waiting) * self._mean_s / self._workers))

    def stop(self) -> None:
        """End the processes; photos that have no answer yet get none."""
        with self._lock:
            self._has_stopped = True
            for process in self._busy:
                process.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        while (waiting := self._waiting.take()) is not None:
            waiting.answer.cancel()
        for process in self._idle:
            process.end()

    def _forget(self, owner: str, waiting: "_Waiting") -> None:
        with self._lock:
            self._waiting.discard(owner, waiting)

    def _answer_next(self) -> None:
        """Answer the photo whose turn it is, which need not be the one that was submitted with this call."""
        with self._lock:
            waiting = self._waiting.take()
        if waiting is None or not waiting.answer.set_running_or_notify_cancel():
            return
        began_s = time.monotonic()
        try:
            waiting.answer.set_result(self._ask(waiting.photo))
        except BaseException as error:
            waiting.answer.set_exception(error)
        with self._lock:
            self._mean_s += _NEWEST_SHARE * (time.monotonic() - began_s - self._mean_s)

    def _ask(self, photo: Any) -> Any:
        """Return the answer, of the second try if need be."""
        reason, had_begun = "", True
        for _ in range(MOST_TRIES):
            process, found = self._borrow(), None
            try:
                death = process.get_ready()
                found = death or process.ask(photo)
            finally:  # after an error, the process goes on; if it was the error of its preparation, it has ended
                self._give_back(process, has_ended=isinstance(found, Death))
            if not isinstance(found, Death):
                return found
            reason, had_begun = found.reason, death is None
        if not had_begun:
            raise RuntimeError(f"a process for photos {reason}, before it read one")
        raise SetAsideError(f"photo: the process that read it {reason}, at the second try")

    def _borrow(self) -> WarmProcess:
        """Return a process that runs. Raises `FullError` once there are none any more."""
        process = self._pop_idle()
        if process is None:
            process = self._start()
        with self._lock:
            if self._has_stopped:
                process.end()
                raise FullError(is_own=False)
            self._busy.add(process)
        return process

    def _pop_idle(self) -> WarmProcess | None:
        while True:
            with self._lock:
                process = self._idle.pop() if self._idle else None
            if process is None or process.is_alive:
                return process
            process.end()

    def _give_back(self, process: WarmProcess, *, has_ended: bool) -> None:
        with self._lock:
            self._busy.discard(process)
            if not has_ended and not self._has_stopped:
                self._idle.append(process)
                return
        process.end()


class _Waiting:
    """A photo that waits for its answer."""

    def __init__(self, photo: Any) -> None:
        self.photo = photo
        self.answer: Future[Any] = Future()

"""Worker processes: how many, how they are prepared, and that they never outlive the main process."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.connection import wait

from atsal.jobs.memory import keep_freed_memory, share_freed_memory


def worker_ended(how: str = "ended unexpectedly") -> str:
    """Return the message for workers that end before they begin, or that cannot be replaced."""
    return (
        f"a worker process {how}. If memory was short, run the same command again with fewer --workers: it resumes. "
        "If your own script starts workers, put its code below `if __name__ == '__main__':`"
    )


def usable_cores() -> int:
    """Return how many CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def ignore_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C in the block. Worker processes started in it inherit this: only the main process handles Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    if before is None:  # not set from Python, so Python cannot restore it
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def init_worker(threads: int = 1) -> None:
    """Prepare a worker process: it ends with the main process, and computes on so many threads."""
    share_freed_memory()
    keep_freed_memory()
    end_with_main()
    import torch  # noqa: PLC0415 - only in workers

    torch.set_num_threads(threads)


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Let PyTorch compute on one thread in the block, so that the last digit of a sum is the same on all machines."""
    import torch  # noqa: PLC0415 - as above

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def end_with_main() -> None:
    """Let this process end with the one that started it, whatever it does then; on Linux, also if it hangs in C."""
    parent = parent_process()
    if parent is None:
        return
    if sys.platform == "linux":
        _be_killed_at_end_of(parent.sentinel)
    threading.Thread(target=_exit_after, args=(parent.sentinel,), daemon=True).start()


def _be_killed_at_end_of(pipe: int) -> None:
    """Let the system kill this process when the other end of a pipe, on which nothing comes any more, is closed.

    A thread of Python cannot do this while other code holds the interpreter's lock.
    """
    import fcntl  # noqa: PLC0415 - not on every system

    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)


def _exit_after(pipe: int) -> None:
    """Exit when the other end of the pipe is closed, perhaps before the system was asked to look."""
    wait([pipe])
    os._exit(1)

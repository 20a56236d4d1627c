"""Run a job on many items in worker processes, which never outlive the main process."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import active_children, get_context, parent_process
from typing import Any, TypeVar

from atsal.errors import AtsalError
from atsal.jobs.memory import keep_freed_memory

WORKER_ENDED = (
    "a worker process ended unexpectedly. If memory was short, run the same command again with fewer --workers: it "
    "resumes. If your own script starts workers, put its code below `if __name__ == '__main__':`"
)
_job: list[Callable[[Any], Any]] = []  # of this worker process
T = TypeVar("T")
R = TypeVar("R")


def usable_cores() -> int:
    """Return how many CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_each(
    job: Callable[[T], R],
    items: Iterable[T],
    workers: int,
) -> Iterator[tuple[T, R]]:
    """Yield each item with the job's result, in order of completion; in this process for one worker or one item.

    Items are taken when a worker will soon have nothing to do. On any exception, Ctrl-C included, all workers are
    terminated. Raises `AtsalError` if the system killed one.

    Args:
        job: runs on one item; it is pickled once for each worker.
        items: what to work on.
        workers: the most processes; there are no more than items.

    """
    remaining = iter(items)
    first = list(islice(remaining, workers))
    if len(first) <= 1:
        for item in chain(first, remaining):
            yield item, job(item)
        return
    other_children = set(active_children())
    # "spawn", because a forked copy of a process with threads may hang
    pool = ProcessPoolExecutor(len(first), get_context("spawn"), initializer=_init_with_job, initargs=(job,))
    try:
        running: dict[Future[R], T] = {}
        for item in chain(first, remaining):
            with ignore_interrupts():
                running[pool.submit(_run_job, item)] = item
            if len(running) >= 2 * workers:
                yield from _take_finished(running)
        while running:
            yield from _take_finished(running)
    except BaseException as error:
        for process in set(active_children()) - other_children:
            process.terminate()
        if isinstance(error, BrokenProcessPool):
            raise AtsalError(WORKER_ENDED) from error
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _take_finished(running: "dict[Future[R], T]") -> Iterator[tuple[T, R]]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        yield running.pop(future), future.result()


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


def _init_with_job(job: Callable[[Any], Any]) -> None:
    init_worker()
    _job[:] = [job]


def _run_job(item: Any) -> Any:
    return _job[0](item)


def init_worker(threads: int = 1) -> None:
    """Prepare a worker process: it ends with the main process, and computes on so many threads."""
    end_with_main()
    keep_freed_memory()
    import torch  # noqa: PLC0415 - only in workers

    torch.set_num_threads(threads)


def end_with_main() -> None:
    """Let this process end with the one that started it, whatever it does then."""
    threading.Thread(target=_end_with_main, daemon=True).start()


def _end_with_main() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

"""Run a job on many items in processes of their own, which never outlive the main one."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from typing import TypeVar

from atsal.errors import AtsalError
from atsal.jobs.memory import keep_freed_memory

ENDED = (
    "a worker ended early. Where memory was short, the same command goes on where it stopped, with fewer --workers. "
    "Where a script of yours asks for workers, what it does must stand below `if __name__ == '__main__':`"
)
T = TypeVar("T")
R = TypeVar("R")


def run_each(job: Callable[[T], R], items: Sequence[T], workers: int) -> Iterator[tuple[T, R]]:
    """Yield each item with the job's result, as they are done; in this process for one worker or one item.

    At an exception, Ctrl-C included, all workers are ended at once. Raises `AtsalError` where the system ended one.
    """
    if workers <= 1 or len(items) <= 1:
        for item in items:
            yield item, job(item)
        return
    others = set(active_children())
    # a copy of a process with threads may hang: start new ones
    pool = ProcessPoolExecutor(min(workers, len(items)), get_context("spawn"), initializer=as_worker)
    try:
        running: dict[Future[R], T] = {}
        for item in items:
            with interrupts_ignored():
                running[pool.submit(job, item)] = item
            if len(running) >= 2 * workers:
                yield from _finished(running)
        while running:
            yield from _finished(running)
    except BaseException as error:
        for process in set(active_children()) - others:
            process.terminate()
        if isinstance(error, BrokenProcessPool):
            raise AtsalError(ENDED) from error
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(running: "dict[Future[R], T]") -> Iterator[tuple[T, R]]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        yield running.pop(future), future.result()


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """A worker that starts meanwhile inherits it: Ctrl-C is the main process's business."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    if before is None:  # not Python's to put back
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def as_worker() -> None:
    """Begin a worker: it ends with the main process, however that ends, and leaves other cores to other workers."""
    threading.Thread(target=_end_with_main, daemon=True).start()
    keep_freed_memory()
    import torch  # noqa: PLC0415 - only in workers

    torch.set_num_threads(1)


def _end_with_main() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

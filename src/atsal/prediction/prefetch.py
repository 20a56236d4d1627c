"""Stages that overlap: each runs in a thread of its own, and a short queue makes a fast stage wait for a slow one.

    frames = prefetch(read_frames(path), 4)          # decodes while the network runs
    results = prefetch(predictor.run(frames), 4)     # runs while the results are written
    for result, state in results: ...

The order stays. An error comes out where its item would have come, after all items before it. When the last stage
stops, because of an error, Ctrl-C or the end, the stages before it stop too, and it waits for them.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
THREAD_NAME = "stage"
_POLL_S = 0.1  # how often a stage that waits for room checks whether it should stop


class _End:
    """The last object in a queue, with the error if there was one."""

    def __init__(self) -> None:
        self.error: BaseException | None = None


def prefetch(items: Iterable[T], depth: int) -> Generator[T]:
    """Yield `items`, taken in a thread of its own up to `depth` ahead. The first request starts the thread.

    The thread stops when the generator is closed, exhausted or dropped.
    """
    queue: Queue[T | _End] = Queue(max(1, depth))
    stopped = Event()

    def put(item: T | _End) -> bool:
        while not stopped.is_set():
            with suppress(Full):
                queue.put(item, timeout=_POLL_S)
                return not stopped.is_set()
        return False

    def work() -> None:
        end = _End()
        try:
            with _closing(iter(items)) as iterator:
                for item in iterator:
                    if not put(item):
                        return
        except BaseException as error:  # raised again in the thread of the caller
            end.error = error
        finally:
            put(end)

    thread = Thread(target=work, name=THREAD_NAME, daemon=True)
    thread.start()
    try:
        while True:
            item = queue.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stopped.set()
        with suppress(Empty):  # makes room, so that a waiting stage stops at once
            while True:
                queue.get_nowait()
        thread.join()


def map_closing(function: Callable[[T], R], items: Iterable[T]) -> Generator[R]:
    """Yield `function` of each item. Unlike a generator expression, close `items` when this is closed."""
    with _closing(iter(items)) as iterator:
        for item in iterator:
            yield function(item)


def take(items: Iterable[T], count: int) -> Generator[T]:
    """Yield the first `count` items, and close `items` then. Unlike `islice`, close them also when this is closed."""
    with _closing(iter(items)) as iterator:
        yield from islice(iterator, count)


@contextmanager
def _closing(iterator: Iterator[T]) -> Iterator[Iterator[T]]:
    """Close a generator at the end. Other iterators need no closing."""
    try:
        yield iterator
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` items; the last may be shorter. An error comes after the list of the items before it."""
    with _closing(iter(items)) as iterator:
        while True:
            batch: list[T] = []
            try:
                for item in iterator:
                    batch.append(item)
                    if len(batch) == size:
                        break
            except Exception:
                if batch:
                    yield batch
                raise
            if batch:
                yield batch
            if len(batch) < size:
                return

"""Stages that overlap: each in a thread of its own, a short queue behind it, so that a fast one waits for a slow one.

    frames = ahead(read_frames(path), 4)          # decodes while the network runs
    results = ahead(predictor.run(frames), 4)     # runs while the results are written
    for result, state in results: ...

Order is kept. An error comes out where its item would have, after all that came before it. When the last stage stops,
by an error, by Ctrl-C or at the end, the ones before it are stopped and waited for.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
_LOOK_S = 0.1  # how often a stage that waits looks whether it should stop


class _Ended:
    """Comes last out of a queue, with the error if there was one."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterable[T], depth: int) -> Generator[T]:
    """Take from `items` in a thread of its own, up to `depth` ahead of who asks; started by the first one asked for.

    Close the generator to stop the thread; `for` over it to the end, or dropping it, does so too.
    """
    queue: Queue[T | _Ended] = Queue(max(1, depth))
    stopped = Event()

    def put(item: T | _Ended) -> bool:
        while not stopped.is_set():
            with suppress(Full):
                queue.put(item, timeout=_LOOK_S)
                return not stopped.is_set()
        return False

    def work() -> None:
        ended = _Ended(None)
        try:
            with _closed(iter(items)) as iterator:
                for item in iterator:
                    if not put(item):
                        return
        except BaseException as problem:  # raised again by who asks
            ended.error = problem
        finally:
            put(ended)

    thread = Thread(target=work, name="stage", daemon=True)
    thread.start()
    try:
        while True:
            item = queue.get()
            if isinstance(item, _Ended):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stopped.set()
        with suppress(Empty):  # a stage that waits for room goes on at once
            while True:
                queue.get_nowait()
        thread.join()


def mapped(function: Callable[[T], R], items: Iterable[T]) -> Generator[R]:
    """`function` of each item; unlike a generator expression, it closes what it takes from when it is closed."""
    with _closed(iter(items)) as iterator:
        for item in iterator:
            yield function(item)


@contextmanager
def _closed(iterator: Iterator[T]) -> Iterator[Iterator[T]]:
    """Close a generator at the end; other iterators have nothing to close."""
    try:
        yield iterator
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one shorter; an error comes after the list of what came before it."""
    with _closed(iter(items)) as iterator:
        while True:
            group: list[T] = []
            try:
                for item in iterator:
                    group.append(item)
                    if len(group) == size:
                        break
            except Exception:
                if group:
                    yield group
                raise
            if group:
                yield group
            if len(group) < size:
                return

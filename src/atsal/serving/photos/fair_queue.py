"""A queue that is fair between those who wait: whoever sends many photos does not delay whoever sends one."""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FullError(Exception):
    """The queue is full; `is_own`: only the places of this caller are."""

    def __init__(self, *, is_own: bool) -> None:
        super().__init__()
        self.is_own = is_own


class FairQueue(Generic[T]):
    """Items of several owners. The owners take turns; of each, the oldest item comes first.

    Args:
        most: the most items.
        most_of_one: the most items of one owner.

    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._items: OrderedDict[str, deque[T]] = OrderedDict()  # by owner, in the order of their turns

    def __len__(self) -> int:
        return sum(map(len, self._items.values()))

    def add(self, owner: str, item: T) -> None:
        """Add an item. Raises `FullError`."""
        if len(self._items.get(owner, ())) >= self._most_of_one:
            raise FullError(is_own=True)
        if len(self) >= self._most:
            raise FullError(is_own=False)
        self._items.setdefault(owner, deque()).append(item)

    def take(self) -> T | None:
        """Remove and return the next item; None: there is none."""
        if not self._items:
            return None
        owner, items = self._items.popitem(last=False)
        item = items.popleft()
        if items:
            self._items[owner] = items
        return item

    def discard(self, owner: str, item: T) -> None:
        """Remove an item, if it still waits."""
        items = self._items.get(owner)
        if items is not None and item in items:
            items.remove(item)
            if not items:
                del self._items[owner]

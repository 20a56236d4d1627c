"""What a reader gives: the records of a file, and an account of what it left out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
LOST_SAMPLE = "(a lost sample)"  # the end of the reasons for which rows without a gaze are left out


@dataclass(frozen=True)
class Drop:
    """Rows of a log that were left out, for one reason."""

    reason: str
    count: int
    first: str  # where the first of them is: "file, line 12"

    def __str__(self) -> str:
        return f"{self.count} x {self.reason} (first: {self.first})"


class DropCounter:
    """Counts what a reader leaves out."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def add(self, reason: str, where: str, count: int = 1) -> None:
        """Note `count` rows left out for `reason`, the first of them at `where`."""
        if count:
            self._count[reason] += count
            self._first.setdefault(reason, where)

    def merge(self, drops: Iterable[Drop]) -> None:
        """Add what another reader counted."""
        for drop in drops:
            self.add(drop.reason, drop.first, drop.count)

    def result(self) -> tuple[Drop, ...]:
        """All of it, in order of reason."""
        return tuple(Drop(reason, self._count[reason], self._first[reason]) for reason in sorted(self._count))


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What a reader made of a file, and what it left out."""

    records: T
    drops: tuple[Drop, ...] = ()
    notes: tuple[str, ...] = ()  # what was noticed and corrected, as times in another unit than promised

"""What a reader returns: the records of a file, and an account of the rows it dropped."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
LOST_SAMPLE = "(a lost sample)"  # ends the reason of every drop where the tracker gave no gaze


@dataclass(frozen=True)
class Drop:
    """Rows of a log that a reader dropped for one reason."""

    reason: str
    count: int
    first: str  # where the first of them is: "file, line 12"

    def __str__(self) -> str:
        return f"{self.count} x {self.reason} (first: {self.first})"


class DropCounter:
    """Counts dropped rows by reason."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def add(self, reason: str, where: str, count: int = 1) -> None:
        """Count `count` rows dropped for `reason`; the first of them is at `where`."""
        if count:
            self._count[reason] += count
            self._first.setdefault(reason, where)

    def merge(self, drops: Iterable[Drop]) -> None:
        """Add the drops of another reader."""
        for drop in drops:
            self.add(drop.reason, drop.first, drop.count)

    def result(self) -> tuple[Drop, ...]:
        """Return all drops, sorted by reason."""
        return tuple(Drop(reason, self._count[reason], self._first[reason]) for reason in sorted(self._count))


@dataclass(frozen=True)
class CheckedRecords(Generic[T]):
    """Records that passed all checks, and an account of what did not."""

    records: T
    drops: tuple[Drop, ...] = ()
    notes: tuple[str, ...] = ()  # what the reader noticed and corrected, such as another unit of time

"""What a report consists of: headings, paragraphs, listings, images and tables. Every format renders these blocks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

NO_VALUE = "–"


@dataclass(frozen=True)
class Cell:
    """One cell of a table: a name or a number, and what is said about it."""

    value: str | int | float | None  # None: no value
    details: Sequence[str] = ()  # smaller, below or behind it
    signed: bool = False  # show a plus sign
    bold: bool = False
    pale: bool = False
    verdict: int = 0  # 1: better than the reference; -1: worse
    footnote: int | None = None

    @property
    def text(self) -> str:
        """The name, the count, or the number with three decimals."""
        if self.value is None or isinstance(self.value, float):
            return number(self.value, signed=self.signed)
        return str(self.value)


@dataclass(frozen=True)
class Group:
    """Neighbouring rows of a table under a heading; the first cell of a row is its name."""

    heading: str
    rows: Sequence[Sequence[Cell]]
    is_ceiling: bool = False


@dataclass(frozen=True)
class Table:
    """Names at the left, numbers at the right."""

    kind: ClassVar = "table"
    columns: Sequence[str]
    groups: Sequence[Group]

    @property
    def rows(self) -> list[Sequence[Cell]]:
        """The rows of all groups."""
        return [row for group in self.groups for row in group.rows]


@dataclass(frozen=True)
class Listing:
    """Names with a text each."""

    kind: ClassVar = "listing"
    entries: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Heading:
    """The heading of what follows; level 1 is the title of the report."""

    kind: ClassVar = "heading"
    text: str
    level: int


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text; `is_note` for the small print."""

    kind: ClassVar = "paragraph"
    text: str
    is_note: bool = False


@dataclass(frozen=True)
class Image:
    """A plot or picture as a data address; only pages show it."""

    kind: ClassVar = "image"
    source: str
    title: str
    caption: str


Block = Table | Listing | Heading | Paragraph | Image


def number(value: float | None, *, signed: bool = False) -> str:
    """Return three decimals with a true minus sign; a dash for None and for what is not finite."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    text = f"{value:+.3f}" if signed else f"{value:z.3f}"  # signed, a rounded zero keeps its side: [−0.000, +0.146]
    return text.replace("-", "−")


def interval(low: float | None, high: float | None, *, signed: bool = False) -> tuple[str, ...]:
    """Return the ends of an interval in brackets as the details of a cell; nothing if there is no interval."""
    if low is None or high is None:
        return ()
    return (f"[{number(low, signed=signed)}, {number(high, signed=signed)}]",)


def value_text(value: object) -> str:
    """Return the value of a setting or a fact."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {value_text(found)}" for name, found in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(value_text, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if value >= 10_000 else str(value)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NO_VALUE
    return str(value)

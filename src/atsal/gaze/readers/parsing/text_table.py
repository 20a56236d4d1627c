"""Tables from text files and Parquet, read strictly: a row that does not fit is an error that names file and line.

In addition to what `text_rows` accepts: a `#` before the header, comment lines (a `#`, and another number of columns
than the table), and columns without a name, which are ignored. Missing values (empty, `nan`, `NaN`) become NaN.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.directions import Floats, Integers, Mask
from atsal.gaze.readers.parsing.number_text import comma_hint, parse_number, parse_numbers
from atsal.gaze.readers.parsing.parquet_columns import parquet_columns, parquet_names
from atsal.gaze.readers.parsing.text_rows import (
    COMMENT,
    NumberedRows,
    count_columns,
    drop_empty_end,
    explain_width,
    listed_columns,
    read_header,
    text_rows,
)
from atsal.untrusted.text import short_repr

MOST_CELLS = 12_000_000  # of a table, which is held in memory: about 100 bytes each
_BLOCK = 4096  # rows that are turned into columns together
_LONGEST_NAME = 1000  # characters
_MOST_IN_NAMES = 2**27  # characters of a column of names, each as wide as the longest
_TRUE, _FALSE = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no"}


@dataclass(frozen=True, eq=False)
class TextTable:
    """Columns of text by name, with the line of each row."""

    path: Path
    line: Integers  # (N,) from 1, as editors count
    columns: dict[str, tuple[str, ...]]
    line_word: str = "line"  # "row" for Parquet

    def __len__(self) -> int:
        return len(self.line)

    def where(self, row: int) -> str:
        """Return the place of a row for messages: "file, line 12"."""
        return f"{self.path}, {self.line_word} {self.line[row]}"

    def numbers(self, name: str) -> Floats:
        """Return a column as float64 (N,), NaN for missing values; `DataError` where a text is not a number."""
        values = parse_numbers(self.columns[name])
        if values is not None:
            return values
        return np.array([self._number(name, row, text) for row, text in enumerate(self.columns[name])], np.float64)

    def _number(self, name: str, row: int, text: str) -> float:
        value = parse_number(text)
        if value is None:
            raise DataError(
                f"{self.where(row)}: {name} is {short_repr(text.strip())}, expected a number{comma_hint(text)}"
            )
        return value

    def integers(self, name: str) -> Integers:
        """Return a column as int64 (N,); `DataError` where a text is not a whole number."""
        values, given = self.integers_or_missing(name)
        self.refuse(~given, name, "a whole number")
        return values

    def integers_or_missing(self, name: str) -> tuple[Integers, Mask]:
        """Return a column as int64 (N,), 0 for missing values, and where a value is given; `DataError` as above."""
        values = self.numbers(name)
        given = np.isfinite(values)
        values = np.where(given, values, 0)
        self.refuse((values != np.round(values)) | (np.abs(values) >= 2**53), name, "a whole number")
        return values.astype(np.int64), given

    def names(self, column: str) -> NDArray[np.str_]:
        """Return a column of names (N,), stripped, in one Unicode form; "" for a missing name."""
        texts = self.columns[column]
        known = {text: unicodedata.normalize("NFC", text.strip()) for text in set(texts)}
        longest = max(known.values(), key=len, default="")
        if len(longest) > _LONGEST_NAME or len(longest) * len(texts) > _MOST_IN_NAMES:
            raise DataError(f"{self.path}: {column} has a name of {len(longest):,} characters; expected short names")
        return np.array([known[text] for text in texts], np.str_)

    def flags(self, name: str, *, missing_is_false: bool = False) -> Mask:
        """Return a column of 1 and 0, or true and false, as bool (N,); `DataError` for any other text."""
        texts = [text.strip().lower() for text in self.columns[name]]
        known = _TRUE | _FALSE | ({"", "nan"} if missing_is_false else set())
        self.refuse(np.array([text not in known for text in texts], bool), name, "1 or 0, true or false")
        return np.array([text in _TRUE for text in texts], bool)

    def repeats(self, *key: str) -> Mask:
        """Return which rows equal an earlier row in all columns, (N,) bool.

        Only rows that agree in the `key` columns, for example observer and time, are compared, which saves time.
        """
        columns = [np.fromiter(map(hash, self.columns[name]), np.int64, len(self)) for name in key]
        order = np.lexsort(columns)
        same = np.all([column[order][1:] == column[order][:-1] for column in columns], axis=0)
        candidates = np.zeros(len(self), bool)
        candidates[order[1:][same]] = candidates[order[:-1][same]] = True
        found, seen = np.zeros(len(self), bool), set[tuple[str, ...]]()
        for row in np.flatnonzero(candidates).tolist():
            cells = tuple(column[row] for column in self.columns.values())
            found[row] = cells in seen
            seen.add(cells)
        return found

    def require_columns(self, names: Sequence[str], format_name: str) -> None:
        """Raise `DataError`, naming the missing columns and those that were found."""
        missing = [name for name in names if name not in self.columns]
        if missing:
            found = listed_columns(self.columns)
            raise DataError(f"{self.path}: not a {format_name} file: no column {', '.join(missing)}; found {found}")

    def refuse(self, wrong: Mask, name: str, expected: str) -> None:
        """Raise `DataError` naming the first wrong row, its value in column `name`, and what was expected."""
        if wrong.any():
            row = int(np.argmax(wrong))
            found = self.columns[name][row].strip() or "empty"
            raise DataError(f"{self.where(row)}: {name} is {short_repr(found)}, expected {expected}")

    def check_time_order(self, rows: Integers, time_s: Floats, observer: str) -> None:
        """Raise `DataError` naming the first of one observer's `rows` whose time is before that of the row before."""
        back = np.flatnonzero(np.diff(time_s) < 0)
        if len(back):
            at = int(back[0])
            raise DataError(
                f"{self.where(int(rows[at + 1]))}: time goes back from {time_s[at]:g} to {time_s[at + 1]:g} s for "
                f"observer {short_repr(observer)}; sort the rows, or give each recording an observer or item of its own"
            )

    def select(self, rows: Integers) -> Self:
        """Return some of the rows."""
        columns = {name: tuple(column[row] for row in rows) for name, column in self.columns.items()}
        return replace(self, line=self.line[rows], columns=columns)


def read_table(
    path: Path, names: Sequence[str] | None = None, *, separator: str = ",", strip: bool = True
) -> TextTable:
    """Read a text table; `names` are the columns of a file without a header.

    `strip` removes the spaces around cells. Raises `DataError`, naming the file and the line, for an unreadable or
    empty file, a row with another number of columns (cut off, or separated by something else) and a duplicate column
    name.
    """
    rows = text_rows(path, separator=separator, strip=strip)
    if names is None:
        names, rows = read_header(path, rows, separator)
    width = count_columns(names)
    lines, columns = as_columns(path, _checked_rows(path, rows, width, len(names), separator), width)
    return TextTable(path, lines, {name: column for name, column in zip(names, columns, strict=False) if name})


def load_table(path: Path, *, separator: str = ",") -> TextTable:
    """Read a CSV file, keeping spaces in cells, or a `.parquet` file, whose rows count as lines.

    Raises `DataError` for a file that is not such a table, `MissingDependencyError` if Parquet needs its package.
    """
    if path.suffix.lower() != ".parquet":
        return read_table(path, separator=separator, strip=False)
    columns, rows = parquet_columns(path, MOST_CELLS)
    return TextTable(path, np.arange(1, rows + 1), columns, "row")


def column_names(path: Path, *, separator: str = ",") -> list[str]:
    """Return the names of the columns of a text or `.parquet` file; raises what `load_table` raises."""
    if path.suffix.lower() != ".parquet":
        return read_header(path, text_rows(path, separator=separator, strip=False), separator)[0]
    return parquet_names(path)


def _checked_rows(path: Path, rows: NumberedRows, width: int, header_width: int, separator: str) -> NumberedRows:
    """Yield the rows of the table, each of `width` cells; skip comments and rows of nothing but separators."""
    for line, row in rows:
        cells = row if len(row) == width else drop_empty_end(row, width)
        if not any(cells):
            continue
        if len(cells) not in (width, header_width):
            if COMMENT.match(cells[0]):
                continue
            raise DataError(f"{path}, line {line}: {explain_width(row, width, separator)}")
        yield line, cells[:width]


def as_columns(path: Path, rows: NumberedRows, width: int) -> tuple[Integers, list[tuple[str, ...]]]:
    """Return the lines of all rows, (N,), and their cells by column; `DataError` for more than `MOST_CELLS` cells."""
    lines: list[int] = []
    columns: list[list[str]] = [[] for _ in range(width)]
    while block := list(islice(rows, _BLOCK)):
        lines += [line for line, _ in block]
        for column, cells in zip(columns, zip(*(row for _, row in block), strict=True), strict=True):
            column.extend(cells)
        if len(lines) * width > MOST_CELLS:
            raise DataError(
                f"{path}: more than {MOST_CELLS:,} values; split it, for example into one table per stimulus, or leave "
                "out columns"
            )
    return np.array(lines, np.int64), [tuple(column) for column in columns]

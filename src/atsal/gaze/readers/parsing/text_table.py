"""Tables in text files (and Parquet), read strictly: a row that does not fit is an error that names its file and line.

Tolerated, because real logs have them: what `lines` tells of, a `#` before the header, lines of comment (a `#`, and
another number of columns than the table has), separators at the ends of lines, columns without a name (left out).
Values that are missing (empty, `nan`, `NaN`) become NaN; the reader that calls decides what to do with them.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.directions import Floats
from atsal.gaze.readers.parsing.number_text import all_numbers, hint, number_in
from atsal.gaze.readers.parsing.parquet_columns import parquet_columns
from atsal.gaze.readers.parsing.text_rows import (
    COMMENT,
    fitted,
    header,
    listed,
    misfit,
    quoted_rows,
    text_rows,
    without_empty_end,
)
from atsal.untrusted.text import short_repr

MOST_CELLS = 12_000_000  # of a table, which is held as a whole: about 100 bytes each
_BLOCK = 4096  # rows that are turned into columns at once
_LONGEST_NAME = 1000  # characters
_MOST_IN_NAMES = 2**27  # characters of a column of names, each as wide as the longest
_TRUE, _FALSE = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no"}


@dataclass(frozen=True, eq=False)
class TextTable:
    """Columns of text by name, with the line of each row."""

    path: Path
    line: NDArray[np.int64]  # (N,) lines are counted from 1, as editors do
    columns: dict[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.line)

    def where(self, row: int) -> str:
        """'file, line 12' of a row."""
        return f"{self.path}, line {self.line[row]}"

    def numbers(self, name: str) -> Floats:
        """A column as float64 (N,), missing values as NaN; `DataError` where a text is no number."""
        values = all_numbers(self.columns[name])
        if values is not None:
            return values
        return np.array([self._number(name, row, text) for row, text in enumerate(self.columns[name])], np.float64)

    def integers(self, name: str) -> NDArray[np.int64]:
        """A column as int64 (N,); `DataError` where a text is no whole number."""
        values, given = self.integers_given(name)
        self.refuse(~given, name, "a whole number")
        return values

    def integers_given(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """A column as int64 (N,) and where it has a value, 0 where not; `DataError` where one is no whole number."""
        values = self.numbers(name)
        given = np.isfinite(values)
        values = np.where(given, values, 0)
        self.refuse((values != np.round(values)) | (np.abs(values) >= 2**53), name, "a whole number")
        return values.astype(np.int64), given

    def names(self, column: str) -> NDArray[np.str_]:
        """A column of names, (N,), without spaces around them and in one form of Unicode; "" where there is none."""
        texts = self.columns[column]
        known = {text: unicodedata.normalize("NFC", text.strip()) for text in set(texts)}
        longest = max(known.values(), key=len, default="")
        if len(longest) > _LONGEST_NAME or len(longest) * len(texts) > _MOST_IN_NAMES:
            raise DataError(f"{self.path}: {column} has a name of {len(longest):,} characters; expected short ones")
        return np.array([known[text] for text in texts], np.str_)

    def repeats(self, *key: str) -> NDArray[np.bool_]:
        """The rows that say the same as an earlier one in all columns, (N,) bool; `key` are columns to look at first.

        Rows are compared only where they agree in the key, as observer and time.
        """
        columns = [np.fromiter(map(hash, self.columns[name]), np.int64, len(self)) for name in key]
        order = np.lexsort(columns)
        same = np.all([column[order][1:] == column[order][:-1] for column in columns], axis=0)
        shared = np.zeros(len(self), bool)
        shared[order[1:][same]] = shared[order[:-1][same]] = True
        found, seen = np.zeros(len(self), bool), set[tuple[str, ...]]()
        for row in np.flatnonzero(shared).tolist():
            cells = tuple(column[row] for column in self.columns.values())
            found[row] = cells in seen
            seen.add(cells)
        return found

    def flags(self, name: str) -> NDArray[np.bool_]:
        """A column of 1 and 0, or true and false, as bool (N,); `DataError` where a text is neither."""
        texts = [text.strip().lower() for text in self.columns[name]]
        self.refuse(np.array([text not in _TRUE | _FALSE for text in texts], bool), name, "1 or 0, true or false")
        return np.array([text in _TRUE for text in texts], bool)

    def refuse(self, wrong: NDArray[np.bool_], name: str, expected: str) -> None:
        """`DataError` naming the first wrong row, what its column `name` holds, and what was expected."""
        if wrong.any():
            row = int(np.argmax(wrong))
            found = self.columns[name][row].strip() or "empty"
            raise DataError(f"{self.where(row)}: {name} is {short_repr(found)}, expected {expected}")

    def refuse_disorder(self, rows: NDArray[np.int64], time_s: Floats, observer: str) -> None:
        """`DataError` naming the first of `rows`, one observer's, whose time lies before that of the row before."""
        back = np.flatnonzero(np.diff(time_s) < 0)
        if len(back):
            at = int(back[0])
            raise DataError(
                f"{self.where(int(rows[at + 1]))}: time goes back from {time_s[at]:g} to {time_s[at + 1]:g} s for "
                f"observer {short_repr(observer)}; sort the rows, or give each recording an observer or item of its own"
            )

    def select(self, rows: NDArray[np.int64]) -> Self:
        """Some of the rows."""
        columns = {name: tuple(column[row] for row in rows) for name, column in self.columns.items()}
        return replace(self, line=self.line[rows], columns=columns)

    def _number(self, name: str, row: int, text: str) -> float:
        value = number_in(text)
        if value is None:
            raise DataError(f"{self.where(row)}: {name} is {short_repr(text.strip())}, expected a number{hint(text)}")
        return value


def read_table(path: Path, names: Sequence[str] | None = None, *, separator: str = ",") -> TextTable:
    """Read a table; `names` are the columns of a file without header, None takes them from the first row.

    Raises `DataError`, naming the file and the line, for an unreadable or empty file, a row with another number of
    columns (cut off, or separated by something else) and a column name that stands twice.
    """
    return _table(path, text_rows(path, separator=separator), names, separator)


def read_quoted_table(path: Path, *, separator: str = ",") -> TextTable:
    """Read a table with header whose cells may be quoted, as spreadsheets write them; errors as of `read_table`.

    A quoted cell may hold separators and line ends; spaces around texts are kept. `where` names the last line of a row.
    """
    return _table(path, quoted_rows(path, separator), None, separator)


def load_table(path: Path, *, separator: str = ",") -> TextTable:
    """The cells of a CSV file with quotes, or of a `.parquet` file, where rows count as lines.

    Raises `DataError` for a file that is not such a table, `MissingDependencyError` where Parquet lacks its package.
    """
    if path.suffix.lower() != ".parquet":
        return read_quoted_table(path, separator=separator)
    columns, rows = parquet_columns(path, MOST_CELLS)
    return _ParquetTable(path, np.arange(1, rows + 1), columns)


class _ParquetTable(TextTable):
    def where(self, row: int) -> str:
        return f"{self.path}, row {self.line[row]}"


def _table(path: Path, rows: Iterator[tuple[int, list[str]]], names: Sequence[str] | None, separator: str) -> TextTable:
    if names is None:
        names, rows = header(path, rows, separator)
    width = len(without_empty_end(names))
    lines, columns = as_columns(path, _cells(path, rows, width, len(names), separator), width)
    return TextTable(path, lines, {name: column for name, column in zip(names, columns, strict=False) if name})


def _cells(
    path: Path, rows: Iterator[tuple[int, list[str]]], width: int, named: int, separator: str
) -> Iterator[tuple[int, list[str]]]:
    """The rows of the table, each of `width` cells; `named` are as many as its header has."""
    for line, row in rows:
        cells = row if len(row) == width else fitted(row, width)
        if not (cells[0] or any(cells)):
            continue  # nothing but separators: a blank row
        if len(cells) not in (width, named):
            if COMMENT.match(cells[0]):
                continue
            raise DataError(f"{path}, line {line}: {misfit(row, width, separator)}")
        yield line, cells[:width]


def as_columns(
    path: Path, rows: Iterator[tuple[int, list[str]]], width: int
) -> tuple[NDArray[np.int64], list[tuple[str, ...]]]:
    """The lines of all rows, (N,), and their cells by column; `DataError` for more than `MOST_CELLS` of them."""
    lines: list[int] = []
    columns: list[list[str]] = [[] for _ in range(width)]
    while block := list(islice(rows, _BLOCK)):
        lines += [line for line, _ in block]
        for column, cells in zip(columns, zip(*(row for _, row in block), strict=True), strict=True):
            column.extend(cells)
        if len(lines) * width > MOST_CELLS:
            raise DataError(
                f"{path}: more than {MOST_CELLS:,} values; divide it, as into one table a stimulus, or leave out "
                "columns"
            )
    return np.array(lines, np.int64), [tuple(column) for column in columns]


def require_columns(table: TextTable, names: Sequence[str], format_name: str) -> None:
    """`DataError` naming the columns that are missing, and those that were found."""
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise DataError(
            f"{table.path}: not a {format_name} file: no column {', '.join(missing)}; found {listed(table.columns)}"
        )

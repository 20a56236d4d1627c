"""Tables in text files (and Parquet), read strictly: a row that does not fit is an error that names its file and line.

Tolerated, because real logs have them: what `lines` tells of, a `#` before the header, lines of comment (a `#`, and
another number of columns than the table has), separators at the ends of lines, columns without a name (left out).
Values that are missing (empty, `nan`, `NaN`) become NaN; the reader that calls decides what to do with them.
"""

import contextlib
import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError, MissingDependencyError, installing
from atsal.gaze.directions import Floats
from atsal.gaze.readers.lines import COMMENT, fitted, header, misfit, quoted_rows, text_rows, without_empty_end

_MISSING = {"", "nan", "na", "none", "null"}
_SHOWN = 40  # characters of a cell in a message
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
        try:
            return np.array(self.columns[name], np.float64)
        except ValueError:  # a missing value, or something else
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
            raise DataError(f"{self.where(row)}: {name} is {shown(found)}, expected {expected}")

    def refuse_disorder(self, rows: NDArray[np.int64], time_s: Floats, observer: str) -> None:
        """`DataError` naming the first of `rows`, one observer's, whose time lies before that of the row before."""
        back = np.flatnonzero(np.diff(time_s) < 0)
        if len(back):
            at = int(back[0])
            raise DataError(
                f"{self.where(int(rows[at + 1]))}: time goes back from {time_s[at]:g} to {time_s[at + 1]:g} s for "
                f"observer {observer!r}; sort the rows, or give each recording an observer or item of its own"
            )

    def select(self, rows: NDArray[np.int64]) -> Self:
        """Some of the rows."""
        columns = {name: tuple(column[row] for row in rows) for name, column in self.columns.items()}
        return replace(self, line=self.line[rows], columns=columns)

    def _number(self, name: str, row: int, text: str) -> float:
        if text.strip().lower() in _MISSING:
            return float("nan")
        try:
            return float(text)
        except ValueError:
            raise DataError(f"{self.where(row)}: {name} is {shown(text)}, expected a number") from None


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
    arrow, parquet = pyarrow()
    try:
        with parquet.ParquetFile(path) as file:
            content = file.read()
        names = content.column_names
        columns = {name: _cells(arrow, content.column(name)) for name in names}
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as Parquet ({str(error)[:200]}); copy or write it again") from error
    if len(columns) < len(names):
        raise DataError(f"{path}: a column name stands twice in {', '.join(names)}")
    return _ParquetTable(path, np.arange(1, content.num_rows + 1), columns)


def pyarrow() -> tuple[Any, Any]:
    """The modules `pyarrow` and `pyarrow.parquet`, an extra."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingDependencyError(f"Parquet tables need pyarrow: {installing('data')}") from error


class _ParquetTable(TextTable):
    def where(self, row: int) -> str:
        return f"{self.path}, row {self.line[row]}"


def _cells(arrow: Any, column: Any) -> tuple[str, ...]:
    with contextlib.suppress(arrow.ArrowException):  # lists and the like, which nothing here reads
        column = column.cast(arrow.string())  # the shortest text that reads back to the same float64
    return tuple("" if value is None else str(value) for value in column.to_pylist())


def _table(path: Path, rows: Iterator[tuple[int, list[str]]], names: Sequence[str] | None, separator: str) -> TextTable:
    if names is None:
        names, rows = header(path, rows, separator)
    width = len(without_empty_end(names))
    lines, values = [], []
    for line, row in rows:
        cells = row if len(row) == width else fitted(row, width)
        if not (cells[0] or any(cells)):
            continue  # nothing but separators: a blank row
        if len(cells) not in (width, len(names)):
            if COMMENT.match(cells[0]):
                continue
            raise DataError(f"{path}, line {line}: {misfit(row, width, separator)}")
        lines.append(line)
        values.append(cells[:width])
    columns = zip(*values, strict=True) if values else [()] * width
    named = {name: column for name, column in zip(names, columns, strict=False) if name}
    return TextTable(path, np.array(lines, np.int64), named)


def shown(text: str) -> str:
    """A cell's text for a message: quoted, and not longer than a message can take."""
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r} …"


def require_columns(table: TextTable, names: Sequence[str], format_name: str) -> None:
    """`DataError` naming the columns that are missing, and those that were found."""
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise DataError(
            f"{table.path}: not a {format_name} file: no column {', '.join(missing)}; found {', '.join(table.columns)}"
        )

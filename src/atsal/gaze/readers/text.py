"""Tables in text files (and Parquet), read strictly: a row that does not fit is an error that names its file and line.

Tolerated, because real logs have them: a byte-order mark, blank lines, spaces around names and values, a `#` before the
header, gzip (`.gz`), Windows line ends. Values that are missing (empty, `nan`, `NaN`) become NaN; the reader that calls
decides what to do with them.
"""

import contextlib
import csv
import gzip
import importlib
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError, MissingDependencyError
from atsal.gaze.directions import Floats

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "spaces"}
_MISSING = {"", "nan", "na", "none", "null"}
_TRUE, _FALSE = {"1", "true", "yes"}, {"0", "false", "no"}


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
        values = self.numbers(name)
        wrong = ~(np.isfinite(values) & (values == np.round(values)) & (np.abs(values) < 2**53))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(
                f"{self.where(row)}: {name} is {self.columns[name][row] or 'empty'!r}, expected a whole number"
            )
        return values.astype(np.int64)

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
            raise DataError(f"{self.where(row)}: {name} is {found!r}, expected {expected}")

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
            raise DataError(f"{self.where(row)}: {name} is {text!r}, expected a number") from None


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
    return _table(path, _quoted_rows(path, separator), None, separator)


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
        raise MissingDependencyError("Parquet tables need pyarrow: pip install 'atsal[data]'") from error


class _ParquetTable(TextTable):
    def where(self, row: int) -> str:
        return f"{self.path}, row {self.line[row]}"


def _cells(arrow: Any, column: Any) -> tuple[str, ...]:
    with contextlib.suppress(arrow.ArrowException):  # lists and the like, which nothing here reads
        column = column.cast(arrow.string())  # the shortest text that reads back to the same float64
    return tuple("" if value is None else str(value) for value in column.to_pylist())


def _table(path: Path, rows: Iterator[tuple[int, list[str]]], names: Sequence[str] | None, separator: str) -> TextTable:
    if names is None:
        first = next(rows, None)
        if first is None:
            raise DataError(f"{path}: the file is empty; expected a header and rows separated by {_word(separator)}")
        names = [name.removeprefix("#").strip() for name in first[1]]
        if len(set(names)) != len(names):
            raise DataError(f"{path}, line {first[0]}: a column name stands twice in {', '.join(names)}")
    lines, values = [], []
    for line, row in rows:
        if len(row) != len(names):
            raise DataError(f"{path}, line {line}: {_misfit(row, len(names), separator)}")
        lines.append(line)
        values.append(row)
    columns = zip(*values, strict=True) if values else [()] * len(names)
    return TextTable(path, np.array(lines, np.int64), dict(zip(names, columns, strict=True)))


def require_columns(table: TextTable, names: Sequence[str], format_name: str) -> None:
    """`DataError` naming the columns that are missing, and those that were found."""
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise DataError(
            f"{table.path}: not a {format_name} file: no column {', '.join(missing)}; found {', '.join(table.columns)}"
        )


def text_rows(path: Path, *, separator: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Line number and stripped values of each row that is not blank; a separator of ' ' takes any run of blanks."""
    with open_text(path) as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    parts = line.split() if separator == " " else line.rstrip("\r\n").split(separator)
                    yield number, [part.strip() for part in parts]
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: not a text file ({error.reason} at byte {error.start})") from error
        except (OSError, EOFError, zlib.error) as error:  # a gzip stream that breaks off or is damaged
            raise DataError(f"{path}: cannot be read to its end ({error}); copy or download it again") from error


def _quoted_rows(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    with open_text(path, newline="") as lines:
        reader = csv.reader(lines, delimiter=separator, strict=True)
        try:
            for row in reader:
                if len(row) > 1 or (row and row[0].strip()):
                    yield reader.line_num, row
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: not a table ({error}); is a quote left open?") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: not a text file ({error.reason} at byte {error.start})") from error
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path}: cannot be read to its end ({error}); copy or download it again") from error


def open_text(path: Path, newline: str | None = None) -> io.TextIOWrapper:
    """Open a text file or a gzipped one, without its byte-order mark; `DataError` where there is none.

    `newline` is as for `open`: "" leaves the line ends as they are, which quoted cells need.
    """
    try:
        raw = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise DataError(f"{path}: cannot be opened ({error.strerror or error})") from error
    return io.TextIOWrapper(raw, encoding="utf-8-sig", newline=newline)


def _misfit(row: Sequence[str], expected: int, separator: str) -> str:
    found = f"{len(row)} column{'s' * (len(row) != 1)}, expected {expected}"
    text = separator.join(row)
    for other, word in _SEPARATORS.items():
        parts = text.split() if other == " " else text.split(other)
        if other != separator and len(parts) == expected:
            return f"{found} separated by {_word(separator)}: this line is separated by {word}"
    return f"{found} separated by {_word(separator)}; is the line cut off?"


def _word(separator: str) -> str:
    return _SEPARATORS.get(separator, repr(separator))

"""Tables in text files, read strictly: a row that does not fit is an error that names its file and line.

Tolerated, because real logs have them: a byte-order mark, blank lines, spaces around names and values, a `#` before the
header, gzip (`.gz`), Windows line ends. Values that are missing (empty, `nan`, `NaN`) become NaN; the reader that calls
decides what to do with them.
"""

import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.directions import Floats

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "spaces"}
_MISSING = {"", "nan", "na", "none", "null"}


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

    def _number(self, name: str, row: int, text: str) -> float:
        if text.lower() in _MISSING:
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
    rows = text_rows(path, separator=separator)
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
        except (OSError, EOFError) as error:  # a gzip stream that breaks off
            raise DataError(f"{path}: cannot be read to its end ({error}); copy or download it again") from error


def open_text(path: Path) -> io.TextIOBase:
    """Open a text file or a gzipped one, without its byte-order mark; `DataError` where there is none."""
    try:
        raw = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: cannot be opened ({error.strerror or error})") from error
    return io.TextIOWrapper(raw, encoding="utf-8-sig", newline=None)


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

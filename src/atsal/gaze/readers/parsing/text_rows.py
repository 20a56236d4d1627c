"""Rows of cells from text files, with their line numbers.

Real logs vary, so all of this is read: gzip, whatever the file's name; UTF-8 with or without a byte-order mark, UTF-16
with one, single letters of Latin-1; quoted cells; blank lines; spaces around values; Windows line ends; separators
after the last value. The length of a line, the number of lines and the size after unpacking are limited, so that no
file can fill the memory.
"""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from atsal.errors import DataError
from atsal.gaze.readers.parsing.number_text import parse_number
from atsal.untrusted.files import check_readable
from atsal.untrusted.text import escape_controls, plural, short_repr

COMMENT = re.compile(r"#(?!\d)")  # a viewer may be called #1
NumberedRows = Iterator[tuple[int, list[str]]]  # line numbers and cells

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "spaces"}
_GZIP = b"\x1f\x8b"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LATIN_1 = "atsal-latin-1"
_LONGEST_LINE = 2**20  # characters
_MOST_LINES = 12_000_000
_MOST_CHARACTERS = 256 * 2**20
_MOST_COLUMNS = 1000
_LONGEST_LIST = 200  # characters of column names in a message
_FIRST_LETTER = 0xA0  # bytes from 0x80 up to here are control codes in Latin-1


def _decode_latin_1(error: UnicodeError) -> tuple[str, int]:
    """Decode bytes that are not UTF-8 as letters of Latin-1; raise `error` if they are not letters either."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    found = error.object[error.start : error.end]
    if min(found) < _FIRST_LETTER:
        raise error
    return found.decode("latin-1"), error.end


codecs.register_error(_LATIN_1, _decode_latin_1)


def text_rows(path: Path, *, separator: str = ",", strip: bool = True) -> NumberedRows:
    """Yield the (last) line number and the cells of each row that is not blank.

    A cell in quotes may hold separators and line ends. `strip` removes the spaces around cells. The separator " "
    stands for any number of spaces. Raises `DataError`.
    """
    reader = csv.reader(text_lines(path), delimiter=separator, skipinitialspace=strip, strict=True)
    try:
        for cells in reader:
            row = [cell for cell in cells if cell] if separator == " " else cells
            if strip:
                row = [cell.strip() for cell in row]
            if len(row) > 1 or (row and row[0].strip()):
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not a table ({error}); is a quote left open?") from error


def text_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, gzipped or not, with their line ends, within the limits above."""
    check_readable(path, "gaze log", DataError)
    number = characters = 0
    try:
        with _open_text(path) as stream:
            while line := stream.readline(_LONGEST_LINE + 1):
                number += 1
                characters += len(line) if line.isascii() else 4 * len(line)  # bytes in memory
                if len(line) > _LONGEST_LINE:
                    raise DataError(
                        f"{path}, line {number}: longer than {_LONGEST_LINE:,} characters; expected a log of lines: is "
                        "it another file, or damaged?"
                    )
                if characters > _MOST_CHARACTERS or number > _MOST_LINES:
                    raise DataError(
                        f"{path}: more than {_MOST_LINES:,} lines or {_MOST_CHARACTERS // 2**20} MiB of text; split "
                        "it, for example into one log per stimulus"
                    )
                if "\0" in line:
                    raise DataError(
                        f"{path}: not a text file (a zero byte in line {number}); is it another file, or damaged?"
                    )
                yield line
    except UnicodeError as error:
        reason = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
        raise DataError(
            f"{path}: not a text file ({reason}, after line {number}); is it another file, or damaged? Text must be "
            "UTF-8"
        ) from error
    except (OSError, EOFError, zlib.error) as error:  # among others, a gzip stream that is cut off or damaged
        raise DataError(f"{path}: cannot be read to its end ({error}); copy or download it again") from error


def _open_text(path: Path) -> io.TextIOWrapper:
    with path.open("rb") as file:
        start = file.read(2)
    raw = gzip.open(path, "rb") if start == _GZIP else path.open("rb")  # noqa: SIM115 - the caller closes it
    encoding, errors = ("utf-16", "strict") if start in _UTF_16 else ("utf-8-sig", _LATIN_1)
    return io.TextIOWrapper(raw, encoding=encoding, errors=errors, newline="")


def drop_empty_end(row: list[str], width: int) -> list[str]:
    """Return a row without its empty cells beyond `width`, which come from separators after the last value."""
    return row[:width] if len(row) > width and not any(cell.strip() for cell in row[width:]) else row


def count_columns(row: Sequence[str]) -> int:
    """Return the number of cells up to the last one that is not empty."""
    return max((place for place, cell in enumerate(row, 1) if cell.strip()), default=0)


def read_header(path: Path, rows: NumberedRows, separator: str) -> tuple[list[str], NumberedRows]:
    """Return the names of the columns, "" for one without a name, and the rows below the header.

    Raises `DataError` for a file without rows, a duplicate name, and a file with another separator.
    """
    line, found, rows = _header_row(path, rows, separator)
    if len(found) > _MOST_COLUMNS:
        raise DataError(f"{path}, line {line}: {len(found):,} columns; expected a table of at most {_MOST_COLUMNS:,}")
    names = [re.sub(r"^#+", "", name).strip() for name in found]
    named = [name for name in names if name]
    if len(set(named)) != len(named):
        hint = "; is the header missing?" if any(map(_is_number, named)) else ""
        raise DataError(f"{path}, line {line}: a duplicate column name in {listed_columns(names)}{hint}")
    if len(named) == 1:
        for other, word in _SEPARATORS.items():
            if other != separator and len(named[0].split(other)) > 2:
                raise DataError(
                    f"{path}, line {line}: one column, {short_repr(named[0])}: this line is separated by {word}; "
                    "expected "
                    f"{_separator_name(separator)}"
                )
    return names, rows


def _header_row(path: Path, rows: NumberedRows, separator: str) -> tuple[int, list[str], NumberedRows]:
    """Return line and cells of the header: the first row without a #, or a comment above it if it holds numbers."""
    comments: list[tuple[int, list[str]]] = []
    first: list[tuple[int, list[str]]] = []
    for line, row in rows:
        if COMMENT.match(row[0]):
            comments.append((line, row))
        elif not row[0].lower().startswith("sep="):  # spreadsheets declare their separator so
            first.append((line, row))
            break
    if comments and (not first or any(map(_is_number, first[0][1]))):
        width = count_columns(first[0][1]) if first else 0
        fitting = [entry for entry in comments if count_columns(entry[1]) == width]
        several = [entry for entry in comments if len(entry[1]) > 1]
        line, row = (fitting or several or comments)[-1]
        return line, row, chain(first, rows)
    if not first:
        raise DataError(f"{path}: has no rows; expected a header and rows separated by {_separator_name(separator)}")
    return (*first[0], rows)


def _is_number(text: str) -> bool:
    return text.strip() != "" and parse_number(text) is not None


def listed_columns(names: Iterable[str]) -> str:
    """Return the names of columns for a message, cut if they are too long."""
    text = escape_controls(", ".join(names))
    return text if len(text) <= _LONGEST_LIST else f"{text[:_LONGEST_LIST]}…"


def explain_width(row: Sequence[str], expected: int, separator: str) -> str:
    """Return, for a message, why a row does not have the expected number of columns."""
    found = f"{plural(len(row), 'column')}, expected {expected} separated by {_separator_name(separator)}"
    text = separator.join(row)
    for other, word in _SEPARATORS.items():
        parts = text.split() if other == " " else text.split(other)
        if other != separator and len(parts) == expected:
            return f"{found}: this line is separated by {word}"
    return f"{found}; is the line cut off?"


def _separator_name(separator: str) -> str:
    return _SEPARATORS.get(separator, repr(separator))

"""Lines of text files as rows of cells.

Tolerated, because real logs have them: gzip, whatever the name; UTF-8 with or without a byte-order mark, UTF-16 with
one, letters of Latin-1; blank lines; spaces around values; Windows line ends; separators behind the last value.
A file is bounded while it is read (length of a line, lines, characters after unpacking), so that no file fills memory.
"""

import codecs
import csv
import gzip
import io
import re
import stat
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from atsal.errors import DataError
from atsal.gaze.readers.parsing.number_text import number_in
from atsal.untrusted.text import escape_controls, plural, short_repr

COMMENT = re.compile(r"#(?!\d)")  # a viewer may be called #1

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "spaces"}
_GZIP = b"\x1f\x8b"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LATIN_1 = "atsal-latin-1"
_LONGEST_LINE = 2**20  # characters
_MOST_LINES = 12_000_000
_MOST_CHARACTERS = 256 * 2**20
_MOST_COLUMNS = 1000
_LISTED = 200  # characters of the names of columns in a message
_FIRST_LETTER = 0xA0  # bytes from 0x80 up to here are no text in Latin-1


def _letters_of_latin_1(error: UnicodeError) -> tuple[str, int]:
    """What UTF-8 cannot read: letters of a western Latin-1 file; `error` again where it is no text at all."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    found = error.object[error.start : error.end]
    if min(found) < _FIRST_LETTER:
        raise error
    return found.decode("latin-1"), error.end


codecs.register_error(_LATIN_1, _letters_of_latin_1)


def text_rows(path: Path, *, separator: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Line number and stripped values of each row that is not blank; a separator of ' ' takes any run of blanks.

    A pair of quotes around a value is taken off; a separator between quotes still parts. Raises `DataError`.
    """
    for number, line in enumerate(text_lines(path), 1):
        if line.strip():
            parts = line.split() if separator == " " else line.rstrip("\r\n").split(separator)
            cells = [part.strip() for part in parts]
            yield number, [_unquoted(cell) for cell in cells] if '"' in line else cells


def quoted_rows(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The last line and the values of each row of a table with quotes, as spreadsheets write them."""
    reader = csv.reader(text_lines(path, newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            row = [cell for cell in cells if cell] if separator == " " else cells  # any run of blanks parts
            if len(row) > 1 or (row and row[0].strip()):
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not a table ({error}); is a quote left open?") from error


def text_lines(path: Path, newline: str | None = None) -> Iterator[str]:
    """The lines of a text file or a gzipped one, without its byte-order mark; bounded, however well it is packed.

    `newline` is as for `open`: "" leaves the line ends as they are, which quoted cells need. Raises `DataError` for
    what is no text, is damaged or larger than the limits above.
    """
    number = characters = 0
    with _open_text(path, newline) as stream:
        try:
            while line := stream.readline(_LONGEST_LINE + 1):
                number += 1
                characters += len(line) if line.isascii() else 4 * len(line)  # as many bytes in memory
                if len(line) > _LONGEST_LINE:
                    raise DataError(
                        f"{path}, line {number}: longer than {_LONGEST_LINE:,} characters; expected a log of lines: is "
                        "it another file, or damaged?"
                    )
                if characters > _MOST_CHARACTERS or number > _MOST_LINES:
                    raise DataError(
                        f"{path}: more than {_MOST_LINES:,} lines or {_MOST_CHARACTERS // 2**20} MiB of text; divide "
                        "it, as into one log a stimulus"
                    )
                if "\0" in line:
                    raise DataError(
                        f"{path}: not a text file (a zero byte in line {number}); is it another file, or damaged?"
                    )
                yield line
        except UnicodeError as error:
            raise _no_text(path, number, error) from error
        except (OSError, EOFError, zlib.error) as error:  # a gzip stream that breaks off or is damaged
            raise DataError(f"{path}: cannot be read to its end ({error}); copy or download it again") from error


def _open_text(path: Path, newline: str | None) -> io.TextIOWrapper:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{path}: cannot be opened (not a regular file); expected a log")
        with path.open("rb") as file:
            start = file.read(2)
        raw = gzip.open(path, "rb") if start == _GZIP else path.open("rb")  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise DataError(f"{path}: cannot be opened ({error.strerror or error})") from error
    if start in _UTF_16:
        return io.TextIOWrapper(raw, encoding="utf-16", newline=newline)
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors=_LATIN_1, newline=newline)


def fitted(row: list[str], width: int) -> list[str]:
    """A row without the empty cells beyond `width` that separators behind the last value make."""
    return row[:width] if len(row) > width and not any(cell.strip() for cell in row[width:]) else row


def without_empty_end(row: Sequence[str]) -> list[str]:
    """A row without the empty cells at its end."""
    last = max((place for place, cell in enumerate(row, 1) if cell.strip()), default=0)
    return list(row[:last])


def header(
    path: Path, rows: Iterator[tuple[int, list[str]]], separator: str
) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The names of the columns, "" where one has none, and the rows below them.

    Raises `DataError` for a file without rows, a name that stands twice, and another separator.
    """
    line, found, rows = _header_row(path, rows, separator)
    if len(found) > _MOST_COLUMNS:
        raise DataError(f"{path}, line {line}: {len(found):,} columns; expected a table of at most {_MOST_COLUMNS:,}")
    names = [re.sub(r"^#+", "", name).strip() for name in found]
    named = [name for name in names if name]
    if len(set(named)) != len(named):
        missing = "; is the header missing?" if any(map(_is_number, named)) else ""
        raise DataError(f"{path}, line {line}: a column name stands twice in {listed(names)}{missing}")
    if len(named) == 1:
        for other, word in _SEPARATORS.items():
            if other != separator and len(named[0].split(other)) > 2:
                raise DataError(
                    f"{path}, line {line}: one column, {short_repr(named[0])}: this line is separated by {word}; "
                    "expected "
                    f"{_word(separator)}"
                )
    return names, rows


def _header_row(
    path: Path, rows: Iterator[tuple[int, list[str]]], separator: str
) -> tuple[int, list[str], Iterator[tuple[int, list[str]]]]:
    """Line and cells of the header: the first row that is no comment or, where that holds numbers, a comment above."""
    comments: list[tuple[int, list[str]]] = []
    first: list[tuple[int, list[str]]] = []
    for line, row in rows:
        if COMMENT.match(row[0]):
            comments.append((line, row))
        elif not row[0].lower().startswith("sep="):  # as spreadsheets say it
            first.append((line, row))
            break
    if comments and (not first or any(map(_is_number, first[0][1]))):
        width = len(without_empty_end(first[0][1])) if first else 0
        fitting = [entry for entry in comments if len(without_empty_end(entry[1])) == width]
        several = [entry for entry in comments if len(entry[1]) > 1]
        line, row = (fitting or several or comments)[-1]
        return line, row, chain(first, rows)
    if not first:
        raise DataError(f"{path}: the file is empty; expected a header and rows separated by {_word(separator)}")
    return (*first[0], rows)


def _is_number(text: str) -> bool:
    return text.strip() != "" and number_in(text) is not None


def listed(names: Iterable[str]) -> str:
    """Names of columns for a message, cut where they are too many or too long."""
    text = escape_controls(", ".join(names))
    return text if len(text) <= _LISTED else f"{text[:_LISTED]}…"


def misfit(row: Sequence[str], expected: int, separator: str) -> str:
    """Why a row is no row of the table, in words."""
    found = f"{plural(len(row), 'column')}, expected {expected}"
    text = separator.join(row)
    for other, word in _SEPARATORS.items():
        parts = text.split() if other == " " else text.split(other)
        if other != separator and len(parts) == expected:
            return f"{found} separated by {_word(separator)}: this line is separated by {word}"
    return f"{found} separated by {_word(separator)}; is the line cut off?"


def _word(separator: str) -> str:
    return _SEPARATORS.get(separator, repr(separator))


def _unquoted(cell: str) -> str:
    return cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _no_text(path: Path, line: int, error: UnicodeError) -> DataError:
    reason = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
    return DataError(
        f"{path}: not a text file ({reason}, after line {line}); is it another file, or damaged? Texts are UTF-8"
    )

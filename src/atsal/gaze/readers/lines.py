"""Lines of text files as rows of cells.

Tolerated, because real logs have them: gzip, whatever the name; UTF-8 with or without a byte-order mark, UTF-16 with
one, letters of Latin-1; blank lines; spaces around values; Windows line ends; separators behind the last value.
"""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from atsal.errors import DataError

COMMENT = re.compile(r"#(?!\d)")  # a viewer may be called #1

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "spaces"}
_GZIP = b"\x1f\x8b"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LATIN_1 = "atsal-latin-1"
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
    number = 0
    with open_text(path) as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    if "\0" in line:
                        raise _zero_byte(path, number)
                    parts = line.split() if separator == " " else line.rstrip("\r\n").split(separator)
                    cells = [part.strip() for part in parts]
                    yield number, [_unquoted(cell) for cell in cells] if '"' in line else cells
        except UnicodeError as error:
            raise _no_text(path, number, error) from error
        except (OSError, EOFError, zlib.error) as error:  # a gzip stream that breaks off or is damaged
            raise _broken_off(path, error) from error


def quoted_rows(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The last line and the values of each row of a table with quotes, as spreadsheets write them."""
    with open_text(path, newline="") as lines:
        reader = csv.reader(lines, delimiter=separator, strict=True)
        try:
            for cells in reader:
                row = [cell for cell in cells if cell] if separator == " " else cells  # any run of blanks parts
                if len(row) > 1 or (row and row[0].strip()):
                    if "\0" in row[0]:
                        raise _zero_byte(path, reader.line_num)
                    yield reader.line_num, row
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: not a table ({error}); is a quote left open?") from error
        except UnicodeError as error:
            raise _no_text(path, reader.line_num, error) from error
        except (OSError, EOFError, zlib.error) as error:
            raise _broken_off(path, error) from error


def open_text(path: Path, newline: str | None = None) -> io.TextIOWrapper:
    """Open a text file or a gzipped one, without its byte-order mark; `DataError` where there is none.

    `newline` is as for `open`: "" leaves the line ends as they are, which quoted cells need.
    """
    try:
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
    names = [re.sub(r"^#+", "", name).strip() for name in found]
    named = [name for name in names if name]
    if len(set(named)) != len(named):
        missing = "; is the header missing?" if any(map(_is_number, named)) else ""
        raise DataError(f"{path}, line {line}: a column name stands twice in {', '.join(names)}{missing}")
    if len(named) == 1:
        for other, word in _SEPARATORS.items():
            if other != separator and len(named[0].split(other)) > 2:
                raise DataError(
                    f"{path}, line {line}: one column, {named[0]!r}: this line is separated by {word}; expected "
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
    try:
        float(text)
    except ValueError:
        return False
    return True


def misfit(row: Sequence[str], expected: int, separator: str) -> str:
    """Why a row is no row of the table, in words."""
    found = f"{len(row)} column{'s' * (len(row) != 1)}, expected {expected}"
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


def _zero_byte(path: Path, line: int) -> DataError:
    return DataError(f"{path}: not a text file (a zero byte in line {line}); is it another file, or damaged?")


def _no_text(path: Path, line: int, error: UnicodeError) -> DataError:
    reason = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
    return DataError(
        f"{path}: not a text file ({reason}, after line {line}); is it another file, or damaged? Texts are UTF-8"
    )


def _broken_off(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: cannot be read to its end ({error}); copy or download it again")

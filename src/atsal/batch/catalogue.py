"""A catalogue: a table of sources, as CSV, Parquet or JSON lines, one a row.

| column | what it holds |
|---|---|
| path | the source: a URL, or a path that is relative to the catalogue's folder |
| id | the name of its results, by default the stem of its path |
| start, fps, model, … | options for this source, named as on the command line; of an empty cell, those of the run |

The sources themselves are not looked at.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from atsal.config import suggest_name
from atsal.errors import ConfigError, DataError
from atsal.gaze.readers.parsing.text_rows import text_lines
from atsal.gaze.readers.parsing.text_table import TextTable, load_table
from atsal.remote.path import READABLE, as_path
from atsal.remote.urls import shown_url, url_scheme
from atsal.untrusted.files import ErrorFactory, check_readable, is_file_name
from atsal.untrusted.json_text import parse_json
from atsal.untrusted.text import short_repr

MOST_ENTRIES = 1_000_000
_PATH, _ID = "path", "id"
_TABLES, _JSON_LINES = (".csv", ".parquet"), (".jsonl", ".ndjson")
_MOST_COLUMNS = 100  # of JSON lines; each has a cell in every row
_MOST_CHARACTERS = 2**28  # of all cells: a small Parquet file may say a long text a million times
_LONGEST_VALUE = 1000  # characters of the value of an option
_LONGEST_ID = 150  # bytes, so that the names of results stay within the 255 that file systems allow

ParseOption = Callable[[str], Any]  # from a text to the value of an option; raises `ConfigError`


@dataclass(frozen=True)
class Entry:
    """A source of a catalogue."""

    path: Path
    id: str  # unlike those of all other entries, and a name that a file can have
    options: Mapping[str, Any]  # those that the row gives, by name of the column
    where: str  # in messages: "clips.csv, line 12"


def is_catalogue(path: Path) -> bool:
    """Whether a file is a catalogue by its ending: .csv, .parquet, .jsonl or .ndjson."""
    return path.suffix.lower() in (*_TABLES, *_JSON_LINES)


def read_catalogue(path: Path, options: Mapping[str, ParseOption]) -> list[Entry]:
    """Read a catalogue; `options` are the columns that it may have beside path and id, and how their cells are read.

    Raises `DataError` that names row and column: for a damaged table, an unknown column, a value that its option does
    not take, and an id that is no name of a file or that two rows have. `MissingDependencyError`: Parquet needs its
    package.
    """
    check_readable(path, "catalogue", DataError)
    table = _read_json_lines(path) if path.suffix.lower() in _JSON_LINES else load_table(path)
    if len(table) > MOST_ENTRIES:
        raise DataError(f"{path}: {len(table):,} rows; expected at most {MOST_ENTRIES:,}: split it")
    if sum(len(cell) for cells in table.columns.values() for cell in cells) > _MOST_CHARACTERS:
        raise DataError(f"{path}: more than {_MOST_CHARACTERS >> 20} MiB of text; expected short cells: split it")
    names = _column_names(table, options)
    given = {name: _parsed(table, column, options[name]) for column, name in names.items() if name in options}
    ids = table.columns.get(_ID, ("",) * len(table))
    entries = [
        _entry(table, row, ids[row].strip(), {name: cells[row] for name, cells in given.items() if row in cells})
        for row in range(len(table))
    ]
    _refuse_repeated_ids(path, entries)
    return entries


def _column_names(table: TextTable, options: Mapping[str, ParseOption]) -> dict[str, str]:
    """Return the name of the option for each column: `max_frames` and `max-frames` are the same."""
    known = (_PATH, _ID, *options)
    names = {column: column.strip().replace("_", "-") for column in table.columns}
    for column, name in names.items():
        if name not in known:
            rows = (row for row, cell in enumerate(table.columns[column]) if cell)
            row = next(rows, None) if table.path.suffix.lower() in _JSON_LINES else None  # others have one head
            where = table.path if row is None else table.where(row)
            raise DataError(f"{where}: unknown column {short_repr(column)}{suggest_name(name, known)}")
    table.require_columns([_PATH], "catalogue")
    return names


def _parsed(table: TextTable, column: str, parse: ParseOption) -> dict[int, Any]:
    """Return the values of an option by row, without those of empty cells."""
    texts = [text.strip() for text in table.columns[column]]
    values: dict[str, Any] = {}
    for row, text in enumerate(texts):
        if len(text) > _LONGEST_VALUE:
            raise DataError(
                f"{table.where(row)}: column {column}: {short_repr(text)} has {len(text):,} characters; "
                f"expected at most {_LONGEST_VALUE:,}"
            )
        if text and text not in values:
            try:
                values[text] = parse(text)
            except ConfigError as error:
                raise DataError(f"{table.where(row)}: column {column}: {error}") from error
    return {row: values[text] for row, text in enumerate(texts) if text}


def _entry(table: TextTable, row: int, name: str, options: Mapping[str, Any]) -> Entry:
    where, text = table.where(row), table.columns[_PATH][row].strip()
    scheme = url_scheme(text)
    if not text:
        raise DataError(f"{where}: column path is empty; expected a file, a folder or a URL")
    if scheme is not None and scheme not in READABLE:
        raise DataError(f"{where}: {shown_url(text)} is a URL of {scheme}; those of https, http and s3 are read")
    path = as_path(text) if scheme is not None else table.path.parent / text
    name = name or path.stem
    is_plain = is_file_name(name) and name.isprintable() and not name.startswith(".")
    if not is_plain or len(name.encode()) > _LONGEST_ID:
        raise DataError(
            f"{where}: id {short_repr(name)} is no name for results; expected a short name without slashes and control "
            "characters that does not begin with a dot"
        )
    return Entry(path, name, options, where)


def _refuse_repeated_ids(path: Path, entries: list[Entry]) -> None:
    first: dict[str, Entry] = {}
    for entry in entries:
        other = first.setdefault(entry.id, entry)
        if other is not entry:
            place = other.where.removeprefix(f"{path}, ")
            raise DataError(
                f"{entry.where}: id {short_repr(entry.id)} is that of {place}, too, and results are named after it; "
                "give each row an id of its own (by default it is the stem of the path)"
            )


def _read_json_lines(path: Path) -> TextTable:
    """Return the objects in the lines of a file as a table; a key that a line lacks is an empty cell."""
    rows, columns = [], dict[str, None]()
    for line, found in islice(_objects(path), MOST_ENTRIES + 1):
        rows.append((line, found))
        columns |= dict.fromkeys(found)
        if len(columns) > _MOST_COLUMNS:
            raise DataError(
                f"{path}, line {line}: more than {_MOST_COLUMNS} columns so far; expected path, id, options"
            )
    lines = np.array([line for line, _ in rows], np.int64)
    return TextTable(path, lines, {key: tuple(found.get(key, "") for _, found in rows) for key in columns})


def _objects(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    for line, text in enumerate(text_lines(path), start=1):
        if text.strip():
            where = f"{path}, line {line}"
            found = parse_json(text, ErrorFactory(DataError, where, "expected a JSON object in each line"))
            if not isinstance(found, dict):
                raise DataError(f"{where}: holds a {type(found).__name__}; expected a JSON object in each line")
            yield line, {key: _cell(f"{where}: {key}", value) for key, value in found.items()}


def _cell(where: str, value: Any) -> str:
    """Return a JSON value as the text of a cell; a list of texts as words."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    if isinstance(value, dict | list):
        raise DataError(f"{where} is {short_repr(value)}; expected a text, a number, true, false or a list of texts")
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

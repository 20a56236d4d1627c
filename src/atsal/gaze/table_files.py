"""Write columns of gaze as CSV or Parquet."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atsal.errors import OutputError, ShapeError
from atsal.gaze.readers.parsing.checked_table import Column
from atsal.gaze.readers.parsing.parquet_columns import import_pyarrow
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.untrusted.text import short_repr


def write_columns(path: Path, columns: Mapping[str, Column | None]) -> None:
    """Write columns of equal length, leaving out those that are None, as `.csv` or `.parquet`.

    CSV is rounded to 6 decimals; Parquet holds the float64 itself. Raises `OutputError` for another ending, and
    `ShapeError` for a name in `observer` that is not valid Unicode.
    """
    given = {name: values for name, values in columns.items() if values is not None}
    write = {".csv": _write_csv, ".parquet": _write_parquet}.get(path.suffix.lower())
    if write is None:
        raise OutputError(f"{path}: tables are written as .csv or .parquet; found {path.suffix or 'no ending'!r}")
    with output_errors(path), atomic_file(path) as part:
        try:
            write(part, given)
        except UnicodeEncodeError as error:
            name = short_repr(error.object)
            raise ShapeError(f"{path}: an observer's name is not valid Unicode, near {name}; rename it") from error


def _write_csv(path: Path, columns: dict[str, Column]) -> None:
    cells = [[_cell(value) for value in values.tolist()] for values in columns.values()]
    # csv does not quote a carriage return, but reads it as the end of a line
    quote_all = any("\r" in name for name in columns["observer"].tolist())
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*cells, strict=True))


def _cell(value: str | float | bool) -> str:
    if isinstance(value, float):
        text = f"{value:.6f}".rstrip("0").rstrip(".")
        return "" if math.isnan(value) else "0" if text == "-0" else text
    return str(int(value)) if isinstance(value, bool) else str(value)


def _write_parquet(path: Path, columns: dict[str, Column]) -> None:
    arrow, parquet = import_pyarrow()
    arrays: dict[str, Any] = {**columns, "observer": arrow.array(columns["observer"].tolist(), arrow.string())}
    with path.open("wb") as stream:
        parquet.write_table(arrow.table(arrays), stream)

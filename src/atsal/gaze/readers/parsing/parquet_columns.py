"""Parquet files as columns of text, with limits that are checked before the data is read."""

import contextlib
import importlib
from pathlib import Path
from typing import Any

from atsal.errors import DataError, MissingDependencyError, install_hint
from atsal.gaze.readers.parsing.text_rows import listed_columns
from atsal.untrusted.files import check_readable
from atsal.untrusted.text import short_repr

_MOST_BYTES = 512 * 2**20  # of all columns, unpacked; equal cells count each time
_CHECKED_ROWS = 256  # that are decoded together


def import_pyarrow() -> tuple[Any, Any]:
    """Return the modules `pyarrow` and `pyarrow.parquet`, or raise `MissingDependencyError`."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingDependencyError(f"Parquet tables need pyarrow: {install_hint('data')}") from error


def parquet_columns(path: Path, most_cells: int) -> tuple[dict[str, tuple[str, ...]], int]:
    """Return the cells of each column as text, "" for a missing value, and the number of rows.

    A column of lists, records or bytes has the name of its type in each cell. Raises `DataError` for another kind of
    file, a damaged one, and one with more than `most_cells` values or 512 MiB unpacked.
    """
    arrow, parquet = import_pyarrow()
    check_readable(path, "Parquet table", DataError)
    try:
        with parquet.ParquetFile(path) as file:
            _check_size(path, file.metadata, most_cells)
            schema = file.schema_arrow
            if len(set(schema.names)) < len(schema.names):
                raise DataError(f"{path}: a duplicate column name in {listed_columns(schema.names)}")
            kinds = (arrow.types.is_string, arrow.types.is_large_string, arrow.types.is_binary)
            texts = [field.name for field in schema if any(is_kind(field.type) for is_kind in kinds)]
            _check_content(path, file, [field.name for field in schema if not arrow.types.is_nested(field.type)])
        # a dictionary stores a text that is in many rows once
        with parquet.ParquetFile(path, read_dictionary=texts) as file:
            columns, rows = {field.name: _column(arrow, file, field) for field in schema}, file.metadata.num_rows
        if any(len(cells) != rows for cells in columns.values()):
            raise DataError(f"{path}: has columns of another length than the {rows:,} rows it states; write it again")
        return columns, rows
    except DataError:
        raise
    except Exception as error:  # pyarrow raises many kinds of errors for a damaged file
        raise _unreadable(path, error) from error


def parquet_names(path: Path) -> list[str]:
    """Return the names of the columns. Raises `DataError` for another kind of file and a damaged one."""
    _, parquet = import_pyarrow()
    check_readable(path, "Parquet table", DataError)
    try:
        return list(parquet.read_schema(path).names)
    except Exception as error:  # pyarrow raises many kinds of errors for a damaged file
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: cannot be read as Parquet ({short_repr(str(error), 200)}); copy or write it again")


def _check_size(path: Path, metadata: Any, most_cells: int) -> None:
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
    cells, size = rows * max(metadata.num_columns, 1), sum(group.total_byte_size for group in groups)
    if cells > most_cells or size > _MOST_BYTES:
        raise DataError(
            f"{path}: {rows:,} rows of {metadata.num_columns} columns, {size / 2**20:.0f} MiB unpacked; "
            f"expected at most {most_cells:,} values and {_MOST_BYTES // 2**20} MiB: split it, for example into one "
            "table per stimulus, or leave out columns"
        )


def _check_content(path: Path, file: Any, names: list[str]) -> None:
    """Decode the columns piece by piece: a few bytes can stand for many long cells, whatever size the file states."""
    size = 0
    for batch in file.iter_batches(batch_size=_CHECKED_ROWS, columns=names) if names else []:
        size += batch.nbytes
        if size > _MOST_BYTES:
            raise DataError(
                f"{path}: more than {_MOST_BYTES >> 20} MiB of cells; expected short cells: split it, or leave out "
                "columns"
            )


def _column(arrow: Any, file: Any, field: Any) -> tuple[str, ...]:
    if not arrow.types.is_nested(field.type):
        column = file.read(columns=[field.name]).column(field.name)
        with contextlib.suppress(arrow.ArrowException):
            if not arrow.types.is_dictionary(column.type):
                return _texts(arrow, column)
            cells: list[str] = []
            for chunk in column.chunks:
                texts = _texts(arrow, chunk.dictionary)
                cells += ["" if index is None else texts[index] for index in chunk.indices.to_pylist()]
            return tuple(cells)
    return (f"<{field.type}>",) * int(file.metadata.num_rows)


def _texts(arrow: Any, column: Any) -> tuple[str, ...]:
    """Return the values as text; a float64 as the shortest text that reads back to the same number."""
    return tuple("" if value is None else str(value) for value in column.cast(arrow.string()).to_pylist())

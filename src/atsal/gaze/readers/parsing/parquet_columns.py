"""Parquet files as columns of text, bounded before and while they are read."""

import contextlib
import importlib
from pathlib import Path
from typing import Any

from atsal.errors import DataError, MissingDependencyError, install_hint
from atsal.gaze.readers.parsing.text_rows import listed
from atsal.untrusted.text import short_repr

_MOST_BYTES = 512 * 2**20  # of all columns, unpacked


def pyarrow() -> tuple[Any, Any]:
    """The modules `pyarrow` and `pyarrow.parquet`, an extra."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingDependencyError(f"Parquet tables need pyarrow: {install_hint('data')}") from error


def parquet_columns(path: Path, most_cells: int) -> tuple[dict[str, tuple[str, ...]], int]:
    """The cells of each column as text, "" where one has no value, and how many rows there are.

    A column of lists, records or bytes, which nothing here reads, has the name of its type in each cell. Raises
    `DataError` for another kind of file, one that is damaged, and one larger than `most_cells` or 512 MiB unpacked.
    """
    arrow, parquet = pyarrow()
    try:
        if not path.is_file():
            raise DataError(f"{path}: cannot be opened (not a regular file); expected a table")
        with parquet.ParquetFile(path) as file:
            _check_size(path, file.metadata, most_cells)
            schema = file.schema_arrow
            if len(set(schema.names)) < len(schema.names):
                raise DataError(f"{path}: a column name stands twice in {listed(schema.names)}")
            texts = [field.name for field in schema if _is_text(arrow.types, field.type)]
        # a text that stands in many rows is stored once, and stays so
        with parquet.ParquetFile(path, read_dictionary=texts) as file:
            cells = {field.name: _column(arrow, file, field) for field in schema}
            return cells, file.metadata.num_rows
    except DataError:
        raise
    except Exception as error:  # whatever Arrow stumbles over in a damaged file
        raise DataError(
            f"{path}: cannot be read as Parquet ({short_repr(str(error), 200)}); copy or write it again"
        ) from error


def _check_size(path: Path, metadata: Any, most_cells: int) -> None:
    cells = metadata.num_rows * max(metadata.num_columns, 1)
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    if cells > most_cells or size > _MOST_BYTES:
        raise DataError(
            f"{path}: {metadata.num_rows:,} rows of {metadata.num_columns} columns, {size / 2**20:.0f} MiB unpacked; "
            f"expected at most {most_cells:,} values and {_MOST_BYTES // 2**20} MiB: divide it, as into one table a "
            "stimulus, or leave out columns"
        )


def _is_text(types: Any, kind: Any) -> bool:
    return any(is_one(kind) for is_one in (types.is_string, types.is_large_string, types.is_binary))


def _column(arrow: Any, file: Any, field: Any) -> tuple[str, ...]:
    if not arrow.types.is_nested(field.type):
        column = file.read(columns=[field.name]).column(field.name)
        with contextlib.suppress(arrow.ArrowException):
            if arrow.types.is_dictionary(column.type):
                return tuple(text for chunk in column.chunks for text in _shared(arrow, chunk))
            return _texts(arrow, column)
    return (f"<{field.type}>",) * int(file.metadata.num_rows)


def _texts(arrow: Any, column: Any) -> tuple[str, ...]:
    """As text: of a float64 the shortest that reads back to the same number."""
    return tuple("" if value is None else str(value) for value in column.cast(arrow.string()).to_pylist())


def _shared(arrow: Any, chunk: Any) -> list[str]:
    """The texts of a dictionary column, each of them made once."""
    texts = _texts(arrow, chunk.dictionary)
    return ["" if index is None else texts[index] for index in chunk.indices.to_pylist()]

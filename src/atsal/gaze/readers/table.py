"""Any table of gaze, CSV or Parquet, whose columns are declared by `table_columns.TableColumns`.

Nothing is guessed but the separator of a text table: it is the one that gives the declared columns. A table that as a
whole contradicts its declared units is refused.
"""

from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.config import suggest_name
from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords, DropCounter
from atsal.gaze.readers.declared_rows import DeclaredRows, file_stem
from atsal.gaze.readers.parsing.text_table import TextTable, column_names, load_table
from atsal.gaze.readers.table_columns import TableColumns
from atsal.gaze.records import Direction, Gaze, rows_of_each

_SEPARATORS = (",", ";", "\t", " ")


def read_columns(
    path: Path, columns: TableColumns, direction: Direction = "head_eye"
) -> CheckedRecords[dict[str, Gaze]]:
    """Read the samples of each observer, or the fixations, by item. Pixels need `width_px` and `height_px`.

    Rows without an item are dropped and counted. Raises the errors of `load_declared` and `read_declared`.
    """
    table, drops, notes = load_declared(path, columns), DropCounter(), dict[str, None]()
    items: dict[str, Gaze] = {}
    for name, rows in rows_of_each(items_of(table, columns)).items():
        if not name:
            drops.add("no item", table.where(int(rows[0])), len(rows))
            continue
        reading = read_declared(table.select(rows), columns, direction)
        items[name] = reading.records
        drops.merge(reading.drops)
        notes |= dict.fromkeys(reading.notes)
    return CheckedRecords(items, drops.result(), tuple(notes))


def load_declared(path: Path, columns: TableColumns) -> TextTable:
    """Load a table. Raises `DataError` if a declared column is missing."""
    return load_table(path, separator=check_header(path, columns))


def check_header(path: Path, columns: TableColumns) -> str:
    """Return the separator of a table that has the declared columns; `DataError` names a column that is missing."""
    declared = set(columns.in_table.values())
    headers: list[list[str]] = []
    for separator in _SEPARATORS:
        with suppress(DataError):
            headers.append(column_names(path, separator=separator))
            if declared <= set(headers[-1]):
                return separator
    fits_best = max(headers, key=lambda names: (len(declared & set(names)), len(names) > 1), default=None)
    names = column_names(path) if fits_best is None else fits_best
    missing = next((field, name) for field, name in columns.in_table.items() if name not in names)
    others = [name for name in names if name not in declared] or names
    raise DataError(f"{path}: no column {missing[1]!r}, declared as {missing[0]}{suggest_name(missing[1], others)}")


def items_of(table: TextTable, columns: TableColumns) -> NDArray[np.str_]:
    """Return the item of each row, (N,): "" for a missing one; without a column for it, the file's name."""
    return np.full(len(table), file_stem(table.path)) if columns.item is None else table.names(columns.item)


def read_declared(
    table: TextTable,
    columns: TableColumns,
    direction: Direction = "head_eye",
    *,
    size_px: tuple[int | None, int | None] = (None, None),
    planar: bool = False,
) -> CheckedRecords[Gaze]:
    """Read the rows of one item: samples with this `direction`, or fixations; `planar` ones lie on a flat photo.

    `size_px` is the size of the stimulus, and of the frame of pixels unless `width_px` and `height_px` are declared.
    Rows without observer, time or frame, and rows with one of them or the position out of range are dropped and
    counted. A sample without a position or marked as lost stays, without a direction; such a fixation is dropped.
    Raises `DataError` for text where a number belongs, an observer's times out of order, and a table that as a whole
    contradicts a declared unit; `ConfigError` for samples on a photo and for pixels of a frame of unknown size.
    """
    if planar:
        columns.require_fixations()
    rows = DeclaredRows(table, columns, size_px)
    if not columns.holds_fixations:
        return rows.result(rows.samples(direction), tuple(rows.notes))
    return rows.result(rows.photo_fixations() if planar else rows.fixations(), tuple(rows.notes))

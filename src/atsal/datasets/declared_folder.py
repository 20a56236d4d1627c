"""A plain folder of stimuli beside tables whose columns are declared (`atsal.gaze.readers.table_columns`)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze, RawItem, RowKind, Stimulus
from atsal.datasets.folder_files import by_item, by_stem, list_stimuli, list_tables, make_items, safe_id, stem_of
from atsal.datasets.raw_files import cached_until_changed
from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords, DropCounter
from atsal.gaze.readers.parsing.text_table import TextTable
from atsal.gaze.readers.table import check_header, items_of, load_declared, read_declared
from atsal.gaze.readers.table_columns import TableColumns
from atsal.gaze.readers.table_fields import TIMES
from atsal.gaze.records import Direction, Gaze, by_observer
from atsal.untrusted.text import plural

_TABLES = {".csv", ".parquet", ".tsv", ".txt"}


def with_columns(dataset: Dataset, columns: Mapping[str, str]) -> Dataset:
    """Return the data set with tables of declared columns. Raises `ConfigError` for a wrong declaration."""
    declared = DeclaredFolder(TableColumns(columns))
    if dataset.stimuli == "photos":
        declared.columns.require_fixations()
    return replace(dataset, find=declared.find, read=declared.read, row_kind=declared.row_kind)


@dataclass(frozen=True)
class DeclaredFolder:
    """How the items of such a folder are found and read."""

    columns: TableColumns

    def find(self, source: Path) -> FoundItems:
        """Find the stimuli that have a table or, with a column of items, rows in any number of tables.

        Raises `DataError` if no table has the declared columns, and if two files or two ids have the same name.
        """
        stimuli = list_stimuli(source)
        tables = self._usable(list_tables(source, _TABLES), stimuli)
        logs: dict[str, tuple[Path, ...]]
        if self.columns.item is None:
            logs = {name: (table,) for name, table in by_stem(tables).items()}
        else:
            logs = by_item(tables, lambda table: sorted({*items_of(_load(table, self.columns), self.columns)} - {""}))
        return make_items(source, stimuli, logs)

    def _usable(self, tables: list[Path], stimuli: Collection[str]) -> list[Path]:
        """Return the tables with the declared columns, and those named like a stimulus: they are refused by item.

        Others are notes and the like. Raises `DataError` about the first table if none has the columns.
        """
        problems: dict[Path, DataError] = {}
        for table in tables:
            try:
                check_header(table, self.columns)
            except DataError as error:
                problems[table] = error
        if len(problems) == len(tables):
            raise problems[tables[0]]
        named = stimuli if self.columns.item is None else ()
        return [table for table in tables if table not in problems or table.stem in named]

    def row_kind(self, _item: RawItem) -> RowKind:
        """Return whether the rows are fixations or samples."""
        return "fixations" if self.columns.holds_fixations else "samples"

    def read(self, item: RawItem, direction: Direction, stimulus: Stimulus) -> ItemGaze:
        """Read the gaze in the tables of an item. Raises the errors of `load_declared` and `read_declared`."""
        parts = [self._read_table(table, item, direction, stimulus) for table in item.logs]
        drops = DropCounter()
        for part in parts:
            drops.merge(part.drops)
        notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
        notes += (f"the declared columns do not tell the direction; taken as {direction}",)
        samples = tuple(track for part in parts if isinstance(part.records, tuple) for track in part.records)
        found = [part.records for part in parts if not isinstance(part.records, tuple)]
        fixations = by_observer(type(found[0]).concatenate(found)) if found else None  # type: ignore[arg-type]
        return ItemGaze(tuple(track for track in samples if len(track)), fixations, drops.result(), notes)

    def _read_table(self, path: Path, item: RawItem, direction: Direction, stimulus: Stimulus) -> CheckedRecords[Gaze]:
        size_px, planar = (stimulus.width, stimulus.height), direction == "eye"
        table = _rows_about(_load(path, self.columns), item, self.columns)
        reading = read_declared(table, self.columns, direction, size_px=size_px, planar=planar)
        self._check_clock(path, reading.records, stimulus)
        nameless = int((items_of(_load(path, self.columns), self.columns) == "").sum())
        if not nameless:
            return reading
        return replace(reading, notes=(*reading.notes, f"{path.name}: {plural(nameless, 'row')} without an item"))

    def _check_clock(self, path: Path, gaze: Gaze, stimulus: Stimulus) -> None:
        """Raise `DataError` if all times lie past the end of the video, as those of another clock do."""
        tracks = [track.timestamp_s for track in gaze] if isinstance(gaze, tuple) else [gaze.onset_s]
        times = np.concatenate([np.zeros(0), *(times for times in tracks if times is not None)])
        field = self.columns.one_of(TIMES)
        if field is None or not len(times) or stimulus.duration_s is None or times.min() < stimulus.duration_s:
            return
        clock = f"clock_{field.rpartition('_')[2]}"
        raise DataError(
            f"{path}: the times run from {times.min():.10g} to {times.max():.10g} s, the video lasts "
            f"{stimulus.duration_s:g} s; if another clock wrote them, declare {clock} in place of {field}: then the "
            "first row of an observer is the start of the video"
        )


def _rows_about(table: TextTable, item: RawItem, columns: TableColumns) -> TextTable:
    if columns.item is None:
        return table
    names = items_of(table, columns)
    own = {name for name in set(names.tolist()) if name and safe_id(stem_of(name)) == item.id}
    rows = [row for row, name in enumerate(names.tolist()) if name in own]
    if not rows:
        raise DataError(f"{table.path}: nothing about {item.id} in its column {columns.item}; prepare the set again")
    return table.select(np.array(rows, np.int64))


@cached_until_changed(maxsize=1)  # a table about several stimuli is read for each
def _load(table: Path, columns: TableColumns) -> TextTable:
    return load_declared(table, columns)

"""A plain folder of stimuli beside tables of gaze: data of one's own, without a format of its own.

The tables are those of `atsal.gaze.tables`. `declared_folder` reads tables whose columns the user declares instead.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze, RawItem, RowKind, Stimulus
from atsal.datasets.declared_folder import with_columns
from atsal.datasets.folder_files import FILES, by_item, by_stem, list_stimuli, list_tables, make_items, safe_id, stem_of
from atsal.datasets.raw_files import cached_until_changed
from atsal.datasets.table_times import convert_times
from atsal.errors import DataError
from atsal.gaze.checked_records import Drop, DropCounter
from atsal.gaze.directions import Floats
from atsal.gaze.records import Direction, Fixations, Gaze, GazeSamples, PlanarFixations, by_observer, rows_of_each
from atsal.gaze.tables import holds_samples, read_gaze
from atsal.untrusted.text import shorten_list

T = TypeVar("T", GazeSamples, Fixations)

_COMMON_TABLE = "gaze"


def find(source: Path) -> FoundItems:
    """Find the stimuli that have a table, or rows in the common table; skip the folders in `source`.

    Raises `DataError` if there is no table, and if two files or two ids have the same name.
    """
    tables = by_stem(list_tables(source, {".csv", ".parquet"}))
    stimuli = list_stimuli(source)
    common = tables.pop(_COMMON_TABLE, None) if _COMMON_TABLE not in stimuli else None
    logs: dict[str, tuple[Path, ...]] = {name: (table,) for name, table in tables.items()}
    if common is not None:
        rows = by_item([common], _item_names)
        both = rows.keys() & logs.keys()
        if both:
            raise DataError(f"{common}: has rows on {min(both)}, and so has {tables[min(both)].name}; keep one")
        logs |= rows
    return make_items(source, stimuli, logs)


def row_kind(item: RawItem) -> RowKind:
    """Return whether the table of an item holds fixations or samples, by its header."""
    return "samples" if holds_samples(item.logs[0]) else "fixations"


def read(item: RawItem, direction: Direction, stimulus: Stimulus) -> ItemGaze:
    """Read the gaze in the table of an item; drop negative times.

    Raises `DataError` if its samples do not have `direction` (a table of fixations has no direction), and if the unit
    of its times or durations is uncertain (`table_times`).
    """
    table = item.logs[0]
    gaze, drops, notes = _read_item(table, item)
    gaze, converted = convert_times(gaze, stimulus, str(table))
    notes += converted
    counter = DropCounter()
    counter.merge(drops)
    if isinstance(gaze, tuple):
        for track in gaze:
            track.vectors(direction)  # raises
        tracks = [_drop_negative(track, track.timestamp_s, counter, table) for track in gaze]
        empty = [before.observer for before, after in zip(gaze, tracks, strict=True) if len(before) and not len(after)]
        samples = tuple(track for track in tracks if len(track))
        return ItemGaze(samples, None, counter.result(), notes, _warn_of_negative(empty, table))
    notes += (f"{table.name} holds fixations, without their direction; taken as {direction}",)
    fixations = gaze
    if fixations.onset_s is not None and not _is_sorted(fixations):
        fixations = by_observer(fixations)
        notes += (f"{table.name}: onset_s goes back for some observers; sorted",)
    if isinstance(fixations, Fixations):
        fixations = _drop_negative(fixations, fixations.onset_s, counter, table)
    empty = [name for name in gaze.observers if name not in fixations.observers]
    return ItemGaze((), fixations, counter.result(), notes, _warn_of_negative(empty, table))


def _read_item(table: Path, item: RawItem) -> tuple[Gaze, tuple[Drop, ...], tuple[str, ...]]:
    """Return the gaze on one item; drops if the table is about it only, else notes about the drops of the table."""
    by_item, drops = _read_table(table)
    if None in by_item:
        return by_item[None], drops, ()
    for name, gaze in by_item.items():
        if name is not None and safe_id(stem_of(name)) == item.id:
            return gaze, (), tuple(f"left out of the whole table: {drop}" for drop in drops)
    raise DataError(
        f"{table}: nothing about {item.id} in its column item; it has {shorten_list(list(map(str, by_item)))}"
    )


@cached_until_changed(maxsize=1)  # the common table is read for each item
def _read_table(table: Path) -> tuple[dict[str | None, Gaze], tuple[Drop, ...]]:
    drops = DropCounter()
    return read_gaze(table, drops), drops.result()


def _is_sorted(fixations: Fixations | PlanarFixations) -> bool:
    rows, onsets = rows_of_each(fixations.observer).values(), fixations.onset_s
    return onsets is None or all((np.diff(onsets[own]) >= 0).all() for own in rows)


def _drop_negative(gaze: T, times_s: Floats | None, counter: DropCounter, table: Path) -> T:
    if times_s is None:
        return gaze
    counter.add("time is negative", str(table), int((times_s < 0).sum()))
    return gaze.select(times_s >= 0)


def _warn_of_negative(observers: Sequence[str], table: Path) -> tuple[str, ...]:
    names = shorten_list(list(observers))
    return (f"{table.name}: all times of {names} are negative: another clock?",) if observers else ()


def _item_names(table: Path) -> list[str]:
    by_name, _ = _read_table(table)
    if None in by_name:
        raise DataError(
            f"{table}: no column item, so the stimulus is not known; add it, or name the table like its stimulus"
        )
    return [name for name in by_name if name is not None]


FOLDER = Dataset(
    name="folder",
    title="a folder of stimuli and tables",
    stimuli="mixed",
    items=0,
    observers="as the tables name them",
    directions=("head_eye", "head"),
    events="fixations",
    sampling="that of the tables",
    sigma_deg={"head_eye": 2.0, "head": 3.34},
    licence="that of the data",
    url="none: data of one's own",
    citation="none",
    expected_files=FILES,
    find=find,
    read=read,
    row_kind=row_kind,
    with_columns=with_columns,
    notes=(
        "Tables are those of `atsal.gaze.tables`: fixations, or samples (then choose samples, ivt or idt as events).",
        "σ is that of the Salient360! video set: 2° for the eyes, 3.34° for the head.",
    ),
)

PHOTO_FOLDER = replace(
    FOLDER,
    name="photo-folder",
    title="a folder of flat photos and tables",
    stimuli="photos",
    directions=("eye",),
    sigma_deg={},
    expected_files=FILES.replace("<stimulus>.mp4 or .jpg", "<photo>.jpg").replace("<stimulus>", "<photo>"),
    notes=(
        "Tables are those of `atsal.gaze.tables` with u and v: shares of the photo's width and height, v from the top.",
        "σ is 1/32 of the photo's width.",
    ),
)

DATASETS = (FOLDER, PHOTO_FOLDER)

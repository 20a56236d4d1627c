"""A plain folder of stimuli beside tables of gaze: data of one's own, without a format of its own."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import cached_until_changed
from atsal.datasets.table_times import convert_times
from atsal.errors import DataError
from atsal.gaze.checked_records import Drop, DropCounter
from atsal.gaze.directions import Floats
from atsal.gaze.records import Direction, Fixations, Gaze, GazeSamples, PlanarFixations, by_observer, rows_of_each
from atsal.gaze.tables import read_gaze
from atsal.untrusted.text import escape_controls, short_repr, shorten_list
from atsal.video.media_files import IMAGE_SUFFIXES, VIDEO_SUFFIXES, skipped_files

_FILES = """\
<stimulus>.mp4 or .jpg, … and <stimulus>.csv or .parquet    (a table for each, of the same name)
or, for all stimuli together,
<stimulus>.mp4 or .jpg, … and gaze.csv or gaze.parquet      (with a column `item`: the stimulus's name)"""

T = TypeVar("T", GazeSamples, Fixations)

_COMMON_TABLE = "gaze"
_LONGEST_ID = 200  # characters; it is the name of a folder, with some more for variants
_TABLES = frozenset({".csv", ".parquet"})
_STIMULI = IMAGE_SUFFIXES | VIDEO_SUFFIXES


def find(source: Path) -> FoundItems:
    """Find the stimuli that have a table, or rows in the common table, in order of name; skip the folders in `source`.

    The id of an item is the name of its stimulus without ending; characters other than letters, digits, - _ . become _.
    Raises `DataError` if there is no table, and if two files or two ids have the same name.
    """
    if not source.is_dir():
        raise DataError(f"{source}: no such folder; expected one with\n{_FILES}")
    stimuli, tables = _files_by_stem(source, _STIMULI), _files_by_stem(source, _TABLES)
    common = tables.pop(_COMMON_TABLE, None) if _COMMON_TABLE not in stimuli else None
    logs = dict(tables)
    if common is not None:
        names = _item_names(common)
        both = names & tables.keys()
        if both:
            raise DataError(f"{common}: has rows on {min(both)}, and so has {tables[min(both)].name}; keep one")
        logs |= dict.fromkeys(names, common)
    if not logs:
        raise DataError(f"{source}: no table of gaze (.csv or .parquet) found; expected\n{_FILES}")
    items = tuple(RawItem(_safe_id(name), stimuli.get(name), (logs[name],)) for name in sorted(logs))
    _check_ids(source, [item.id for item in items], sorted(logs))
    missing = [
        f"a table for {stimuli[name].name}: no {name}.csv in {source}{_similar_files(source, name, stimuli[name])}"
        for name in sorted(stimuli.keys() - logs)
    ]
    missing += [
        f"the stimulus of {name}: no file of that name in {source}{_similar_files(source, name, logs[name])}"
        for name in sorted(logs.keys() - stimuli)
    ]
    used = {*stimuli.values(), *tables.values(), *([common] if common else [])}
    skipped = tuple(f"{source}: {text}" for text in skipped_files(source, used))
    return FoundItems(items, tuple(map(escape_controls, missing)), skipped)


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
        if name is not None and _safe_id(_stem(name)) == item.id:
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


def _similar_files(source: Path, name: str, partner: Path) -> str:
    """Return the end of a message about files of nearly the same name: with other capitals or another ending."""
    similar = sorted(
        path.name
        for path in source.iterdir()
        if name.casefold() in (path.stem.casefold(), path.name.casefold()) and path != partner
    )
    return f"; found {' and '.join(map(escape_controls, similar))}: rename or convert it" if similar else ""


def _item_names(table: Path) -> set[str]:
    by_item, _ = _read_table(table)
    if None in by_item:
        raise DataError(
            f"{table}: no column item, so the stimulus is not known; add it, or name the table like its stimulus"
        )
    names = [_stem(name) for name in by_item if name is not None]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        name = escape_controls(repeated[0])
        raise DataError(f"{table}: several values of its column item mean {name}; give each stimulus one name")
    return set(names)


def _stem(name: str) -> str:
    """Return the name of a stimulus without its ending, if it has one."""
    path = Path(name)
    return path.stem if path.suffix.lower() in _STIMULI else path.name


def _files_by_stem(source: Path, suffixes: frozenset[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in sorted(source.iterdir()):
        if file.suffix.lower() in suffixes and not file.name.startswith(".") and file.is_file():
            if file.stem in found:
                raise DataError(f"{source}: {found[file.stem].name} and {file.name} have the same name; keep one")
            found[file.stem] = file
    return found


def _safe_id(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name).lstrip(".") or "_"


def _check_ids(source: Path, ids: list[str], names: list[str]) -> None:
    name_of: dict[str, str] = {}
    for item, name in zip(ids, names, strict=True):
        if len(item) > _LONGEST_ID:
            length = f"a name of {len(item)} characters; expected at most {_LONGEST_ID}"
            raise DataError(f"{source}: {short_repr(name)}: {length}")
        if item in name_of:
            both = f"{escape_controls(name_of[item])} and {escape_controls(name)}"
            raise DataError(f"{source}: {both} would both be item {item}; rename one")
        name_of[item] = name


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
    expected_files=_FILES,
    find=find,
    read=read,
    notes=(
        "Tables are those of `atsal.gaze.tables`: fixations, or samples (then choose samples, ivt or idt as events).",
        "σ is that of the Salient360! video set: 2° for the eyes, 3.34° for the head.",
        "For a table in other units or with other names of columns see `atsal.gaze.readers.table`.",
    ),
)

PHOTO_FOLDER = replace(
    FOLDER,
    name="photo-folder",
    title="a folder of flat photos and tables",
    stimuli="photos",
    directions=("eye",),
    sigma_deg={},
    expected_files=_FILES.replace("<stimulus>.mp4 or .jpg", "<photo>.jpg").replace("<stimulus>", "<photo>"),
    notes=(
        "Tables are those of `atsal.gaze.tables` with u and v: shares of the photo's width and height, v from the top.",
        "σ is 1/32 of the photo's width.",
    ),
)

DATASETS = (FOLDER, PHOTO_FOLDER)

"""A plain folder of stimuli beside tables of gaze: data of one's own, without a format of its own."""

import re
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.datasets.dataset import Dataset, Found, ItemGaze, RawItem, Stimulus
from atsal.datasets.table_times import in_unit
from atsal.errors import DataError
from atsal.gaze.readers.parsing.text_rows import listed
from atsal.gaze.reading import Drop, DropCounter
from atsal.gaze.records import Direction, Fixations, PlanarFixations, by_observer, rows_of_each
from atsal.gaze.tables import Gaze, read_gaze
from atsal.untrusted.text import escape_controls, short_repr, shorten_list
from atsal.video.folders import IMAGE_SUFFIXES, VIDEO_SUFFIXES, passed_over

TREE = """\
<stimulus>.mp4 or .jpg, … and <stimulus>.csv or .parquet    (a table for each, of the same name)
or, for all stimuli together,
<stimulus>.mp4 or .jpg, … and gaze.csv or gaze.parquet      (with a column `item`: the stimulus's name)"""

_SHARED = "gaze"
_LONGEST_ID = 200  # characters; it is the name of a folder, with some more for variants
_TABLES = frozenset({".csv", ".parquet"})
_STIMULI = IMAGE_SUFFIXES | VIDEO_SUFFIXES


def find(source: Path) -> Found:
    """The stimuli that have a table, or stand in the table of all, in order of name; folders in it are not searched.

    An item's id is the name of its stimulus without ending, other characters than letters, digits, - _ . replaced by _.
    Raises `DataError` where there is no table, and where two files or two ids have the same name.
    """
    if not source.is_dir():
        raise DataError(f"{source}: no such folder; expected one with\n{TREE}")
    stimuli, tables = _by_stem(source, _STIMULI), _by_stem(source, _TABLES)
    shared = tables.pop(_SHARED, None) if _SHARED not in stimuli else None
    logs = {name: (table,) for name, table in tables.items()}
    if shared is not None:
        named = _names_in(shared)
        both = named & logs.keys()
        if both:
            raise DataError(f"{shared}: {min(both)} stands in it and in {logs[min(both)][0].name} too; keep one")
        logs |= dict.fromkeys(named, (shared,))
    if not logs:
        raise DataError(f"{source}: no table of gaze (.csv or .parquet) found; expected\n{TREE}")
    items = tuple(RawItem(_safe(name), stimuli.get(name), logs[name]) for name in sorted(logs))
    _check_ids(source, [item.id for item in items], sorted(logs))
    used = [*stimuli.values(), *tables.values(), *([shared] if shared else [])]
    missing = [
        f"a table for {stimuli[name].name}: no {name}.csv in {source}{_instead(source, name, stimuli[name])}"
        for name in sorted(stimuli.keys() - logs)
    ]
    missing += [
        f"the stimulus of {name}: none of that name in {source}{_instead(source, name, logs[name][0])}"
        for name in sorted(logs.keys() - stimuli)
    ]
    return Found(
        items, tuple(map(escape_controls, missing)), tuple(f"{source}: {text}" for text in passed_over(source, used))
    )


def _instead(source: Path, name: str, partner: Path) -> str:
    """What lies there under nearly the same name: capitals count, and endings."""
    near = sorted(
        path.name
        for path in source.iterdir()
        if name.casefold() in (path.stem.casefold(), path.name.casefold()) and path not in (partner, source / _SHARED)
    )
    return f"; {' and '.join(map(escape_controls, near))} lies there: rename or convert it" if near else ""


def read(item: RawItem, direction: Direction, stimulus: Stimulus) -> ItemGaze:
    """The gaze of an item's table; negative times, and what lies past the end of the video, are dropped and counted.

    Raises `DataError` where its samples do not have `direction` (a table of fixations does not say its own), and where
    times or durations cannot be told (`clock`).
    """
    table = item.logs[0]
    found, counter = _gaze(table, item), DropCounter()
    _check_frames(found, stimulus, table)
    found, notes = in_unit(found, stimulus, str(table))
    everything, drops = _read(table, *_state(table))
    if None in everything:
        counter.merge(drops)
    else:
        notes += tuple(f"left out of the whole table: {drop}" for drop in drops)
    if isinstance(found, tuple):
        for track in found:
            track.vectors(direction)
        tracks = [t.select(_keep(t.timestamp_s, t.frame_index, len(t), stimulus, counter, table)) for t in found]
        late = [track.observer for track, kept in zip(found, tracks, strict=True) if len(track) and not len(kept)]
        return ItemGaze(tuple(t for t in tracks if len(t)), None, counter.result(), notes, _warnings(table, late))
    notes += (f"{table.name} holds fixations, without their direction; taken as {direction}",)
    found, disorder = _in_order(found, table)
    notes += disorder
    if not isinstance(found, Fixations):
        return ItemGaze(fixations=found, drops=counter.result(), notes=notes)
    keep = _keep(found.onset_s, found.first_frame, len(found), stimulus, counter, table)
    kept = found.select(keep)
    late = [name for name in found.observers if name not in set(kept.observers)]
    return ItemGaze((), kept, counter.result(), notes, _warnings(table, late))


def _warnings(table: Path, late: list[str]) -> tuple[str, ...]:
    if not late:
        return ()
    return (f"{table.name}: all rows of {shorten_list(late)} lie outside the time of the video: another clock?",)


def _in_order(
    fixations: Fixations | PlanarFixations, table: Path
) -> tuple[Fixations | PlanarFixations, tuple[str, ...]]:
    """The fixations of each observer in order of time, and a note where they were not."""
    if fixations.onset_s is None:
        return fixations, ()
    own = [fixations.onset_s[rows] for rows in rows_of_each(fixations.observer).values()]
    if all((np.diff(times) >= 0).all() for times in own):
        return fixations, ()
    return by_observer(fixations), (f"{table.name}: onset_s goes back for some observers; sorted",)


def _keep(
    time_s: NDArray[np.float64] | None,
    frame: NDArray[np.int64] | None,
    count: int,
    stimulus: Stimulus,
    counter: DropCounter,
    table: Path,
) -> NDArray[np.bool_]:
    keep = np.ones(count, bool)
    if time_s is not None:
        early = time_s < 0
        counter.add("time is negative", str(table), int(early.sum()))
        keep &= ~early
    late = np.zeros(count, bool)
    if frame is not None and stimulus.frames is not None:
        late = frame >= stimulus.frames
    elif time_s is not None and stimulus.duration_s is not None:
        late = time_s >= stimulus.duration_s
    counter.add("past the end of the video", str(table), int((late & keep).sum()))
    return keep & ~late


def _check_frames(gaze: Gaze, stimulus: Stimulus, table: Path) -> None:
    """`DataError` where most frames lie past the end of the video."""
    tracks = gaze if isinstance(gaze, tuple) else (gaze,)
    frames = [f for t in tracks if (f := getattr(t, "frame_index", getattr(t, "first_frame", None))) is not None]
    if stimulus.frames is None or not frames:
        return
    frame = np.concatenate(frames)
    late = frame >= stimulus.frames
    if late.sum() > len(late) / 2:
        raise DataError(
            f"{table}: {late.sum()} of {len(late)} rows lie past the end of the video: they run from frame "
            f"{frame.min()} to {frame.max()}, it has the frames 0 to {stimulus.frames - 1}: is it another one, or cut "
            "short, or do frames not count from its start?"
        )


def _gaze(table: Path, item: RawItem) -> Gaze:
    found = _read(table, *_state(table))[0]
    if None in found:
        return found[None]
    for name, gaze in found.items():
        if name is not None and _safe(_stem(name)) == item.id:
            return gaze
    raise DataError(f"{table}: nothing about {item.id} in its column item; it has {listed(map(str, found))}")


@lru_cache(maxsize=1)  # a table of all stimuli is asked for each of them
def _read(table: Path, _size: int, _modified_ns: int) -> tuple[dict[str | None, Gaze], tuple[Drop, ...]]:
    drops = DropCounter()
    return read_gaze(table, drops), drops.result()


def _state(table: Path) -> tuple[int, int]:
    return table.stat().st_size, table.stat().st_mtime_ns


def _names_in(table: Path) -> set[str]:
    found = _read(table, *_state(table))[0]
    if None in found:
        raise DataError(
            f"{table}: no column item, so the stimulus is not known; add it, or name the table like its stimulus"
        )
    names = [_stem(name) for name in found if name is not None]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        name = escape_controls(twice[0])
        raise DataError(f"{table}: several values of its column item mean {name}; give each stimulus one name")
    return set(names)


def _stem(name: str) -> str:
    """The name of a stimulus, given with or without its ending."""
    path = Path(name)
    return path.stem if path.suffix.lower() in _STIMULI else path.name


def _by_stem(source: Path, suffixes: frozenset[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in sorted(source.iterdir()):
        if file.suffix.lower() in suffixes and not file.name.startswith(".") and file.is_file():
            if file.stem in found:
                raise DataError(
                    f"{source}: {found[file.stem].name} and {file.name} have the same name; keep one of them"
                )
            found[file.stem] = file
    return found


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name).lstrip(".") or "_"


def _check_ids(source: Path, ids: list[str], names: list[str]) -> None:
    first: dict[str, str] = {}
    for found, name in zip(ids, names, strict=True):
        if len(found) > _LONGEST_ID:
            raise DataError(
                f"{source}: {short_repr(name)}: a name of {len(found)} characters; expected {_LONGEST_ID} at most"
            )
        if found in first:
            both = f"{escape_controls(first[found])} and {escape_controls(name)}"
            raise DataError(f"{source}: {both} would both be item {found}; rename one")
        first[found] = name


DATASET = Dataset(
    name="folder",
    title="a folder of stimuli and tables",
    stimuli="mixed",
    items=0,
    observers="as the tables name them",
    directions=("head_eye", "head"),
    events="fixations",
    sampling="as the tables have it",
    sigma_deg={"head_eye": 2.0, "head": 3.34},
    licence="that of the data",
    url="none: data of one's own",
    citation="none",
    tree=TREE,
    find=find,
    read=read,
    notes=(
        "Tables are those of `atsal.gaze.tables`: fixations, or samples (then choose samples, ivt or idt as events).",
        "σ is that of the Salient360! video set: 2° for the eyes, 3.34° for the head.",
        "A table in other units or with other names of columns: `atsal.gaze.readers.table`.",
    ),
)

PHOTOS = replace(
    DATASET,
    name="photo-folder",
    title="a folder of flat photos and tables",
    stimuli="photos",
    directions=("eye",),
    sigma_deg={},
    tree=TREE.replace("<stimulus>.mp4 or .jpg", "<photo>.jpg").replace("<stimulus>", "<photo>"),
    notes=(
        "Tables are those of `atsal.gaze.tables` with u and v: shares of the photo's width and height, v from the top.",
        "σ is 1/32 of the photo's width.",
    ),
)

DATASETS = {dataset.name: dataset for dataset in (DATASET, PHOTOS)}

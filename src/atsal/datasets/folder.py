"""A plain folder of stimuli beside tables of gaze: data of one's own, without a format of its own."""

import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.datasets.dataset import Dataset, Found, ItemGaze, RawItem, Stimulus
from atsal.errors import DataError
from atsal.gaze.reading import Drop, DropCounter
from atsal.gaze.records import Direction, Fixations
from atsal.gaze.tables import Gaze, read_gaze
from atsal.untrusted.text import printable
from atsal.video.folders import IMAGE_SUFFIXES, VIDEO_SUFFIXES, passed_over

TREE = """\
<stimulus>.mp4 or .jpg, … and <stimulus>.csv or .parquet    (a table for each, of the same name)
or, for all stimuli together,
<stimulus>.mp4 or .jpg, … and gaze.csv or gaze.parquet      (with a column `item`: the stimulus's name)"""

_SHARED = "gaze"
_SHORTEST_MS = 10.0  # no fixation is as short
_TELLING = 5  # fixations that are not all that short by mistake
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
    return Found(items, tuple(missing), tuple(f"{source}: {text}" for text in passed_over(source, used)))


def _instead(source: Path, name: str, partner: Path) -> str:
    """What lies there under nearly the same name: capitals count, and endings."""
    near = sorted(
        path.name
        for path in source.iterdir()
        if name.casefold() in (path.stem.casefold(), path.name.casefold()) and path not in (partner, source / _SHARED)
    )
    return f"; {' and '.join(map(printable, near))} lies there: rename or convert it" if near else ""


def read(item: RawItem, direction: Direction, stimulus: Stimulus) -> ItemGaze:
    """The gaze of an item's table; negative times, and what lies past the end of the video, are dropped and counted.

    Raises `DataError` where its samples do not have `direction`; a table of fixations does not say its own.
    """
    table = item.logs[0]
    found, counter = _gaze(table, item), DropCounter()
    found, notes = _in_unit(found, stimulus, table)
    everything, drops = _read(table, *_state(table))
    if None in everything:
        counter.merge(drops)
    else:
        notes += tuple(f"left out of the whole table: {drop}" for drop in drops)
    if isinstance(found, tuple):
        for track in found:
            track.vectors(direction)
        tracks = [t.select(_keep(t.timestamp_s, t.frame_index, len(t), stimulus, counter, table)) for t in found]
        return ItemGaze(tuple(track for track in tracks if len(track)), None, counter.result(), notes)
    notes += (f"{table.name} holds fixations, without their direction; taken as {direction}",)
    if not isinstance(found, Fixations):
        return ItemGaze(fixations=found, drops=counter.result(), notes=notes)
    keep = _keep(found.onset_s, found.first_frame, len(found), stimulus, counter, table)
    return ItemGaze((), found.select(keep), counter.result(), notes)


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
    if late.sum() > len(late) / 2:
        raise DataError(
            f"{table}: {late.sum()} of {len(late)} rows lie past the end of the video: it is another one, cut short, "
            "or the times are in another unit (expected seconds)"
        )
    counter.add("past the end of the video", str(table), int((late & keep).sum()))
    return keep & ~late


def _gaze(table: Path, item: RawItem) -> Gaze:
    found = _read(table, *_state(table))[0]
    if None in found:
        return found[None]
    for name, gaze in found.items():
        if name is not None and _safe(_stem(name)) == item.id:
            return gaze
    raise DataError(f"{table}: nothing about {item.id} in its column item; it has {', '.join(map(str, found))[:200]}")


@lru_cache(maxsize=1)  # a table of all stimuli is asked for each of them
def _read(table: Path, _size: int, _modified_ns: int) -> tuple[dict[str | None, Gaze], tuple[Drop, ...]]:
    drops = DropCounter()
    return read_gaze(table, drops), drops.result()


def _state(table: Path) -> tuple[int, int]:
    return table.stat().st_size, table.stat().st_mtime_ns


def _in_unit(gaze: Gaze, stimulus: Stimulus, table: Path) -> tuple[Gaze, tuple[str, ...]]:
    """The gaze with its durations in ms and its times in s, and a note on what was in the other unit."""
    notes: tuple[str, ...] = ()
    if isinstance(gaze, tuple):
        times = [track.timestamp_s for track in gaze if track.timestamp_s is not None]
        if times and _are_ms(np.concatenate(times), stimulus):
            notes = (f"{table.name}: timestamp_s is in milliseconds; made seconds",)
            gaze = tuple(t if t.timestamp_s is None else replace(t, timestamp_s=t.timestamp_s / 1000) for t in gaze)
        return gaze, notes
    if gaze.onset_s is not None and _are_ms(gaze.onset_s, stimulus):
        notes = (f"{table.name}: onset_s is in milliseconds; made seconds",)
        gaze = replace(gaze, onset_s=gaze.onset_s / 1000)
    lasting = gaze.duration_ms
    if lasting is not None and len(lasting) >= _TELLING and 0 < lasting.max() < _SHORTEST_MS:
        notes += (f"{table.name}: duration_ms is in seconds; made milliseconds",)
        gaze = replace(gaze, duration_ms=lasting * 1000)
    return gaze, notes


def _are_ms(times: NDArray[np.float64], stimulus: Stimulus) -> bool:
    """Whether most times, said to be seconds, lie past the end of the video, and all within it as milliseconds."""
    length_s = stimulus.duration_s
    if length_s is None or not len(times):
        return False
    return bool((times >= length_s).sum() > len(times) / 2 and times.max() / 1000 <= length_s)


def _names_in(table: Path) -> set[str]:
    found = _read(table, *_state(table))[0]
    if None in found:
        raise DataError(
            f"{table}: no column item, so the stimulus is not known; add it, or name the table like its stimulus"
        )
    names = [_stem(name) for name in found if name is not None]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(f"{table}: several values of its column item mean {twice[0]}; give each stimulus one name")
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
    for number, found in enumerate(ids):
        if found in ids[:number]:
            raise DataError(
                f"{source}: {names[ids.index(found)]} and {names[number]} would both be item {found}; rename one"
            )


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

"""The rows of an own table (`atsal.gaze.tables`) that say something; the others are counted.

A table that was exported from a recording has rows of blinks, of nobody and from beside the picture.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.directions import Floats
from atsal.gaze.readers.parsing.position_checks import (
    LOST,
    LOST_WRITTEN,
    look_exchanged,
    look_like_parts,
    placeholders,
    recordings,
)
from atsal.gaze.readers.parsing.text_table import TextTable
from atsal.gaze.reading import DropCounter
from atsal.gaze.records import MOST_FRAMES, Integers

Mask = NDArray[np.bool_]
Pair = tuple[tuple[str, float, float], tuple[str, float, float]]  # name, lowest and highest of both columns

_DIRECTIONS = ("", "head_", "head_eye_", "eye_")
_POLE_DEG = 90.0
_HAIR = 1e-6  # that rounding explains
_MOST_OUTSIDE = 0.1  # longitudes from 0 to 360 are half within ±180
_FEW = 2  # rows that may be outside whatever their share


def usable_rows(table: TextTable, drops: DropCounter) -> TextTable:
    """The table without its rows that lack an observer, a position, a time or a frame, or have one out of range.

    Names lose the spaces around them. Rows that repeat an earlier one, with its time, go too. Raises `DataError` where
    more than a tenth of the positions are out of range (unit or origin are other ones), where longitudes and latitudes
    look exchanged, and where degrees look like radians.
    """
    names = {name: tuple(table.names(name).tolist()) for name in ("observer", "item") if name in table.columns}
    table = replace(table, columns=table.columns | names)
    kept = np.ones(len(table), bool)
    for reason, wrong in _faults(table):
        rows = np.flatnonzero(wrong & kept)
        if len(rows):
            drops.add(reason, table.where(int(rows[0])), len(rows))
        kept &= ~wrong
    return table if kept.all() else table.select(np.flatnonzero(kept))


def _faults(table: TextTable) -> Iterator[tuple[str, Mask]]:
    if "observer" in table.columns:
        yield "no observer", np.array([not name for name in table.columns["observer"]], bool)
    times = [name for name in ("timestamp_s", "onset_s") if name in table.columns]
    if times and "observer" in table.columns:
        yield "the same row once more", table.repeats("observer", *times)
    yield from _positions(table)
    for name, what in (("onset_s", "time"), ("timestamp_s", "time"), ("duration_ms", "duration")):
        if name in table.columns:
            values = table.numbers(name)
            yield f"no {what}", ~np.isfinite(values)
            if what == "duration":
                yield "duration below 0", values < 0
    for name in ("first_frame", "last_frame", "frame_index"):
        if name in table.columns:
            frames, given = table.integers_given(name)
            yield "no frame", ~given
            yield "frame below 0", given & (frames < 0)
            yield "frame that no video has", given & (frames >= MOST_FRAMES)


def _positions(table: TextTable) -> Iterator[tuple[str, Mask]]:
    pairs = [((f"{d}lon_deg", -180.0, 180.0), (f"{d}lat_deg", -90.0, 90.0)) for d in _DIRECTIONS]
    pairs.append((("u", 0.0, 1.0), ("v", 0.0, 1.0)))
    lost = ~table.flags("valid") if "valid" in table.columns else np.zeros(len(table), bool)
    recording = _recordings(table)
    for pair in pairs:
        if not all(name in table.columns for name, _, _ in pair):
            continue
        values = [table.numbers(name) for name, _, _ in pair]
        missing = ~np.all(np.isfinite(values), axis=0) & ~lost
        within = [
            (column >= low - _HAIR) & (column <= high + _HAIR)
            for column, (_, low, high) in zip(values, pair, strict=True)
        ]
        inside = np.all(within, axis=0)
        written = placeholders(values[0], values[1], inside, recording) & ~lost
        outside = ~inside & ~missing & ~written & ~np.any(np.isnan(values), axis=0)
        there = ~missing & ~written
        if pair[1][2] == _POLE_DEG:
            _check_angles(table, pair, *(column[there & ~lost] for column in values))
        _check_share(table, outside, int(there.sum()), pair)
        yield LOST, missing
        yield LOST_WRITTEN, written
        yield "position out of range", outside


def _recordings(table: TextTable) -> Integers | None:
    """A number for each row, the same for those of one observer and item."""
    names = [np.array(table.columns[name], np.str_) for name in ("observer", "item") if name in table.columns]
    return recordings(*names) if names else None


def _check_angles(table: TextTable, pair: Pair, longitude: Floats, latitude: Floats) -> None:
    names = " and ".join(name for name, _, _ in pair)
    if look_exchanged(longitude, latitude, -_POLE_DEG - _HAIR, _POLE_DEG + _HAIR):
        raise DataError(
            f"{table.path}: latitudes reach from {latitude.min():g} to {latitude.max():g}, longitudes from "
            f"{longitude.min():g} to {longitude.max():g}: {names} stand in each other's place? Expected latitudes "
            "within ±90; exchange the names of the columns"
        )
    if look_like_parts(longitude, latitude):
        raise DataError(
            f"{table.path}: all {len(longitude)} positions lie within ±π and ±π/2, as radians or parts of the frame "
            f"would; expected degrees in {names}: convert them, or read the table with `atsal.gaze.readers.table`"
        )


def _check_share(table: TextTable, outside: Mask, count: int, pair: Pair) -> None:
    wrong = int(outside.sum())
    if 2 * wrong <= count and (wrong <= _FEW or wrong <= _MOST_OUTSIDE * count):
        return
    row = int(np.argmax(outside))
    found = ", ".join(f"{name} {table.numbers(name)[row]:g}" for name, _, _ in pair)
    expected = " and ".join(f"{name} from {low:g} to {high:g}" for name, low, high in pair)
    raise DataError(
        f"{table.where(row)}: {found}, and {wrong} of {count} positions out of range; expected {expected}: is it "
        "another unit or origin?"
    )

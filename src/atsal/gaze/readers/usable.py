"""The rows of an own table (`atsal.gaze.tables`) that say something; the others are counted.

A table that was exported from a recording has rows of blinks, of nobody and from beside the picture.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.readers.text import TextTable
from atsal.gaze.reading import DropCounter

Mask = NDArray[np.bool_]

_DIRECTIONS = ("", "head_", "head_eye_", "eye_")
_HAIR = 1e-6  # that rounding explains
_MOST_OUTSIDE = 0.1  # longitudes from 0 to 360 are half within ±180
_FEW = 2  # rows that may be outside whatever their share


def usable_rows(table: TextTable, drops: DropCounter) -> TextTable:
    """The table without its rows that lack an observer, a position, a time or a frame, or have one out of range.

    Raises `DataError` where more than a tenth of the positions are out of range: unit or origin are other ones.
    """
    kept = np.ones(len(table), bool)
    for reason, wrong in _faults(table):
        rows = np.flatnonzero(wrong & kept)
        if len(rows):
            drops.add(reason, table.where(int(rows[0])), len(rows))
        kept &= ~wrong
    return table if kept.all() else table.select(np.flatnonzero(kept))


def _faults(table: TextTable) -> Iterator[tuple[str, Mask]]:
    if "observer" in table.columns:
        yield "no observer", np.array([not text.strip() for text in table.columns["observer"]], bool)
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


def _positions(table: TextTable) -> Iterator[tuple[str, Mask]]:
    pairs = [((f"{d}lon_deg", -180.0, 180.0), (f"{d}lat_deg", -90.0, 90.0)) for d in _DIRECTIONS]
    pairs.append((("u", 0.0, 1.0), ("v", 0.0, 1.0)))
    lost = ~table.flags("valid") if "valid" in table.columns else np.zeros(len(table), bool)
    for pair in pairs:
        if not all(name in table.columns for name, _, _ in pair):
            continue
        values = [table.numbers(name) for name, _, _ in pair]
        missing = ~np.all(np.isfinite(values), axis=0) & ~lost
        within = [
            (column >= low - _HAIR) & (column <= high + _HAIR)
            for column, (_, low, high) in zip(values, pair, strict=True)
        ]
        outside = ~np.all(within, axis=0) & ~missing & ~np.any(np.isnan(values), axis=0)
        _check_share(table, outside, int((~missing).sum()), pair)
        yield "no position (a lost sample)", missing
        yield "position out of range", outside


def _check_share(
    table: TextTable, outside: Mask, count: int, pair: tuple[tuple[str, float, float], tuple[str, float, float]]
) -> None:
    wrong = int(outside.sum())
    if 2 * wrong <= count and (wrong <= _FEW or wrong <= _MOST_OUTSIDE * count):
        return
    row = int(np.argmax(outside))
    found = ", ".join(f"{name} {table.columns[name][row]}" for name, _, _ in pair)
    expected = " and ".join(f"{name} from {low:g} to {high:g}" for name, low, high in pair)
    raise DataError(
        f"{table.where(row)}: {found}, and {wrong} of {count} positions out of range; expected {expected}: is it "
        "another unit or origin?"
    )

"""Positions that loggers write where they have none: 0, 0 or -1, -1 or 9999, 9999."""

import numpy as np
from numpy.typing import NDArray

from atsal.gaze.directions import Floats
from atsal.gaze.reading import LOST_SAMPLE
from atsal.gaze.records import Integers

Mask = NDArray[np.bool_]

LOST = f"no position {LOST_SAMPLE}"
LOST_WRITTEN = f"0, -1 or 9999 in place of a position {LOST_SAMPLE}"

_WITHIN = (0.0, -1.0)  # that may be positions too
_BEYOND = (-1.0, *(sign * (10.0**digits - 1) for digits in range(1, 6) for sign in (1, -1)))
_FEWEST, _SHARE, _TIMES = 5, 0.05, 10
_FAR = 0.5  # times the usual distance
_FEWEST_BEYOND = 3  # a slip of the tracker may leave the range once
_FEWEST_PARTS = 50
_SPREAD = 0.5  # degrees; a target that is looked at steadily is not taken for the whole sphere


def placeholders(x: Floats, y: Floats, inside: Mask, recording: Integers | None = None) -> Mask:
    """Which rows hold the placeholder in both columns, (N,) bool; `inside` are the rows whose position is in range.

    Those of `placeholders_beyond` and, unless the positions are whole degrees, of `placeholders_within`: a viewer who
    rests holds 0, 0 often in whole degrees.
    """
    found = placeholders_beyond(x, y, inside)
    return found if _are_whole_degrees(x[inside], y[inside]) else found | placeholders_within(x, y, inside, recording)


def placeholders_within(x: Floats, y: Floats, inside: Mask, recording: Integers | None = None) -> Mask:
    """Which rows in range hold 0 or -1 in both columns without being positions, (N,) bool.

    They are placeholders where at least 5 rows, and 5 % of all, hold them, 10 times as many as hold any other position,
    and most of the rows before and after them lie far off. Those with which a `recording` (N,), a number for each row,
    begins do not count for that: viewers may start at 0.
    """
    found = np.zeros(len(x), bool)
    group = np.zeros(len(x), np.int64) if recording is None else recording
    for value in _WITHIN:
        rows = (x == value) & (y == value) & inside
        counted = rows & ~_leading(rows, group)
        least = max(_FEWEST, _SHARE * len(x), _TIMES * _most_frequent(x[~rows], y[~rows]))
        if counted.sum() >= least and _jump(counted, inside & ~rows, np.hypot(x - value, y - value), group):
            found |= rows
    return found


def placeholders_beyond(x: Floats, y: Floats, inside: Mask) -> Mask:
    """Which rows out of range hold -1, 9, 99, … in both columns, (N,) bool; enough where only heads were tracked."""
    found: Mask = (x == y) & ~inside & np.isin(x, _BEYOND)
    return found


def recordings(*names: NDArray[np.str_]) -> Integers:
    """A number for each row, (N,), the same where all its names are."""
    codes = [np.unique(column, return_inverse=True)[1] for column in names]
    number: Integers = np.unique(np.stack(codes), axis=1, return_inverse=True)[1].ravel()
    return number


def _leading(rows: Mask, group: Integers) -> Mask:
    """Those of the rows that no other row of their recording comes before."""
    index = np.arange(len(rows))
    first_other = np.full(int(group.max(initial=0)) + 1, len(rows))
    np.minimum.at(first_other, group[~rows], index[~rows])
    leading: Mask = rows & (index < first_other[group])
    return leading


def _jump(rows: Mask, others: Mask, distance: Floats, group: Integers) -> bool:
    """Whether the others just before and after the rows lie about as far from them as the others do at all.

    Gaze that moves to a position and away comes by what lies near it; a sample that is lost does not.
    """
    order = np.argsort(group, kind="stable")
    rows, others, distance, group = rows[order], others[order], distance[order], group[order]
    same = group[1:] == group[:-1]
    beside = [distance[:-1][same & others[:-1] & rows[1:]], distance[1:][same & rows[:-1] & others[1:]]]
    near = np.concatenate(beside)
    return len(near) > 0 and bool(np.median(near) >= _FAR * np.median(distance[others]))


def _are_whole_degrees(x: Floats, y: Floats) -> bool:
    """Whether all are whole numbers, some of them negative: pixels and parts of the frame have 0, 0 in a corner."""
    return bool((x == x.round()).all() and (y == y.round()).all() and min(x.min(initial=0), y.min(initial=0)) < -1)


def _most_frequent(x: Floats, y: Floats) -> int:
    """How many rows hold the most frequent position."""
    known = np.isfinite(x) & np.isfinite(y)
    return int(np.unique(x[known] + 1j * y[known], return_counts=True)[1].max(initial=0))


def look_exchanged(longitude: Floats, latitude: Floats, lowest: float, highest: float) -> bool:
    """Whether the columns may stand in each other's place, told by the range of latitudes in their unit.

    So it is where some latitudes lie outside it and no longitude does, and latitudes spread wider.
    """
    known = np.isfinite(longitude) & np.isfinite(latitude)
    longitude, latitude = longitude[known], latitude[known]
    beyond, within = (((values < lowest) | (values > highest)).sum() for values in (latitude, longitude))
    return bool(beyond >= _FEWEST_BEYOND and within == 0 and latitude.std() > longitude.std())


def look_like_parts(longitude_deg: Floats, latitude_deg: Floats) -> bool:
    """Whether positions said to be degrees are radians or parts of the frame: many, spread, none beyond ±π and ±π/2."""
    if len(longitude_deg) < _FEWEST_PARTS or not (np.ptp(longitude_deg) > _SPREAD or np.ptp(latitude_deg) > _SPREAD):
        return False
    return bool(np.abs(longitude_deg).max() <= np.pi and np.abs(latitude_deg).max() <= np.pi / 2)

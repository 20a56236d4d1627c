"""Checks of positions as a log writes them: placeholders for lost gaze, exchanged columns, another unit.

Loggers write 0, 0 or -1, -1 or 9999, 9999 where they have no position.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atsal.gaze.checked_records import LOST_SAMPLE
from atsal.gaze.directions import Floats, Integers, Mask

PLACEHOLDER = f"0, -1 or 9999 in place of a position {LOST_SAMPLE}"

_POSSIBLE = (0.0, -1.0)  # placeholders that may be positions too
_IMPOSSIBLE = (-1.0, *(sign * (10.0**digits - 1) for digits in range(1, 6) for sign in (1, -1)))
_LEAST_ROWS, _LEAST_FRACTION, _TIMES_MORE_FREQUENT = 5, 0.05, 10
_LEAST_JUMP = 0.5  # of the usual distance from the placeholder
_LEAST_BEYOND = 3  # rows; the tracker may slip out of range once
_ENOUGH_POSITIONS = 50  # to detect another unit
_MOST_TURNS = 100  # of a log that counts on: a viewer turns a few times
_TOLERANCE = 1e-6  # of a range: rounding beyond its ends


@dataclass(frozen=True)
class PositionRange:
    """The values that the two columns of a position may have, and how messages name them."""

    x: tuple[float, float]  # lowest and highest
    y: tuple[float, float]
    unit: str
    names: tuple[str, str] = ("x", "y")
    tiny: tuple[float, float, float] | None = None  # |x|, |y| and spread of positions that must be in another unit

    def contains(self, x: Floats, y: Floats) -> Mask:
        """Return which positions lie in the range, within rounding; NaN does not."""
        return within(x, self.x) & within(y, self.y)

    def clip(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return the positions, moved to the range's ends where they lie beyond."""
        return np.clip(x, *self.x), np.clip(y, *self.y)

    def __str__(self) -> str:
        (x, y), (left, right), (low, high) = self.names, self.x, self.y
        return f"{x} from {left:g} to {right:g} and {y} from {low:g} to {high:g} ({self.unit})"


def degrees(names: tuple[str, str]) -> PositionRange:
    """Return the range of longitude and latitude in degrees; radians and fractions of the frame are tiny in it."""
    return PositionRange((-180.0, 180.0), (-90.0, 90.0), "degrees", names, tiny=(np.pi, np.pi / 2, 0.5))


def fractions(names: tuple[str, str] = ("x", "y")) -> PositionRange:
    """Return the range of positions from 0 to 1 over the frame."""
    return PositionRange((0.0, 1.0), (0.0, 1.0), "fractions of the frame", names)


PHOTO_RANGE = PositionRange((0.0, 1.0), (0.0, 1.0), "fractions of the photo's width and height", ("u", "v"))


def within(values: Floats, limits: tuple[float, float]) -> Mask:
    """Return which values lie within limits, ends included, with a tolerance for rounding; NaN does not."""
    low, high = limits
    slack = _TOLERANCE * (high - low)
    return np.asarray((values >= low - slack) & (values <= high + slack), bool)


def find_placeholders(x: Floats, y: Floats, inside: Mask, recording: Integers | None = None) -> Mask:
    """Return which rows hold a placeholder in both columns, (N,) bool; `inside` are the rows in range.

    Whole degrees are searched for impossible placeholders only, because a resting viewer holds 0, 0 often.
    """
    found = impossible_placeholders(x, y, inside)
    if _are_whole_degrees(x[inside], y[inside]):
        return found
    return found | possible_placeholders(x, y, inside, recording)


def lost_positions(x: Floats, y: Floats, allowed: PositionRange, recording: Integers | None = None) -> Mask:
    """Return which rows have no position, or a placeholder instead of one, (N,) bool."""
    missing: Mask = ~(np.isfinite(x) & np.isfinite(y))
    return missing | find_placeholders(x, y, allowed.contains(x, y), recording)


def remove_turns(x: Floats, y: Floats, x_turn: float | None, y_turn: float | None) -> tuple[Floats, Floats]:
    """Return angles within half a turn of 0 where the length of a turn is given; placeholders stay as they are."""
    placeholder = impossible_placeholders(x, y, np.zeros(len(x), bool))
    columns = []
    for values, turn in ((x, x_turn), (y, y_turn)):
        stays = placeholder if turn is None else placeholder | ~(np.abs(values) <= _MOST_TURNS * turn)
        columns.append(values if turn is None else np.where(stays, values, values - turn * np.round(values / turn)))
    return columns[0], columns[1]


def possible_placeholders(x: Floats, y: Floats, inside: Mask, recording: Integers | None = None) -> Mask:
    """Return which rows in range hold 0 or -1 in both columns and are not positions, (N,) bool.

    They are placeholders if at least 5 rows, and 5 % of all, hold the value, 10 times as many as hold any other
    position, and most of the rows before and after them are far away. Rows with which a recording begins do not count,
    because viewers may start at 0; `recording` (N,) is a number for each row.
    """
    found = np.zeros(len(x), bool)
    group = np.zeros(len(x), np.int64) if recording is None else recording
    for value in _POSSIBLE:
        rows = (x == value) & (y == value) & inside
        counted = rows & ~_leading(rows, group)
        least = max(_LEAST_ROWS, _LEAST_FRACTION * len(x), _TIMES_MORE_FREQUENT * _most_frequent(x[~rows], y[~rows]))
        if counted.sum() >= least and _jumps(counted, inside & ~rows, np.hypot(x - value, y - value), group):
            found |= rows
    return found


def impossible_placeholders(x: Floats, y: Floats, inside: Mask) -> Mask:
    """Return which rows out of range hold -1, 9, 99, … in both columns, (N,) bool; enough for logs of heads."""
    found: Mask = (x == y) & ~inside & np.isin(x, _IMPOSSIBLE)
    return found


def number_recordings(*names: NDArray[np.str_]) -> Integers:
    """Return a number for each row, (N,); rows with the same names have the same number."""
    codes = [np.unique(column, return_inverse=True)[1] for column in names]
    number: Integers = np.unique(np.stack(codes), axis=1, return_inverse=True)[1].ravel()
    return number


def _leading(rows: Mask, group: Integers) -> Mask:
    """Return those of `rows` that no other row of their recording precedes."""
    index = np.arange(len(rows))
    first_other = np.full(int(group.max(initial=0)) + 1, len(rows))
    np.minimum.at(first_other, group[~rows], index[~rows])
    leading: Mask = rows & (index < first_other[group])
    return leading


def _jumps(rows: Mask, others: Mask, distance: Floats, group: Integers) -> bool:
    """Return whether gaze jumps to and from `rows`: their neighbours are about as far from them as all other rows.

    Gaze that moves to a position passes places near it. A lost sample does not.
    """
    order = np.argsort(group, kind="stable")
    rows, others, distance, group = rows[order], others[order], distance[order], group[order]
    same = group[1:] == group[:-1]
    before, after = distance[:-1][same & others[:-1] & rows[1:]], distance[1:][same & rows[:-1] & others[1:]]
    beside = np.concatenate([before, after])
    return len(beside) > 0 and bool(np.median(beside) >= _LEAST_JUMP * np.median(distance[others]))


def _are_whole_degrees(x: Floats, y: Floats) -> bool:
    """Return whether all are whole numbers, some negative: pixels and fractions of the frame start at 0, 0."""
    return bool((x == x.round()).all() and (y == y.round()).all() and min(x.min(initial=0), y.min(initial=0)) < -1)


def _most_frequent(x: Floats, y: Floats) -> int:
    """Return how many rows hold the most frequent position."""
    known = np.isfinite(x) & np.isfinite(y)
    return int(np.unique(x[known] + 1j * y[known], return_counts=True)[1].max(initial=0))


def look_exchanged(x: Floats, y: Floats, y_range: tuple[float, float]) -> bool:
    """Return whether the columns seem exchanged: some y lie outside their range, no x does, and y spread wider."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    beyond, x_beyond = ((~within(values, y_range)).sum() for values in (y, x))
    return bool(beyond >= _LEAST_BEYOND and x_beyond == 0 and y.std() > x.std())


def look_tiny(x: Floats, y: Floats, tiny: tuple[float, float, float]) -> bool:
    """Return whether positions seem to be in another unit: many, spread out, and none beyond the `tiny` |x| and |y|.

    A target that is looked at steadily does not spread.
    """
    largest_x, largest_y, spread = tiny
    if len(x) < _ENOUGH_POSITIONS or not (np.ptp(x) > spread or np.ptp(y) > spread):
        return False
    return bool(np.abs(x).max() <= largest_x and np.abs(y).max() <= largest_y)

"""The calmest path near a given one: a string that is pulled taut inside a tube around it."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def taut_string(times_s: Floats, path: Floats, radius: float) -> dict[int, float]:
    """Return the corners, index -> value, of the shortest line over all times within `radius` of `path`.

    Among all lines in the tube, the taut string has the smallest sum of f(speed), for every convex f (Davies & Kovac,
    Annals of Statistics 29, 2001). So its highest speed is at most that of `path`. Where `path` wanders inside the
    tube, it stands still or turns evenly. `times_s` and `path` are (N,), times ascending.
    """
    lower, upper = path - radius, path + radius
    first, last = _resting_value(lower, upper), _resting_value(lower[::-1], upper[::-1])
    if first is None or last is None:
        still = float(np.clip(np.median(path), lower.max(), upper.min()))
        return {0: still, len(path) - 1: still}
    lower[[0, -1]] = upper[[0, -1]] = first, last
    corners = {0: first}
    at = 0
    while at < len(path) - 1:
        at, value = _next_corner(times_s, lower, upper, at, corners[at])
        corners[at] = value
    return corners


def _resting_value(lower: Floats, upper: Floats) -> float | None:
    """Return the value at which the string rests at first, before the tube forces it to move; None if it never does."""
    lowest, highest = -math.inf, math.inf
    for low, high in zip(lower.tolist(), upper.tolist(), strict=True):
        if low > highest:
            return highest
        if high < lowest:
            return lowest
        lowest, highest = max(lowest, low), min(highest, high)
    return None


def _next_corner(times_s: Floats, lower: Floats, upper: Floats, at: int, value: float) -> tuple[int, float]:
    """Follow the tube from a corner until no straight line fits any more; return the next corner."""
    steepest_low, steepest_high = -math.inf, math.inf
    below = above = at
    for index in range(at + 1, len(times_s)):
        elapsed_s = times_s[index] - times_s[at]
        low, high = (lower[index] - value) / elapsed_s, (upper[index] - value) / elapsed_s
        if low > steepest_high:
            return above, float(upper[above])
        if high < steepest_low:
            return below, float(lower[below])
        if low >= steepest_low:
            steepest_low, below = low, index
        if high <= steepest_high:
            steepest_high, above = high, index
    return len(times_s) - 1, float(lower[-1])

"""Positions that a format gives as shares of the frame."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.directions import Floats
from atsal.gaze.readers.parsing.position_checks import LOST, LOST_WRITTEN, placeholders
from atsal.gaze.reading import DropCounter
from atsal.gaze.records import Integers

Mask = NDArray[np.bool_]
_HAIR = 1e-6  # beyond [0, 1]: what rounding explains


def shares_of_frame(
    path: Path,
    positions: Floats,
    where: Callable[[int], str],
    drops: DropCounter,
    considered: Mask | None = None,
    *,
    most_outside: float = 0.5,
    recording: Integers | None = None,
) -> tuple[Floats, Mask]:
    """Positions (N, K) that a format promises in [0, 1]: the same, clipped by a hair at most, and which rows are good.

    Rows with a value missing, a placeholder (`placeholders`, where `recording` is explained) or one outside are counted
    in `drops`; `where` names a row. `DataError` where more than `most_outside` of the rows with values lie outside: the
    unit is another one.
    """
    considered = np.ones(len(positions), bool) if considered is None else considered
    inside = (positions >= -_HAIR) & (positions <= 1 + _HAIR)
    written = np.zeros(len(positions), bool)
    for x in range(0, positions.shape[1], 2):
        within = inside[:, x] & inside[:, x + 1]
        written |= placeholders(positions[:, x], positions[:, x + 1], within, recording)
    there = np.isfinite(positions).all(1) & ~written
    outside = there & ~inside.all(1)
    if outside.any() and outside.sum() > most_outside * there.sum():
        row = int(np.argmax(outside))
        found = ", ".join(f"{value:.4g}" for value in positions[row])
        raise DataError(
            f"{path}: {outside.sum()} of {there.sum()} positions lie outside the frame (as {found}, {where(row)}); the "
            "unit, the origin or the format is another one than promised"
        )
    for reason, rows in ((LOST_WRITTEN, written), (LOST, ~there & ~written), ("position outside the frame", outside)):
        wrong = np.flatnonzero(rows & considered)
        if len(wrong):
            drops.add(reason, where(int(wrong[0])), len(wrong))
    return np.clip(positions, 0, 1), there & ~outside & considered

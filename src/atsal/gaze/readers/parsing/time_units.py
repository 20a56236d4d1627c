"""The unit of times and durations, detected from how long the things they measure last."""

from collections.abc import Iterable, Sequence

import numpy as np

from atsal.errors import DataError
from atsal.gaze.directions import Floats

SECONDS_PER_UNIT = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
SAMPLE_STEP_S = (0.0004, 2.0)  # from one sample to the next; a step fits this range in two units at most
ONSET_STEP_S = (0.02, 30.0)  # from one fixation to the next
FIXATION_S = (0.005, 20.0)  # duration of a fixation


def matching_units(
    typical: float, limits_s: tuple[float, float], units: Iterable[str] = tuple(SECONDS_PER_UNIT)
) -> list[str]:
    """Return the units in which a typical (median) length lies within the limits; none for NaN."""
    return [unit for unit in units if limits_s[0] <= typical * SECONDS_PER_UNIT[unit] <= limits_s[1]]


def convert_times(
    values: Floats,
    typical: float,
    limits_s: tuple[float, float],
    label: str,
    *,
    promised: str,
    alternatives: Sequence[str],
    target: str = "s",
) -> tuple[Floats, tuple[str, ...]]:
    """Return times in the unit `target`, and a note if they were not in the `promised` unit.

    `typical` is the median length that the times measure (a step, a duration), in their own unit. The first unit in
    which it lies within `limits_s` is taken; NaN leaves the promised unit. Raises `DataError` if no unit fits; `label`
    names file and column.
    """
    units = matching_units(typical, limits_s, (promised, *alternatives)) if np.isfinite(typical) else [promised]
    if not units:
        others = " nor ".join(alternatives)
        raise DataError(
            f"{label}: a median step or duration of {typical:.3g} is neither in {promised} nor in {others}; expected "
            f"{limits_s[0]:g} to {limits_s[1]:g} s, written in {promised}: convert the times"
        )
    note = (f"{label} is in {units[0]}, not in {promised}; converted",) if units[0] != promised else ()
    return values * (SECONDS_PER_UNIT[units[0]] / SECONDS_PER_UNIT[target]), note


def time_steps(recordings: Sequence[Floats]) -> Floats:
    """Return the time steps above 0 from one row to the next of the same recording."""
    steps = np.concatenate([np.zeros(0), *(np.diff(np.sort(times)) for times in recordings)])
    return steps[steps > 0]


def median_or_nan(values: Floats) -> float:
    """Return the median, NaN for no values."""
    return float(np.median(values)) if len(values) else float("nan")


def check_durations(durations_s: Floats, label: str, *, fewest: int) -> None:
    """Raise `DataError`, naming the likely unit, if the median of `fewest` or more fixations is impossible."""
    typical = median_or_nan(durations_s)
    if len(durations_s) < fewest or FIXATION_S[0] <= typical <= FIXATION_S[1]:
        return
    unit = next(iter(matching_units(typical * 1000, FIXATION_S)), None)  # of the number as written, in ms
    remedy = f"is it {unit}? Convert it to ms" if unit else "no unit makes that a fixation"
    raise DataError(
        f"{label}: fixations last {typical * 1000:g} ms in the median; expected {FIXATION_S[0] * 1000:g} to "
        f"{FIXATION_S[1] * 1000:g} ms: {remedy}"
    )

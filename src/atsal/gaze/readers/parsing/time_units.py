"""In which unit times and durations are, told by how long the things they measure last."""

from collections.abc import Sequence

import numpy as np

from atsal.errors import DataError
from atsal.gaze.directions import Floats

SECONDS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
SAMPLE_STEP_S = (0.0004, 2.0)  # from one sample to the next; no step lies in this range in more than two of the units
ONSET_STEP_S = (0.02, 30.0)  # from one fixation to the next
FIXATION_S = (0.005, 20.0)  # that a fixation lasts


def units_for(typical: float, limits_s: tuple[float, float]) -> list[str]:
    """The units in which a typical (median) length lies within limits; none for NaN."""
    return [unit for unit, second in SECONDS.items() if limits_s[0] <= typical * second <= limits_s[1]]


def steps(recordings: Sequence[Floats]) -> Floats:
    """The steps of time, more than 0, from one row to the next of the same recording."""
    found = np.concatenate([np.zeros(0), *(np.diff(np.sort(times)) for times in recordings)])
    return found[found > 0]


def middle(lengths: Floats) -> float:
    """The median; NaN of nothing."""
    return float(np.median(lengths)) if len(lengths) else float("nan")


def check_durations(lengths_s: Floats, where: str, *, fewest: int) -> None:
    """`DataError` where most fixations, at least `fewest`, last impossibly long or short; it names the likely unit."""
    typical = middle(lengths_s)
    if len(lengths_s) < fewest or FIXATION_S[0] <= typical <= FIXATION_S[1]:
        return
    unit = next(iter(units_for(typical * 1000, FIXATION_S)), None)  # of the number that was written
    likely = f"is it {unit}? Convert it to ms" if unit else "in no unit is that a fixation"
    raise DataError(
        f"{where}: fixations last {typical * 1000:g} ms in the median; expected {FIXATION_S[0] * 1000:g} to "
        f"{FIXATION_S[1] * 1000:g} ms: {likely}"
    )

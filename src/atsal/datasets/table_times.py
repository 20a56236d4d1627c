"""Times and durations of tables of one's own: in which unit they are, and whether they start with the video.

A unit is told by what it measures: samples follow each other after 0.4 ms to 2 s, fixations begin 20 ms to 30 s apart
and last 5 ms to 20 s. It is converted only where that and the length of the video agree; otherwise the table is
refused.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from atsal.datasets.dataset import Stimulus
from atsal.errors import DataError
from atsal.gaze.directions import Floats
from atsal.gaze.readers.parsing.time_units import (
    ONSET_STEP_S,
    SAMPLE_STEP_S,
    SECONDS_PER_UNIT,
    check_durations,
    matching_units,
    median_or_nan,
    time_steps,
)
from atsal.gaze.records import Fixations, GazeSamples, PlanarFixations, rows_of_each

Notes = tuple[str, ...]
Gaze = Fixations | PlanarFixations | tuple[GazeSamples, ...]

_TELLING = 20  # steps that are not all that long by chance
_FEW = 5  # fixations that are not all that short, or long, by mistake
_SHORTEST_MS = 10.0  # no fixation is as short
_LEAST_FILLED = 0.5  # of the video, by a log whose steps could be of either unit
_MOST_WITHIN = 0.9  # of the times, in the unit they are converted from


def in_unit(gaze: Gaze, stimulus: Stimulus, table: str) -> tuple[Gaze, Notes]:
    """The gaze with its times in s and its durations in ms, and a note on what was in another unit.

    `DataError` where most times lie past the end of the video or most durations are impossible, in any unit that could
    be told: the message names the first and last time and the likely unit.
    """
    if isinstance(gaze, tuple):
        times = [track.timestamp_s for track in gaze if track.timestamp_s is not None]
        scale = _seconds(times, SAMPLE_STEP_S, stimulus.duration_s, f"{table}: timestamp_s")
        if scale == 1:
            return gaze, ()
        scaled = (t if t.timestamp_s is None else replace(t, timestamp_s=t.timestamp_s * scale) for t in gaze)
        return tuple(scaled), (f"{table}: timestamp_s is in milliseconds; made seconds",)
    notes: Notes = ()
    between_s = float("nan")
    if gaze.onset_s is not None:
        onsets = [gaze.onset_s[rows] for rows in rows_of_each(gaze.observer).values()]
        scale = _seconds(onsets, ONSET_STEP_S, stimulus.duration_s, f"{table}: onset_s")
        between_s = median_or_nan(time_steps(onsets)) * scale
        if scale != 1:
            notes, gaze = (
                (f"{table}: onset_s is in milliseconds; made seconds",),
                replace(gaze, onset_s=gaze.onset_s * scale),
            )
    if gaze.duration_ms is not None:
        lasting = gaze.duration_ms[gaze.duration_ms > 0]
        if len(lasting) >= _FEW and lasting.max() < _SHORTEST_MS and not median_or_nan(lasting) > 2 * between_s:
            notes += (f"{table}: duration_ms is in seconds; made milliseconds",)
            gaze = replace(gaze, duration_ms=gaze.duration_ms * 1000)
        else:
            check_durations(lasting / 1000, f"{table}: duration_ms", fewest=_FEW)
    return gaze, notes


def _seconds(recordings: Sequence[Floats], step_s: tuple[float, float], length_s: float | None, where: str) -> float:
    """What times, said to be seconds, are multiplied with to be seconds: 1, or 0.001."""
    times, between = np.concatenate([np.zeros(0), *recordings]), time_steps(recordings)
    units = matching_units(median_or_nan(between), step_s)
    in_steps_of_ms = "ms" in units and "s" not in units
    if length_s is None or not len(times) or 2 * (times >= length_s).sum() <= len(times):
        sparse_fixations = step_s is ONSET_STEP_S and length_s is not None
        if len(between) < _TELLING or not units or "s" in units or sparse_fixations:
            return 1.0
        if in_steps_of_ms:
            return SECONDS_PER_UNIT["ms"]
        raise DataError(
            f"{where} has steps of {median_or_nan(between):g}, as in {units[0]}; expected seconds: convert them"
        )
    span = max(float(np.ptp(own)) for own in recordings if len(own))
    fills_as_ms = span * SECONDS_PER_UNIT["ms"] >= _LEAST_FILLED * length_s
    may_be_ms = in_steps_of_ms or ("ms" in units and span > length_s and fills_as_ms)
    if may_be_ms and np.mean(times * SECONDS_PER_UNIT["ms"] <= length_s) >= _MOST_WITHIN:
        return SECONDS_PER_UNIT["ms"]
    raise DataError(
        f"{where}: {(times >= length_s).sum()} of {len(times)} rows lie past the end of the video: they run from "
        f"{times.min():.10g} to {times.max():.10g}, expected seconds from 0 to {length_s:g}; "
        f"{_remedy(times, units, span, length_s)}"
    )


def _remedy(times: Floats, units: Sequence[str], span: float, length_s: float) -> str:
    for unit in units:
        filled = span * SECONDS_PER_UNIT[unit] / length_s
        if "s" not in units and filled <= 1 and np.mean(times * SECONDS_PER_UNIT[unit] <= length_s) >= _MOST_WITHIN:
            return f"in steps and length they are {unit}: convert them"
        if filled <= 1 and (unit == "s" or "s" not in units):
            start = "the clock starts before the video: subtract the time at which the video began"
            return f"their steps are those of {unit}, and {start}" + (", and convert them" if unit != "s" else "")
    if units and "s" not in units:
        return f"their steps are those of {units[0]}: convert them"
    return "the video is another one, or cut short, or the times are in another unit"

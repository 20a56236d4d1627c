"""Find the unit of times and durations in tables of one's own, and check that they start with the video.

The typical length of what is measured tells the unit: samples follow each other after 0.4 ms to 2 s; fixations begin
20 ms to 30 s apart and last 5 ms to 20 s. Times are converted only if that and the length of the video agree; otherwise
the table is refused.
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
from atsal.gaze.records import Gaze, rows_of_each

_FEWEST_STEPS = 20  # that are not all long by chance
_FEWEST_DURATIONS = 5  # that are not all short, or long, by mistake
_SHORTEST_MS = 10.0  # no fixation is as short
_LEAST_FILLED = 0.5  # of the video, by a log whose steps fit seconds and milliseconds
_MOST_TIMES = 0.9  # share of the times that lie in the video after a conversion


def convert_times(gaze: Gaze, stimulus: Stimulus, table: str) -> tuple[Gaze, tuple[str, ...]]:
    """Return the gaze with its times in s and its durations in ms, and a note on each conversion.

    Raises `DataError` if most times lie past the end of the video or most durations are impossible, and no unit
    explains it with certainty. The message names the first and last time and the likely unit.
    """
    if isinstance(gaze, tuple):
        times = [track.timestamp_s for track in gaze if track.timestamp_s is not None]
        scale = _find_scale(times, SAMPLE_STEP_S, stimulus.duration_s, f"{table}: timestamp_s")
        if scale == 1:
            return gaze, ()
        tracks = (t if t.timestamp_s is None else replace(t, timestamp_s=t.timestamp_s * scale) for t in gaze)
        return tuple(tracks), (f"{table}: timestamp_s is in milliseconds; made seconds",)
    notes: tuple[str, ...] = ()
    typical_step_s = float("nan")
    if gaze.onset_s is not None:
        onsets = [gaze.onset_s[rows] for rows in rows_of_each(gaze.observer).values()]
        scale = _find_scale(onsets, ONSET_STEP_S, stimulus.duration_s, f"{table}: onset_s")
        typical_step_s = median_or_nan(time_steps(onsets)) * scale
        if scale != 1:
            notes = (f"{table}: onset_s is in milliseconds; made seconds",)
            gaze = replace(gaze, onset_s=gaze.onset_s * scale)
    if gaze.duration_ms is not None:
        durations = gaze.duration_ms[gaze.duration_ms > 0]
        few = len(durations) < _FEWEST_DURATIONS
        if not few and durations.max() < _SHORTEST_MS and not median_or_nan(durations) > 2 * typical_step_s:
            notes += (f"{table}: duration_ms is in seconds; made milliseconds",)
            gaze = replace(gaze, duration_ms=gaze.duration_ms * 1000)
        else:
            check_durations(durations / 1000, f"{table}: duration_ms", fewest=_FEWEST_DURATIONS)
    return gaze, notes


def _find_scale(recordings: Sequence[Floats], step_s: tuple[float, float], length_s: float | None, where: str) -> float:
    """Return the factor that makes seconds of times that should be seconds: 1, or 0.001."""
    times, all_steps = np.concatenate([np.zeros(0), *recordings]), time_steps(recordings)
    units = matching_units(median_or_nan(all_steps), step_s)
    fit_ms_only = "ms" in units and "s" not in units
    if length_s is None or not len(times) or 2 * (times >= length_s).sum() <= len(times):
        sparse_fixations = step_s is ONSET_STEP_S and length_s is not None
        if len(all_steps) < _FEWEST_STEPS or not units or "s" in units or sparse_fixations:
            return 1.0
        if fit_ms_only:
            return SECONDS_PER_UNIT["ms"]
        raise DataError(
            f"{where} has steps of {median_or_nan(all_steps):g}, as in {units[0]}; expected seconds: convert them"
        )
    span = max(float(np.ptp(own)) for own in recordings if len(own))
    fills_video_as_ms = span * SECONDS_PER_UNIT["ms"] >= _LEAST_FILLED * length_s
    may_be_ms = fit_ms_only or ("ms" in units and span > length_s and fills_video_as_ms)
    if may_be_ms and np.mean(times * SECONDS_PER_UNIT["ms"] <= length_s) >= _MOST_TIMES:
        return SECONDS_PER_UNIT["ms"]
    raise DataError(
        f"{where}: {(times >= length_s).sum()} of {len(times)} rows lie past the end of the video: they run from "
        f"{times.min():.10g} to {times.max():.10g}, expected seconds from 0 to {length_s:g}; "
        f"{_find_remedy(times, units, span, length_s)}"
    )


def _find_remedy(times: Floats, units: Sequence[str], span: float, length_s: float) -> str:
    for unit in units:
        filled = span * SECONDS_PER_UNIT[unit] / length_s
        if "s" not in units and filled <= 1 and np.mean(times * SECONDS_PER_UNIT[unit] <= length_s) >= _MOST_TIMES:
            return f"steps and length fit {unit}: convert them"
        if filled <= 1 and (unit == "s" or "s" not in units):
            start = "the clock starts before the video: subtract the time at which the video began"
            return f"their steps fit {unit}, and {start}" + (", and convert them" if unit != "s" else "")
    if units and "s" not in units:
        return f"their steps fit {units[0]}: convert them"
    return "the video is another one, or cut short, or the times are in another unit"

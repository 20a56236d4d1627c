"""Find recordings that cannot be right, whatever their format: drop and count them, or warn.

This module looks at single recordings; `prepared/checks.py` looks at a whole set.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from atsal.datasets.dataset import ItemGaze, Stimulus
from atsal.gaze.checked_records import DropCounter
from atsal.gaze.readers.parsing.position_checks import possible_placeholders
from atsal.gaze.readers.parsing.time_units import FIXATION_S
from atsal.gaze.records import Fixations, GazeSamples, PlanarFixations, rows_of_each
from atsal.untrusted.text import shorten_list

_SAME_TIME = "all times of the recording are the same"
_FEWEST_SAMPLES = 20  # of a recording that is judged
_FEWEST_FIXATIONS = 5
_MOST_REPEATED = 0.05  # of the samples, with time and direction of the one before
_MOST_EQUAL_TIMES = 0.5  # of the steps
_FEWEST_GAZE, _FEWEST_FRAMES, _LEAST_COVERED = 20, 20, 0.1


def drop_implausible(gaze: ItemGaze, stimulus: Stimulus) -> ItemGaze:
    """Return the gaze without recordings that have one time throughout, unless on a still, and with warnings.

    Warns of recordings that hold one position throughout or that have equal times, of rows that repeat the one before,
    of impossible durations, and of observers whose names differ by capitals only.
    """
    samples, fixations, drops = gaze.samples, gaze.fixations, DropCounter()
    drops.merge(gaze.drops)
    observers = list(_observers_at_one_time(gaze))
    warnings = [*gaze.warnings, *_warnings(gaze)]
    is_still = stimulus.kind in ("image", "photo")
    if observers:
        warnings.append(f"all times of {shorten_list(observers)} are the same" + ("" if is_still else ": left out"))
    if observers and not is_still:
        dropped = [track for track in samples if track.observer in observers]
        samples = tuple(track for track in samples if track.observer not in observers)
        count = sum(map(len, dropped))
        if isinstance(fixations, Fixations):
            kept = ~np.isin(fixations.observer, observers)
            count = count or int((~kept).sum())
            fixations = fixations.select(kept)
        drops.add(_SAME_TIME, f"observer {observers[0]}", count)
    return replace(gaze, samples=samples, fixations=fixations, drops=drops.result(), warnings=tuple(warnings))


def _observers_at_one_time(gaze: ItemGaze) -> list[str]:
    """Return the observers whose times all are the same."""
    tracks = (track for track in gaze.samples if track.timestamp_s is not None)
    found = [track.observer for track in tracks if _are_equal(track.timestamp_s, _FEWEST_SAMPLES)]
    onsets = None if gaze.fixations is None else gaze.fixations.onset_s
    rows = _rows(gaze.fixations).items() if onsets is not None else ()
    found += [name for name, own in rows if onsets is not None and _are_equal(onsets[own], _FEWEST_FIXATIONS)]
    return list(dict.fromkeys(found))


def check_coverage(fixations: Fixations, stimulus: Stimulus) -> tuple[str, ...]:
    """Return a warning if all gaze begins within a small part of the frames of a video."""
    frame, frames = fixations.first_frame, stimulus.frames
    if frame is None or frames is None or len(frame) < _FEWEST_GAZE or frames < _FEWEST_FRAMES:
        return ()
    if np.ptp(frame) + 1 >= _LEAST_COVERED * frames:
        return ()
    place = f"frames {frame.min()} to {frame.max()} of {frames}"
    return (f"all gaze begins in the {place}: are its times or frames in another unit?",)


def _warnings(gaze: ItemGaze) -> Iterator[str]:
    constant = [track.observer for track in gaze.samples if _is_constant(track)]
    constant += [name for name, rows in _rows(gaze.fixations).items() if _is_one_place(gaze.fixations, rows)]
    if constant:
        yield f"the gaze of {shorten_list(list(dict.fromkeys(constant)))} never moves: was nothing tracked?"
    lost = sum(map(_count_placeholders, gaze.samples))
    if lost:
        yield f"{lost} samples at exactly 0, 0 or -1, -1 lie far from those before and after: were they lost? Kept"
    tracks = [track for track in gaze.samples if track.timestamp_s is not None and len(track) >= _FEWEST_SAMPLES]
    equal_times = _share([np.diff(track.timestamp_s) == 0 for track in tracks if track.timestamp_s is not None])
    repeated = _share([_repeats(track) for track in tracks])
    if equal_times > _MOST_EQUAL_TIMES:
        yield f"{equal_times:.0%} of the samples have the time of the one before: are the times rounded?"
    elif repeated > _MOST_REPEATED:
        yield f"{repeated:.0%} of the samples repeat time and direction of the one before: they count twice"
    duration_ms = None if gaze.fixations is None else gaze.fixations.duration_ms
    too_long = 0 if duration_ms is None else int((duration_ms > 1000 * FIXATION_S[1]).sum())
    if too_long:
        yield f"{too_long} fixations last longer than {FIXATION_S[1]:g} s: are their durations in another unit?"
    similar: dict[str, list[str]] = {}
    for name in dict.fromkeys([*(t.observer for t in gaze.samples), *_rows(gaze.fixations)]):
        similar.setdefault(name.casefold(), []).append(name)
    for names in similar.values():
        if len(names) > 1:
            yield f"the names of observers {shorten_list(names)} differ by capitals only: is this one person?"


def _count_placeholders(track: GazeSamples) -> int:
    """Count the samples that look lost although their reader took them for positions, as in logs of whole degrees."""
    x, y = np.rad2deg(track.lonlat(track.directions[0])).round(6)
    return int(possible_placeholders(x, y, track.is_valid).sum())


def _rows(fixations: Fixations | PlanarFixations | None) -> dict[str, NDArray[np.int64]]:
    return {} if fixations is None or not len(fixations) else rows_of_each(fixations.observer)


def _are_equal(values: NDArray[np.float64] | None, fewest: int) -> bool:
    return values is not None and len(values) >= fewest and bool((values == values[0]).all())


def _is_constant(track: GazeSamples) -> bool:
    vectors = [track.vectors(direction)[track.is_valid] for direction in track.directions]
    return all(len(v) >= _FEWEST_SAMPLES and bool((v == v[0]).all()) for v in vectors)


def _is_one_place(fixations: Fixations | PlanarFixations | None, rows: NDArray[np.int64]) -> bool:
    if fixations is None:
        return False
    if isinstance(fixations, PlanarFixations):
        places = fixations.u, fixations.v
    else:
        places = fixations.lon_rad, fixations.lat_rad
    return all(_are_equal(values[rows], _FEWEST_FIXATIONS) for values in places)


def _repeats(track: GazeSamples) -> NDArray[np.bool_]:
    """Return which samples, from the second on, have time and directions of the one before."""
    if track.timestamp_s is None:
        return np.zeros(0, bool)
    same: NDArray[np.bool_] = np.diff(track.timestamp_s) == 0
    for direction in track.directions:
        vectors = track.vectors(direction)
        same &= (vectors[1:] == vectors[:-1]).all(1)
    return same


def _share(masks: Sequence[NDArray[np.bool_]]) -> float:
    return float(np.mean(np.concatenate(masks))) if masks else 0.0

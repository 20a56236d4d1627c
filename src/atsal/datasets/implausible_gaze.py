"""What cannot be right in the gaze on one item, whatever its format: left out and counted, or said.

It is about single recordings; `checks` looks at a whole set.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from atsal.datasets.dataset import ItemGaze, Stimulus
from atsal.gaze.readers.parsing.position_checks import placeholders_within
from atsal.gaze.readers.parsing.time_units import FIXATION_S
from atsal.gaze.reading import DropCounter
from atsal.gaze.records import Fixations, GazeSamples, PlanarFixations, rows_of_each
from atsal.untrusted.text import shorten_list

_STANDING = "times of the recording all the same"
_FEWEST_SAMPLES = 20  # of a recording, from which on it is judged
_FEWEST_FIXATIONS = 5
_MOST_REPEATED = 0.05  # of the samples, that say the same as the one before
_MOST_STANDING = 0.5  # of the steps, that are 0
_FEWEST_GAZE, _FEWEST_FRAMES, _LEAST_COVERED = 20, 20, 0.1


def sound(gaze: ItemGaze, stimulus: Stimulus) -> ItemGaze:
    """The gaze without recordings whose times all are the same, unless on a still, and with warnings on what is odd.

    Odd are recordings that hold one position throughout or whose times stand still, rows that repeat the one before,
    and observers whose names differ by capitals only.
    """
    samples, fixations, drops = gaze.samples, gaze.fixations, DropCounter()
    drops.merge(gaze.drops)
    standing = list(_standing(gaze))
    warnings = [*gaze.warnings, *_odd(gaze)]
    if standing and stimulus.kind in ("image", "photo"):
        warnings.append(f"all times of {_named(standing)} are the same")
    elif standing:
        warnings.append(f"all times of {_named(standing)} are the same: left out")
        gone = [track for track in samples if track.observer in standing]
        samples = tuple(track for track in samples if track.observer not in standing)
        drops.add(_STANDING, f"observer {standing[0]}", sum(map(len, gone)))
        if isinstance(fixations, Fixations):
            stays = ~np.isin(fixations.observer, standing)
            drops.add(_STANDING, f"observer {standing[0]}", 0 if gone else int((~stays).sum()))
            fixations = fixations.select(stays)
    return replace(gaze, samples=samples, fixations=fixations, drops=drops.result(), warnings=tuple(warnings))


def _standing(gaze: ItemGaze) -> Iterator[str]:
    """The observers whose times all are the same."""
    for track in gaze.samples:
        if track.timestamp_s is not None and _are_one(track.timestamp_s, _FEWEST_SAMPLES):
            yield track.observer
    if gaze.fixations is not None and gaze.fixations.onset_s is not None:
        for observer, rows in _rows(gaze.fixations).items():
            if _are_one(gaze.fixations.onset_s[rows], _FEWEST_FIXATIONS):
                yield observer


def covers_little(fixations: Fixations, stimulus: Stimulus) -> Iterator[str]:
    """A warning where all gaze begins within a small part of the frames of a video."""
    frame, frames = fixations.first_frame, stimulus.frames
    if frame is None or frames is None or len(frame) < _FEWEST_GAZE or frames < _FEWEST_FRAMES:
        return
    if np.ptp(frame) + 1 < _LEAST_COVERED * frames:
        yield (
            f"all gaze begins in the frames {frame.min()} to {frame.max()} of {frames}: are its times or frames in "
            "another unit?"
        )


def _odd(gaze: ItemGaze) -> Iterator[str]:
    constant = [t.observer for t in gaze.samples if _is_constant(t)]
    constant += [name for name, rows in _rows(gaze.fixations).items() if _is_one_place(gaze.fixations, rows)]
    if constant:
        yield f"{_named(constant)} hold one position throughout: was nothing tracked?"
    lost = sum(map(_placeholders, gaze.samples))
    if lost:
        yield f"{lost} samples at exactly 0, 0 or -1, -1 lie far from those before and after: were they lost? Kept"
    steps = [np.diff(t.timestamp_s) for t in gaze.samples if t.timestamp_s is not None and len(t) >= _FEWEST_SAMPLES]
    standing = float(np.mean(np.concatenate(steps) == 0)) if steps else 0.0
    if standing > _MOST_STANDING:
        yield f"{standing:.0%} of the samples have the time of the one before: are the times rounded?"
    repeated = [_repeats(t) for t in gaze.samples if t.timestamp_s is not None and len(t) >= _FEWEST_SAMPLES]
    share = float(np.mean(np.concatenate(repeated))) if repeated else 0.0
    if share > _MOST_REPEATED and standing <= _MOST_STANDING:
        yield f"{share:.0%} of the samples say the same as the one before, time and direction: they count twice"
    duration_ms = None if gaze.fixations is None else gaze.fixations.duration_ms
    long = 0 if duration_ms is None else int((duration_ms > 1000 * FIXATION_S[1]).sum())
    if long:
        yield f"{long} fixations last longer than {FIXATION_S[1]:g} s: are their durations in another unit?"
    names = dict.fromkeys([*(t.observer for t in gaze.samples), *_rows(gaze.fixations)])
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.casefold(), []).append(name)
    for same in alike.values():
        if len(same) > 1:
            yield f"observers {_named(same)} differ by capitals only: are they one?"


def _placeholders(track: GazeSamples) -> int:
    """How many samples look like lost ones although their format, or whole degrees, made them positions."""
    x, y = np.rad2deg(track.lonlat(track.directions[0])).round(6)
    return int(placeholders_within(x, y, np.ones(len(track), bool) if track.valid is None else track.valid).sum())


def _rows(fixations: Fixations | PlanarFixations | None) -> dict[str, NDArray[np.int64]]:
    return {} if fixations is None or not len(fixations) else rows_of_each(fixations.observer)


def _named(observers: list[str]) -> str:
    return shorten_list(list(dict.fromkeys(observers)))


def _are_one(values: NDArray[np.float64], fewest: int) -> bool:
    return len(values) >= fewest and bool((values == values[0]).all())


def _is_constant(track: GazeSamples) -> bool:
    vectors = [track.vectors(direction)[track.is_valid] for direction in track.directions]
    return all(len(v) >= _FEWEST_SAMPLES and bool((v == v[0]).all()) for v in vectors)


def _is_one_place(fixations: Fixations | PlanarFixations | None, rows: NDArray[np.int64]) -> bool:
    if fixations is None:
        return False
    pair = (
        (fixations.u, fixations.v) if isinstance(fixations, PlanarFixations) else (fixations.lon_rad, fixations.lat_rad)
    )
    return all(_are_one(values[rows], _FEWEST_FIXATIONS) for values in pair)


def _repeats(track: GazeSamples) -> NDArray[np.bool_]:
    """Which samples, but the first, have time and directions of the one before."""
    if track.timestamp_s is None:
        return np.zeros(0, bool)
    same: NDArray[np.bool_] = np.diff(track.timestamp_s) == 0
    for direction in track.directions:
        vectors = track.vectors(direction)
        same &= (vectors[1:] == vectors[:-1]).all(1)
    return same

"""Head and gaze in static scenes (Sitzmann et al., Saliency in VR, IEEE TVCG 2018).

One pickle per scene and condition, written by Python 2: `data/vr/cubemap_0000.pck`, `data/seated_vr/*.pck`,
`data/browser/0.pck`. A file is a pandas frame with one row per run (one viewer in the scene): `viewpoint_idx`, the one
of four directions in which the viewer started, and `data`, a dict of arrays with one entry per sample:

| key | content |
|---|---|
| `timestamp` | seconds since the scene appeared; runs last 30 s |
| `gaze_lat_lon` | gaze in the world, degrees, **latitude first**; (0, 0) where it was lost |
| `headLatLon` | direction of the head, in the same way |
| `gaze_fixations` | fixation at each sample, [0, 1] of the picture, **longitude first**; (0, 0) where there is none |

Latitudes go from 0 to 180 from the **top**, longitudes from 0 to 360 from the picture's left border (180 is its
centre); `gaze_fixations` count from the upper left corner. Other keys (`gaze_fixations_raw`, velocities) are not read.

Source: the authors' notebook (vsitzmann/vr-saliency, `src/Analysis.ipynb`): it divides angles by (180, 360) for
positions in the picture, reverses the columns of `gaze_fixations`, takes equal ones once, clears position (0, 0), and
plots the times in seconds. That `gaze_fixations` has one entry per sample follows from its slicing there; if it has
another length, its distinct entries are read in order, without times. A public reader (ScanDMM) takes angles of 0 as
lost gaze and skips runs without gaze.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords, DropCounter
from atsal.gaze.directions import Floats, lonlat_from_uv, unit_vectors
from atsal.gaze.readers.parsing.checked_table import RowFilter
from atsal.gaze.readers.parsing.load_pickle import DataFrame, load_pickle
from atsal.gaze.readers.parsing.position_checks import fractions
from atsal.gaze.readers.parsing.time_units import median_or_nan
from atsal.gaze.records import Fixations, GazeSamples
from atsal.untrusted.text import short_repr

_LONGEST_S = 600.0  # runs last 30 s
_LATEST_START_S = 30.0
_MOST_OUTSIDE = 0.1  # latitudes from -90 to 90 are half inside [0, 180]
_ENOUGH_SAMPLES = 20  # that do not all lie within 3° of a corner by chance


@dataclass(frozen=True, eq=False)
class SitzmannRun:
    """One viewer in one scene."""

    viewpoint: int  # 0 to 3
    samples: GazeSamples  # `head_eye`, and `head` where the condition has it
    fixations: Fixations


def read_sitzmann(path: Path) -> CheckedRecords[tuple[SitzmannRun, ...]]:
    """Read all runs of a scene. Viewers have no names: the observer is "<file>-run<number>".

    Samples without a time, lost ones, and those out of range are dropped and counted. Times in milliseconds are
    converted, and times of another clock counted from the first, with a note. Raises `DataError` for a pickle that
    cannot be read safely, one of another structure, and angles in another unit or with another origin.
    """
    columns = _read_columns(path, load_pickle(path))
    drops, notes, runs = DropCounter(), list[str](), []
    for number, (viewpoint, arrays) in enumerate(zip(columns["viewpoint_idx"], columns["data"], strict=True)):
        label = f"{path}, run {number}"
        if not isinstance(arrays, dict):
            raise DataError(f"{label}: holds a {type(arrays).__name__}, expected a dict of arrays")
        if not _is_whole(viewpoint):
            raise DataError(f"{label}: viewpoint_idx is {short_repr(viewpoint)}, expected a whole number")
        if np.size(arrays.get("gaze_lat_lon", 0)) == 0:
            drops.add("a run without gaze", label)
            continue
        run = _Run(label, arrays, f"{path.stem}-run{number:02d}", drops, notes)
        runs.append(SitzmannRun(int(viewpoint), run.samples(), run.fixations()))
    return CheckedRecords(tuple(runs), drops.result(), tuple(notes))


def _is_whole(value: Any) -> bool:
    """Return whether a value is a whole number; pandas turns a column of integers with gaps into floats, as 2.0."""
    return isinstance(value, int | np.integer) or (isinstance(value, float | np.floating) and float(value).is_integer())


def _read_columns(path: Path, document: Any) -> dict[str, list[Any]]:
    columns = document.columns if isinstance(document, DataFrame) else document
    expected = "a pandas frame with the columns viewpoint_idx and data"
    try:
        found = {name: list(columns[name]) for name in ("viewpoint_idx", "data")}
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise DataError(
            f"{path}: holds a {type(document).__name__}, expected {expected} ({short_repr(str(error), 200)})"
        ) from error
    if not found["data"] or len(found["data"]) != len(found["viewpoint_idx"]):
        raise DataError(
            f"{path}: {len(found['data'])} runs, {len(found['viewpoint_idx'])} viewpoints; expected {expected}"
        )
    return found


class _Run:
    """The arrays of one run."""

    def __init__(self, label: str, arrays: dict[str, Any], observer: str, drops: DropCounter, notes: list[str]) -> None:
        self.label, self.arrays, self.observer, self.drops, self.notes = label, arrays, observer, drops, notes
        self.time = self._read_seconds()

    def samples(self) -> GazeSamples:
        """Return all good samples in order of time."""
        rows = RowFilter(len(self.time), lambda row: f"{self.label}, sample {row}", self.drops)
        rows.drop(~np.isfinite(self.time), "no time, or one before the start")
        gaze = self._check_angles("gaze_lat_lon", rows)
        head = None if self.arrays.get("headLatLon") is None else self._check_angles("headLatLon", rows)
        order = rows.rows[np.argsort(self.time[rows.rows], kind="stable")]
        return GazeSamples(
            self.observer, self.time[order], head=None if head is None else head[order], head_eye=gaze[order]
        )

    def fixations(self) -> Fixations:
        """Return one fixation per run of equal entries of `gaze_fixations`, in order of time."""
        points = self._array("gaze_fixations")
        if points.size == 0:
            return Fixations.empty()
        points = self._pairs("gaze_fixations").copy()
        points[np.isnan(points).any(1)] = 0
        first = np.flatnonzero(np.concatenate(([True], (points[1:] != points[:-1]).any(1))))
        last = np.append(first[1:], len(points)) - 1
        fixated = (points[first] != 0).any(1)
        first, last = first[fixated], last[fixated]
        rows = RowFilter(len(first), lambda row: f"{self.label}, sample {first[row]}", self.drops)
        u, v = rows.check_positions(points[first, 0], points[first, 1], fractions())
        lon, lat = lonlat_from_uv(u, v)
        found = Fixations(np.full(len(lon), self.observer), lon, lat)
        if len(points) != len(self.time):
            return found.select(rows.used)
        start, end = self.time[first], self.time[last]
        rows.drop(~(np.isfinite(start) & np.isfinite(end)), "a fixation without time")
        # a fixation lasts to the end of its last sample
        step_s = np.nan_to_num(median_or_nan(np.diff(self.time[np.isfinite(self.time)])))
        found, start, end = found.select(rows.used), start[rows.used], end[rows.used]
        found = replace(found, onset_s=start, duration_ms=np.maximum(end - start + step_s, 0) * 1000)
        return found.select(np.argsort(start, kind="stable"))

    def _check_angles(self, key: str, rows: RowFilter) -> Floats:
        """Return unit vectors; drop the samples without one."""
        angles = self._pairs(key)
        if len(angles) != len(self.time):
            raise DataError(f"{self.label}: {len(angles)} {key} for {len(self.time)} times; expected as many")
        angles = np.where((angles == 0).all(1)[:, None], np.nan, angles)
        known = angles[np.isfinite(angles).all(1)]
        if len(known) >= _ENOUGH_SAMPLES and known[:, 0].max() <= np.pi and known[:, 1].max() <= 2 * np.pi:
            raise DataError(
                f"{self.label}: all {key} lie within {known.max():.3g} of 0: radians, or fractions of the frame? "
                "Expected degrees"
            )
        u, v = rows.check_positions(angles[:, 1] / 360, angles[:, 0] / 180, fractions(), most_outside=_MOST_OUTSIDE)
        return unit_vectors(*lonlat_from_uv(u, v))

    def _read_seconds(self) -> Floats:
        """Return times in seconds, NaN for those before the start."""
        time = self._array("timestamp").ravel()
        known = time[np.isfinite(time)]
        if not len(known):
            raise DataError(f"{self.label}: no timestamp at all; expected one per sample")
        if np.ptp(known) > _LONGEST_S:
            if np.ptp(known) > _LONGEST_S * 1000:
                raise DataError(f"{self.label}: times over {np.ptp(known):.4g}, neither s nor ms of a run of 30 s")
            self.notes.append(f"{self.label}: timestamp is in ms, not in s; converted")
            time, known = time / 1000, known / 1000
        if not -1 <= known.min() <= _LATEST_START_S:
            self.notes.append(f"{self.label}: times of another clock ({known.min():.6g} s); counted from the first")
            time = time - known.min()
        return np.where(time < 0, np.nan, time)

    def _array(self, key: str) -> Floats:
        if key not in self.arrays:
            raise DataError(f"{self.label}: no {key}; found {short_repr(list(self.arrays), 200)}")
        try:
            return np.asarray(self.arrays[key], np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{self.label}: {key} is not an array of numbers ({short_repr(str(error), 200)})"
            ) from error

    def _pairs(self, key: str) -> Floats:
        values = self._array(key)
        if values.ndim != 2 or values.shape[1] != 2:
            raise DataError(f"{self.label}: {key} of shape {values.shape}, expected (samples, 2)")
        return values

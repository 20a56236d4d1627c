"""Head and gaze in static scenes (Sitzmann et al., Saliency in VR, IEEE TVCG 2018): one pickle a scene and condition,
`data/vr/cubemap_0000.pck`, `data/seated_vr/*.pck`, `data/browser/0.pck`, written by Python 2.

A file is a pandas frame with one row a run (one viewer in the scene): `viewpoint_idx`, at which of four directions the
viewer started, and `data`, a dict of arrays with one entry a sample:

| key | content |
|---|---|
| `timestamp` | seconds since the scene appeared; runs last 30 s |
| `gaze_lat_lon` | gaze in the world, degrees, **latitude first**; (0, 0) where it was lost |
| `headLatLon` | direction of the head, the same |
| `gaze_fixations` | fixation at each sample, [0, 1] of the picture, **longitude first**; (0, 0) where there is none |

Latitudes go from 0 to 180 from the **top**, longitudes from 0 to 360 from the picture's left border (180 is its
centre); `gaze_fixations` count from the left upper corner. Other keys (`gaze_fixations_raw`, velocities) are not read.

Source: the authors' notebook (vsitzmann/vr-saliency, `src/Analysis.ipynb`): it divides angles by (180, 360) for
positions in the picture, reverses the columns of `gaze_fixations`, takes equal ones once, clears position (0, 0), and
plots the times in seconds. That `gaze_fixations` has an entry a sample follows from its slicing there; in another
length its distinct entries are read in order, without times. A public reader (ScanDMM) takes angles of 0 as lost gaze
and passes over runs without gaze.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from atsal.errors import DataError
from atsal.gaze.directions import Floats, lonlat_from_uv, unit_vectors
from atsal.gaze.readers.parsing.normalised_positions import Mask, shares_of_frame
from atsal.gaze.readers.parsing.restricted_pickle import Frame, load
from atsal.gaze.reading import DropCounter, Reading
from atsal.gaze.records import Fixations, GazeSamples
from atsal.untrusted.text import short_repr

_LONGEST_S = 600.0  # runs last 30 s
_LATEST_START_S = 30.0
_MOST_OUTSIDE = 0.1  # latitudes from -90 to 90 are half inside [0, 180]
_TELLING = 20  # samples that do not all lie within 3° of a corner by chance


@dataclass(frozen=True, eq=False)
class SitzmannRun:
    """One viewer in one scene."""

    viewpoint: int  # 0 to 3
    samples: GazeSamples  # `head_eye`, and `head` where the condition has it
    fixations: Fixations


def read_sitzmann(path: Path) -> Reading[tuple[SitzmannRun, ...]]:
    """Read all runs of a scene. Viewers have no names: the observer is "<file>-run<number>".

    Dropped and counted: samples without a time, lost ones, and those out of range. Times in milliseconds are converted,
    times of another clock counted from the first, with a note. Raises `DataError` for a pickle that cannot be read
    safely, one of another structure, and angles that are no degrees or of another origin.
    """
    rows = _columns(path, load(path))
    drops, notes, runs = DropCounter(), list[str](), []
    for number, (viewpoint, run) in enumerate(zip(rows["viewpoint_idx"], rows["data"], strict=True)):
        where = f"{path}, run {number}"
        if not isinstance(run, dict):
            raise DataError(f"{where}: holds a {type(run).__name__}, expected a dict of arrays")
        if not _is_whole(viewpoint):
            raise DataError(f"{where}: viewpoint_idx is {short_repr(viewpoint)}, expected a whole number")
        if np.size(run.get("gaze_lat_lon", 0)) == 0:
            drops.add("a run without gaze", where)
            continue
        reader = _Run(path, where, run, f"{path.stem}-run{number:02d}", drops)
        runs.append(SitzmannRun(int(viewpoint), reader.samples(), reader.fixations()))
        notes += reader.notes
    return Reading(tuple(runs), drops.result(), tuple(notes))


def _is_whole(value: Any) -> bool:
    """Also 2.0: a column of numbers with gaps comes so."""
    return isinstance(value, int | np.integer) or (isinstance(value, float | np.floating) and float(value).is_integer())


def _columns(path: Path, document: Any) -> dict[str, list[Any]]:
    columns = document.columns if isinstance(document, Frame) else document
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
    """The arrays of one run, and which samples are good."""

    def __init__(self, path: Path, where: str, run: dict[str, Any], observer: str, drops: DropCounter) -> None:
        self.path, self.where, self.run, self.observer, self.drops = path, where, run, observer, drops
        self.notes: list[str] = []
        self.time = self._seconds()

    def samples(self) -> GazeSamples:
        """All good samples in order of time."""
        kept = np.isfinite(self.time)
        lost = f"{self.where}, sample {int(np.argmin(kept))}"
        self.drops.add("no time, or one before the start", lost, int((~kept).sum()))
        gaze, good = self._directions("gaze_lat_lon", kept)
        head, good = (None, good) if self.run.get("headLatLon") is None else self._directions("headLatLon", good)
        rows = np.flatnonzero(good)
        rows = rows[np.argsort(self.time[rows], kind="stable")]
        return GazeSamples(
            self.observer, self.time[rows], head=None if head is None else head[rows], head_eye=gaze[rows]
        )

    def fixations(self) -> Fixations:
        """Runs of equal entries of `gaze_fixations`."""
        points = self._array("gaze_fixations")
        if points.size == 0:
            return Fixations.empty()
        points = self._pairs("gaze_fixations", points).copy()
        points[np.isnan(points).any(1)] = 0
        new = np.concatenate(([True], (points[1:] != points[:-1]).any(1)))
        first = np.flatnonzero(new)
        last = np.append(first[1:], len(points)) - 1
        there = (points[first] != 0).any(1)
        first, last = first[there], last[there]
        positions, good = shares_of_frame(self.path, points[first], self._place(first), self.drops)
        timed = len(points) == len(self.time)
        if timed:
            known = np.isfinite(self.time[first]) & np.isfinite(self.time[last])
            self.drops.add("a fixation without time", self.where, int((good & ~known).sum()))
            good &= known
        first, last, positions = first[good], last[good], positions[good]
        lon, lat = lonlat_from_uv(positions[:, 0], positions[:, 1])
        found = Fixations(np.full(len(lon), self.observer), lon, lat)
        return self._timed(found, self.time[first], self.time[last]) if timed else found

    def _timed(self, fixations: Fixations, first_s: Floats, last_s: Floats) -> Fixations:
        """In order, from the time of the first to the end of the last sample."""
        steps = np.diff(self.time[np.isfinite(self.time)])
        step_s = float(np.median(steps)) if len(steps) else 0.0
        duration_ms = np.maximum(last_s - first_s + step_s, 0) * 1000
        order = np.argsort(first_s, kind="stable")
        return replace(fixations, onset_s=first_s, duration_ms=duration_ms).select(order)

    def _directions(self, key: str, considered: Mask) -> tuple[Floats, Mask]:
        """Unit vectors, and which samples are good of those considered."""
        angles = self._pairs(key, self._array(key))
        if len(angles) != len(self.time):
            raise DataError(f"{self.where}: {len(angles)} {key} for {len(self.time)} times; expected as many")
        lost = (angles == 0).all(1)
        angles = np.where(lost[:, None], np.nan, angles)
        finite = angles[np.isfinite(angles).all(1)]
        if len(finite) >= _TELLING and finite[:, 0].max() <= np.pi and finite[:, 1].max() <= 2 * np.pi:
            raise DataError(
                f"{self.where}: all {key} lie within {finite.max():.3g} of 0: radians, or shares? Expected degrees"
            )
        shares = angles[:, ::-1] / (360, 180)
        rows = np.arange(len(shares))
        positions, good = shares_of_frame(
            self.path, shares, self._place(rows), self.drops, considered, most_outside=_MOST_OUTSIDE
        )
        return unit_vectors(*lonlat_from_uv(positions[:, 0], positions[:, 1])), good

    def _place(self, rows: Any) -> Any:
        return lambda row: f"{self.where}, sample {rows[row]}"

    def _seconds(self) -> Floats:
        time = self._array("timestamp").ravel()
        there = time[np.isfinite(time)]
        if not len(there):
            raise DataError(f"{self.where}: no timestamp at all; expected one a sample")
        if np.ptp(there) > _LONGEST_S:
            if np.ptp(there) > _LONGEST_S * 1000:
                raise DataError(f"{self.where}: times over {np.ptp(there):.4g}, neither s nor ms of a run of 30 s")
            self.notes.append(f"{self.where}: times in ms; made seconds")
            time = time / 1000
            there = there / 1000
        if not -1 <= there.min() <= _LATEST_START_S:
            self.notes.append(f"{self.where}: times of another clock ({there.min():.6g} s); counted from the first")
            time = time - there.min()
        return np.where(time < 0, np.nan, time)

    def _array(self, key: str) -> Floats:
        if key not in self.run:
            raise DataError(f"{self.where}: no {key}; found {short_repr(list(self.run), 200)}")
        try:
            return np.asarray(self.run[key], np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"{self.where}: {key} is no array of numbers ({short_repr(str(error), 200)})") from error

    def _pairs(self, key: str, values: Floats) -> Floats:
        if values.ndim != 2 or values.shape[1] != 2:
            raise DataError(f"{self.where}: {key} of shape {values.shape}, expected (samples, 2)")
        return values

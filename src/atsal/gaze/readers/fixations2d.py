"""Fixations on flat photos and their density maps: one table, or one array file, for a whole data set.

`fixations.csv` or `fixations.csv.gz`: a header and one row per fixation.

| column | content |
|---|---|
| image | name of the photo without its ending |
| observer | who fixated |
| fixation | its number in the scanpath, from 0; numbers may be missing |
| u | position from the left border, in [0, 1) of the photo's width |
| v | position from the **top**, in [0, 1) of its height |
| duration_ms | milliseconds; empty in all rows where the source has none |

`maps.npz`: `names` (N,) and `maps` (N, h, w) uint8, fixation densities, each with its own scale.

This project defined the layout and converted the authors' MATLAB files. The first fixation, number 0, is where the eye
was before the photo appeared.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords, DropCounter
from atsal.gaze.directions import Floats
from atsal.gaze.readers.parsing.checked_table import CheckedTable
from atsal.gaze.readers.parsing.position_checks import PHOTO_RANGE, number_recordings
from atsal.gaze.readers.parsing.text_table import read_table
from atsal.gaze.readers.parsing.time_units import check_durations
from atsal.gaze.records import PlanarFixations, rows_of_each
from atsal.untrusted.arrays import read_npz
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.text import short_repr

_COLUMNS = ("image", "observer", "fixation", "u", "v", "duration_ms")
_LONGEST_S = 10.0  # no fixation lasts this long, and none is this short in milliseconds
_ENOUGH_DURATIONS = 5  # to detect their unit


def read_fixations2d(path: Path, *, first_fixation: int = 0) -> CheckedRecords[dict[str, PlanarFixations]]:
    """Read the fixations of each photo. Photos and observers keep the order of their first row; fixations are sorted.

    Fixations with a number below `first_fixation` are not read: 1 leaves out number 0 of each observer. An observer
    without a number 0 loses nothing.

    A row without image, observer or number, with a position that is missing or outside [0, 1), with a number below 0,
    without a duration where others have one, and a repeated row are dropped and counted. Raises `DataError`, naming
    file and line, for another table, if most positions are outside [0, 1), and for durations that are neither in
    milliseconds nor in seconds.
    """
    table = read_table(path)
    table.require_columns(_COLUMNS, "fixation table")
    rows = CheckedTable(table)
    number, numbered = table.integers_or_missing("fixation")
    rows.used = (number >= first_fixation) | ~numbered if first_fixation > 0 else rows.used
    image, observer = (rows.names(name, name) for name in ("image", "observer"))
    rows.drop_repeats("image", "observer", "fixation")
    u, v = table.numbers("u"), table.numbers("v")
    rows.drop((u == 1) | (v == 1), "position outside the frame")
    u, v = rows.positions(PHOTO_RANGE, recording=number_recordings(image, observer))
    rows.drop(~numbered, "no fixation number")
    rows.drop(number < 0, "fixation number below 0")
    duration_ms, notes = _durations(rows)
    records = {}
    used = rows.rows
    for name, photo in rows_of_each(image[used]).items():
        own = [used[photo[mine]] for mine in rows_of_each(observer[used[photo]]).values()]
        ordered = np.concatenate([mine[np.argsort(number[mine], kind="stable")] for mine in own])
        duration = None if duration_ms is None else duration_ms[ordered]
        records[name] = PlanarFixations(observer[ordered], u[ordered], v[ordered], duration_ms=duration)
    return rows.result(records, notes)


def _durations(rows: CheckedTable) -> tuple[Floats | None, tuple[str, ...]]:
    """Return durations in ms, None if no row has one, and a note if they were in seconds."""
    duration_ms = rows.table.numbers("duration_ms")
    known = duration_ms[np.isfinite(duration_ms)]
    if not len(known):
        return None, ()
    notes: tuple[str, ...] = ()
    path = rows.table.path
    if known.max() < _LONGEST_S:
        duration_ms = duration_ms * 1000
        notes = (f"{path}: duration_ms is in seconds, not in milliseconds; converted",)
    else:
        check_durations(known[known > 0] / 1000, str(path), fewest=_ENOUGH_DURATIONS)
    rows.drop(~np.isfinite(duration_ms), "no duration")
    rows.drop(duration_ms < 0, "duration below 0")
    return duration_ms, notes


def read_density_maps(path: Path) -> CheckedRecords[dict[str, NDArray[np.uint8]]]:
    """Read `maps.npz`: the density (h, w) uint8 of each photo, by name, in the file's order.

    A map of zeros is dropped and counted. Raises `DataError` for any other content.
    """
    arrays = read_npz(path, ("names", "maps"), ErrorFactory(DataError, path, "copy or download it again"))
    names, maps = arrays["names"], arrays["maps"]
    if names.dtype.kind != "U" or maps.dtype != np.uint8 or maps.ndim != 3 or names.shape != maps.shape[:1]:
        raise DataError(
            f"{path}: names {names.shape} of {names.dtype} and maps {maps.shape} of {maps.dtype}; expected N texts and "
            "(N, h, w) of uint8"
        )
    if len(set(names.tolist())) != len(names):
        raise DataError(f"{path}: a duplicate name; expected one map per photo")
    drops, records = DropCounter(), {}
    for index, (name, density) in enumerate(zip(names.tolist(), maps, strict=True)):
        if density.any():
            records[name] = density
        else:
            drops.add("density map of zeros", f"{path}, map {index} ({short_repr(name)})")
    return CheckedRecords(records, drops.result())

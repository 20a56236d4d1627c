"""Fixations on flat photos, and density maps of them: one table, or one array file, for a whole set.

`fixations.csv` or `fixations.csv.gz`: a header and one row a fixation.

| column | what |
|---|---|
| image | name of the photo without its ending |
| observer | whose fixation it is |
| fixation | its number in the scanpath, from 0; numbers may be missing |
| u | position from the left border, in [0, 1) of the photo's width |
| v | position from the **top**, in [0, 1) of its height |
| duration_ms | milliseconds; empty throughout where the source has none |

`maps.npz`: `names` (N,) and `maps` (N, h, w) uint8, fixation densities, each with its own scale.

The layout is this project's; its tables were made from the authors' MATLAB files. The first fixation, number 0, lies
where the eye was before the photo came up.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.directions import Floats
from atsal.gaze.readers.parsing.position_checks import LOST_WRITTEN, placeholders, recordings
from atsal.gaze.readers.parsing.text_table import TextTable, read_table, require_columns
from atsal.gaze.readers.parsing.time_units import check_durations
from atsal.gaze.reading import DropCounter, Reading
from atsal.gaze.records import PlanarFixations, rows_of_each
from atsal.untrusted.arrays import read_npz
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.text import short_repr

_COLUMNS = ("image", "observer", "fixation", "u", "v", "duration_ms")
_LONGEST_S = 10.0  # no fixation lasts so long, and none is so short in milliseconds
_FEW = 5  # durations from which on their unit can be told


def read_fixations2d(path: Path, *, first_fixation: int = 0) -> Reading[dict[str, PlanarFixations]]:
    """Read the fixations of each photo, photos in order of their first row, observers likewise, fixations by number.

    Fixations with a number below `first_fixation` are not read: 1 leaves out each observer's number 0. An observer
    whose number 0 is missing in the file keeps all of theirs.

    A row without image or observer, with a position that is no number or outside [0, 1), a number below 0, or without
    a duration where others have one, or that repeats another, is left out and counted. Raises `DataError`, naming file
    and line, for another shape of table, where most positions are outside [0, 1), and for durations in another unit
    than milliseconds or seconds.
    """
    table, drops, notes = read_table(path), DropCounter(), []
    require_columns(table, _COLUMNS, "fixation table")
    image, observer = (table.names(name) for name in ("image", "observer"))
    number, numbered = table.integers_given("fixation")
    u, v = table.numbers("u"), table.numbers("v")
    duration_ms = table.numbers("duration_ms")
    known = duration_ms[np.isfinite(duration_ms)]
    if len(known) and known.max() < _LONGEST_S:
        duration_ms = duration_ms * 1000
        notes.append(f"{path}: durations in seconds instead of milliseconds")
    else:
        check_durations(known[known > 0] / 1000, str(path), fewest=_FEW)
    inside = (u >= 0) & (u < 1) & (v >= 0) & (v < 1)  # NaN is not
    written = placeholders(u, v, inside, recordings(image, observer))
    faults = {
        "image or observer without a name": (image == "") | (observer == ""),
        "the same row once more": table.repeats("image", "observer", "fixation"),
        LOST_WRITTEN: written,
        "position that is no number": ~(np.isfinite(u) & np.isfinite(v)),
        "position outside the photo": _outside(table, np.where(written, np.nan, u), v),
        "fixation without a number": ~numbered,
        "fixation number below 0": number < 0,
        "fixation without a duration": ~(np.isfinite(duration_ms) & (duration_ms >= 0)) & bool(len(known)),
    }
    kept = number >= first_fixation if first_fixation > 0 else np.ones(len(table), bool)
    for reason, wrong in faults.items():
        _drop(drops, table, reason, kept & wrong)
        kept &= ~wrong
    records = {}
    usable = np.flatnonzero(kept)
    for name, rows in rows_of_each(image[usable]).items():
        own = [usable[rows[mine]] for mine in rows_of_each(observer[usable[rows]]).values()]
        ordered = np.concatenate([mine[np.argsort(number[mine], kind="stable")] for mine in own])
        duration = duration_ms[ordered] if len(known) else None
        records[name] = PlanarFixations(observer[ordered], u[ordered], v[ordered], duration_ms=duration)
    return Reading(records, drops.result(), tuple(notes))


def _outside(table: TextTable, u: Floats, v: Floats) -> NDArray[np.bool_]:
    """The rows whose position is not on the photo; `DataError` if most are."""
    outside = np.isfinite(u) & np.isfinite(v) & ~((u >= 0) & (u < 1) & (v >= 0) & (v < 1))
    if 2 * outside.sum() > len(table):
        raise DataError(
            f"{table.path}: {outside.sum()} of {len(table)} positions lie outside [0, 1) (u up to {np.nanmax(u):.4g}, "
            f"v up to {np.nanmax(v):.4g}); expected shares of the photo's width and height"
        )
    return outside


def read_density_maps(path: Path) -> Reading[dict[str, NDArray[np.uint8]]]:
    """Read `maps.npz`: the density (h, w) uint8 of each photo, by its name, in the file's order.

    A map of zeros is left out and counted. Raises `DataError` for any other content.
    """
    arrays = read_npz(path, ("names", "maps"), ErrorFactory(DataError, path, "copy or download it again"))
    names, maps = arrays["names"], arrays["maps"]
    if names.dtype.kind != "U" or maps.dtype != np.uint8 or maps.ndim != 3 or names.shape != maps.shape[:1]:
        raise DataError(
            f"{path}: names {names.shape} of {names.dtype} and maps {maps.shape} of {maps.dtype}; expected N texts and "
            "(N, h, w) of uint8"
        )
    if len(set(names.tolist())) != len(names):
        raise DataError(f"{path}: a name stands twice; expected one map a photo")
    drops, records = DropCounter(), {}
    for index, (name, density) in enumerate(zip(names.tolist(), maps, strict=True)):
        if density.any():
            records[name] = density
        else:
            drops.add("density map of zeros", f"{path}, map {index} ({short_repr(name)})")
    return Reading(records, drops.result())


def _drop(drops: DropCounter, table: TextTable, reason: str, rows: NDArray[np.bool_]) -> None:
    if rows.any():
        drops.add(reason, table.where(int(np.argmax(rows))), int(rows.sum()))

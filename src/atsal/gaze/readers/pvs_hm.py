"""Head movement of PVS-HM: `FULLdata_per_video_frame.mat` (Xu et al., TPAMI 2018; readme of github.com/YuhangSong/DHP).

One matrix per video, named like it, with 116 columns: two for each of 58 viewers, in degrees, "the front centre as
origin, and the upper left as positive direction", longitude within ±180, latitude within ±90. A row is a sample, and
each frame of the video has two. So our longitude is the negative of the file's.

Which of a viewer's two columns is the longitude? The readme names longitude first, and then says that "the first and
second column include the latitude and longitude". The authors' own code takes the first as latitude. Later readers (the
head-motion toolbox of Romero Rondón et al., 2020) take it as longitude. It is detected from the data: only longitudes
exceed ±90. That + really is left could not be verified against the videos.
"""

import importlib
import struct
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from atsal.config import suggest_name
from atsal.errors import DataError, MissingDependencyError, install_hint
from atsal.gaze.checked_records import CheckedRecords, DropCounter
from atsal.gaze.directions import Floats, unit_vectors
from atsal.gaze.readers.parsing.checked_table import RowFilter
from atsal.gaze.readers.parsing.position_checks import degrees
from atsal.gaze.records import GazeSamples
from atsal.jobs.warning_filter import ignore_warnings
from atsal.untrusted.files import check_readable
from atsal.untrusted.text import short_repr, shorten_list

FILE_NAME = "FULLdata_per_video_frame.mat"
VIEWERS = 58
ROWS_PER_FRAME = 2

_RANGE = degrees(("longitude", "latitude"))
_NUMERIC = {"double", "single"} | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
_LEAST_BEYOND = 1e-3  # fraction of values beyond ±90 that makes a column a longitude …
_TIMES_MORE = 20  # … if there are so many times more than in the other column
_TOLERANCE_DEG = 1e-6
_MOST_VALUES = 2**24  # of a matrix; 116 columns of one minute at 120 frames a second have a tenth of that
_MOST_BYTES = 8 * _MOST_VALUES + 2**20  # of a matrix, unpacked
_COMPRESSED = 15  # the type of a compressed element in a .mat file of version 5
_BLOCK = 2**20
_HDF5 = b"\x89HDF\r\n\x1a\n"


def read_pvs_hm(
    path: Path, video: str, frames_per_s: float | None, *, rows_per_frame: int = ROWS_PER_FRAME
) -> CheckedRecords[tuple[GazeSamples, ...]]:
    """Read the heads of all viewers of a video, named "01" to "58" by their columns.

    Times follow from the video's frame rate; without it the samples have frames only. Missing positions, positions out
    of range, and viewers whose columns hold only zeros are dropped and counted. Raises `DataError` for another kind of
    file, for a video that it does not hold, and if it is unclear which columns are longitudes.
    """
    matrix = _load_matrix(path, video)
    longitude = _longitude_column(path, video, matrix)
    drops = DropCounter()
    tracks = []
    for viewer in range(matrix.shape[1] // 2):
        pair = matrix[:, 2 * viewer : 2 * viewer + 2]
        label = f"{path}, {video}, viewer {viewer + 1:02d}"
        if not pair.any():
            drops.add("viewer without a recording (only zeros)", label, len(pair))
            continue
        filtered = RowFilter(len(pair), lambda row, label=label: f"{label}, row {row + 1}", drops)  # type: ignore[misc]
        lon, lat = filtered.check_positions(
            pair[:, longitude], pair[:, 1 - longitude], _RANGE, most_outside=None, only_heads=True
        )
        rows = filtered.rows
        if len(rows):
            time_s = None if frames_per_s is None else rows / (rows_per_frame * frames_per_s)
            head = unit_vectors(np.deg2rad(-lon[rows]), np.deg2rad(lat[rows]))
            tracks.append(GazeSamples(f"{viewer + 1:02d}", time_s, rows // rows_per_frame, head=head))
    order = "longitude, latitude" if longitude == 0 else "latitude, longitude"
    notes = [f"each viewer's columns are {order}, detected from the data"]
    if matrix.shape[1] != 2 * VIEWERS:
        notes.append(f"{matrix.shape[1] // 2} viewers; the whole set has {VIEWERS}")
    return CheckedRecords(tuple(tracks), drops.result(), tuple(notes))


def pvs_hm_rows(path: Path) -> dict[str, int]:
    """Return the number of rows of each video's matrix, without reading it; other content is ignored."""
    found = {name: shape[0] for name, shape, kind in _contents(path) if kind in _NUMERIC and _has_viewers(shape)}
    return {name: rows for name, rows in found.items() if name.isascii() and name.isidentifier()}  # as MATLAB allows


def _longitude_column(path: Path, video: str, matrix: Floats) -> int:
    """Return which of each viewer's columns is the longitude, 0 or 1, from this video or, if it is unclear, another."""
    found = _detect_longitude(matrix)
    if found is not None:
        return found
    for other in pvs_hm_rows(path):
        found = _detect_longitude(_load_matrix(path, other)) if other != video else None
        if found is not None:
            return found
    first, second = (np.abs(values[np.isfinite(values)]).max(initial=0) for values in (matrix[:, ::2], matrix[:, 1::2]))
    raise DataError(
        f"{path}: cannot tell latitudes from longitudes: in {video}, as in all other videos, neither only the first "
        f"nor only the second columns exceed ±90 (|first| up to {first:g}, |second| up to {second:g}); expected "
        "degrees, longitudes within ±180 and latitudes within ±90"
    )


def _detect_longitude(matrix: Floats) -> int | None:
    """Return 0 or 1, or None if neither column is clearly the longitude."""
    halves = [values[np.isfinite(values)] for values in (matrix[:, ::2], matrix[:, 1::2])]
    if not all(len(values) for values in halves):
        return None
    beyond = [float(np.mean(np.abs(values) > 90 + _TOLERANCE_DEG)) for values in halves]
    column = int(beyond[1] > beyond[0])
    clear = beyond[column] >= _LEAST_BEYOND and beyond[column] >= _TIMES_MORE * beyond[1 - column]
    in_range = np.mean(np.abs(halves[column]) > 180 + _TOLERANCE_DEG) < 0.5  # otherwise the unit is another one
    return column if clear and in_range and np.std(halves[column]) > np.std(halves[1 - column]) else None


def _load_matrix(path: Path, video: str) -> Floats:
    """Return the matrix of a video, float64 (N, 2 x viewers)."""
    kinds = {name: (shape, kind) for name, shape, kind in _contents(path)}
    if video not in kinds:
        raise DataError(
            f"{path}: no video {video!r}{suggest_name(video, kinds) if kinds else '; the file holds nothing'}"
        )
    shape, kind = kinds[video]
    if kind not in _NUMERIC or not _has_viewers(shape):
        size = " x ".join(map(str, shape))
        raise DataError(
            f"{path}: {video} is a {kind} of {size}; expected a matrix of numbers, two columns per viewer "
            f"({2 * VIEWERS})"
        )
    if shape[0] * shape[1] > _MOST_VALUES:
        raise DataError(f"{path}: {video} has {shape[0]:,} x {shape[1]:,} values; expected at most {_MOST_VALUES:,}")
    _check_unpacked(path, path.stat().st_mtime_ns)
    matrix = _scipy_io(path, "loadmat", variable_names=[video])[video]
    if np.iscomplexobj(matrix) or np.shape(matrix) != shape:
        raise DataError(f"{path}: {video} is not a matrix of real numbers; expected degrees")
    return np.asarray(matrix, np.float64)


def _has_viewers(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and shape[1] >= 2 and shape[1] % 2 == 0


@lru_cache(maxsize=1)
def _check_unpacked(path: Path, _mtime_ns: int) -> None:
    """Raise `DataError` if a compressed element unpacks to more than a matrix of this data set can hold."""
    with path.open("rb") as file:
        header = file.read(128)
        order = "<" if header[126:128] == b"IM" else ">"
        if header[126:128] not in (b"IM", b"MI"):
            return  # version 4 has no compression
        while len(tag := file.read(8)) == 8:
            kind, size = struct.unpack(f"{order}II", tag)
            end = file.tell() + size
            if kind == _COMPRESSED and not _unpacks_within_limit(file, size):
                raise DataError(f"{path}: a matrix of more than {_MOST_BYTES:,} bytes when unpacked; is it damaged?")
            file.seek(end)


def _unpacks_within_limit(file: BinaryIO, size: int) -> bool:
    stream, total = zlib.decompressobj(), 0
    while size and not stream.eof and (packed := file.read(min(size, _BLOCK))):
        size -= len(packed)
        try:
            while packed and total <= _MOST_BYTES:
                total += len(stream.decompress(packed, _BLOCK))
                packed = stream.unconsumed_tail
        except zlib.error:
            return True  # scipy will report the damage
    return total <= _MOST_BYTES


def _contents(path: Path) -> list[tuple[str, tuple[int, ...], str]]:
    """Return name, shape and class of everything in a .mat file."""
    check_readable(path, ".mat file", DataError)
    with path.open("rb") as file:
        start = file.read(1024)
    if start.startswith(b"MATLAB 7.3") or _HDF5 in start:
        raise DataError(
            f"{path}: a .mat file of version 7.3 (HDF5), which cannot be read here; convert it in MATLAB or Octave: "
            "s = load('in.mat'); save('-v7', 'out.mat', '-struct', 's')"
        )
    found: list[tuple[str, tuple[int, ...], str]] = _scipy_io(path, "whosmat")
    names = [name for name, _, _ in found]
    if len(set(names)) < len(names):
        raise DataError(f"{path}: holds {shorten_list(names)}, one of them twice; expected each once")
    return found


def _scipy_io(path: Path, function: str, **options: Any) -> Any:
    try:
        io = importlib.import_module("scipy.io")
    except ImportError as error:
        raise MissingDependencyError(f"reading .mat files needs scipy: {install_hint('data')}") from error
    try:
        with ignore_warnings(UserWarning):  # about duplicate names, which `_contents` refuses
            return getattr(io, function)(str(path), appendmat=False, **options)
    except Exception as error:  # scipy raises many kinds of errors for a damaged file
        text = f"{type(error).__name__}: {short_repr(str(error), 200)}"
        raise DataError(f"{path}: cannot be read as a .mat file ({text}); copy or download it again") from error

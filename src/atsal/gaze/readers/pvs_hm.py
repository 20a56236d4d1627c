"""Head movement of PVS-HM: `FULLdata_per_video_frame.mat` (Xu et al., TPAMI 2018; readme of github.com/YuhangSong/DHP).

One matrix a video, named like it, of 116 columns: two for each of 58 viewers, in degrees, "the front centre as origin,
and the upper left as positive direction", longitude within ±180, latitude within ±90. A row is a sample, two a frame of
the video. So our longitude is the negative of the file's.

Which of a viewer's two columns is the longitude? The readme names longitude first and then says that "the first and
second column include the latitude and longitude"; the authors' own code takes the first as latitude; later readers (the
head-motion toolbox of Romero Rondón et al., 2020) take it as longitude. It is told from the data: only longitudes
leave ±90.
Whether + really is left could not be verified against the videos.
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
from atsal.gaze.directions import Floats, unit_vectors
from atsal.gaze.readers.parsing.position_checks import LOST_WRITTEN, placeholders_beyond
from atsal.gaze.reading import DropCounter, Reading
from atsal.gaze.records import GazeSamples
from atsal.jobs.warning_filter import ignore_warnings
from atsal.untrusted.text import short_repr, shorten_list

FILE_NAME = "FULLdata_per_video_frame.mat"
VIEWERS = 58
ROWS_PER_FRAME = 2

_NUMERIC = {"double", "single"} | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
_FEWEST_BEYOND = 1e-3  # share of values beyond ±90 that makes a column a longitude
_CLEARLY = 20  # times more than in the other column
_HAIR = 1e-6  # degrees that rounding explains
_MOST_VALUES = 2**24  # of a matrix; 116 columns of one minute at 120 frames a second have a tenth of it
_MOST_BYTES = 8 * _MOST_VALUES + 2**20  # of a matrix, unpacked
_PACKED = 15  # the type of a compressed element in a .mat file of version 5
_BLOCK = 2**20
_HDF5 = b"\x89HDF\r\n\x1a\n"


def read_pvs_hm(
    path: Path, video: str, frames_per_s: float | None, *, rows_per_frame: int = ROWS_PER_FRAME
) -> Reading[tuple[GazeSamples, ...]]:
    """Read the heads of all viewers of a video, named "01" to "58" by their columns.

    Times follow from the video's rate; without it the samples have frames only. Dropped and counted: missing positions,
    positions out of range, and viewers whose columns hold nothing but zeros. `DataError` for another kind of file, for
    a video that it lacks, and where it cannot be told which columns are longitudes.
    """
    matrix = _load(path, video)
    longitude = _longitude_column(path, video, matrix)
    counter = DropCounter()
    tracks = []
    for viewer in range(matrix.shape[1] // 2):
        pair = matrix[:, 2 * viewer : 2 * viewer + 2]
        rows = _rows(pair[:, longitude], pair[:, 1 - longitude], counter, f"{path}, {video}, viewer {viewer + 1:02d}")
        if not len(rows):
            continue
        lon = np.clip(-pair[rows, longitude], -180, 180)
        lat = np.clip(pair[rows, 1 - longitude], -90, 90)
        time_s = None if frames_per_s is None else rows / (rows_per_frame * frames_per_s)
        head = unit_vectors(np.deg2rad(lon), np.deg2rad(lat))
        tracks.append(GazeSamples(f"{viewer + 1:02d}", time_s, rows // rows_per_frame, head=head))
    return Reading(tuple(tracks), counter.result(), _notes(matrix, longitude))


def pvs_hm_rows(path: Path) -> dict[str, int]:
    """How many rows the matrix of each video has, without reading it; what is no such matrix is left out."""
    found = {name: shape[0] for name, shape, kind in _contents(path) if kind in _NUMERIC and _fits(shape)}
    return {name: rows for name, rows in found.items() if name.isascii() and name.isidentifier()}  # as in MATLAB


def _rows(lon: Floats, lat: Floats, counter: DropCounter, where: str) -> Any:
    """The rows of a viewer to keep; the others are counted."""
    if len(lon) and not (lon.any() or lat.any()):
        counter.add("viewer without a recording (only zeros)", where, len(lon))
        return np.array([], np.int64)
    missing = ~(np.isfinite(lon) & np.isfinite(lat))
    inside = (np.abs(lon) <= 180 + _HAIR) & (np.abs(lat) <= 90 + _HAIR)  # NaN is not
    written = placeholders_beyond(lon, lat, inside)
    outside = ~missing & ~inside & ~written
    for reason, wrong in (
        ("position is missing", missing),
        (LOST_WRITTEN, written),
        ("position out of range", outside),
    ):
        if wrong.any():
            counter.add(reason, f"{where}, row {int(np.argmax(wrong)) + 1}", int(wrong.sum()))
    return np.flatnonzero(inside & ~written)


def _longitude_column(path: Path, video: str, matrix: Floats) -> int:
    """0 or 1: which of each viewer's columns is the longitude, from this video or, if it cannot tell, from another."""
    found = _told(matrix)
    if found is not None:
        return found
    for other in pvs_hm_rows(path):
        found = _told(_load(path, other)) if other != video else None
        if found is not None:
            return found
    first, second = (_largest(values) for values in (matrix[:, ::2], matrix[:, 1::2]))
    raise DataError(
        f"{path}: cannot tell latitudes from longitudes: in {video}, as in all other videos, neither the first nor the "
        f"second columns alone leave ±90 (|first| up to {first:g}, |second| up to {second:g}); expected degrees, "
        "longitudes within ±180 and latitudes within ±90"
    )


def _told(matrix: Floats) -> int | None:
    halves = [values[np.isfinite(values)] for values in (matrix[:, ::2], matrix[:, 1::2])]
    if not all(len(values) for values in halves):
        return None
    beyond = [float(np.mean(np.abs(values) > 90 + _HAIR)) for values in halves]
    column = int(beyond[1] > beyond[0])
    clear = beyond[column] >= _FEWEST_BEYOND and beyond[column] >= _CLEARLY * beyond[1 - column]
    in_range = np.mean(np.abs(halves[column]) > 180 + _HAIR) < 0.5  # else the unit is another one
    return column if clear and in_range and np.std(halves[column]) > np.std(halves[1 - column]) else None


def _largest(values: Floats) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if len(finite) else float("nan")


def _notes(matrix: Floats, longitude: int) -> tuple[str, ...]:
    order = "longitude, latitude" if longitude == 0 else "latitude, longitude"
    notes = [f"each viewer's columns are {order}, told from the data"]
    if matrix.shape[1] != 2 * VIEWERS:
        notes.append(f"{matrix.shape[1] // 2} viewers; the whole set has {VIEWERS}")
    return tuple(notes)


def _load(path: Path, video: str) -> Floats:
    """The matrix of a video, float64 (N, 2 x viewers)."""
    kinds = {name: (shape, kind) for name, shape, kind in _contents(path)}
    if video not in kinds:
        hint = suggest_name(video, kinds) if kinds else "; it holds nothing"
        raise DataError(f"{path}: no video {video!r}{hint}")
    shape, kind = kinds[video]
    if kind not in _NUMERIC or not _fits(shape):
        size = " x ".join(map(str, shape))
        raise DataError(
            f"{path}: {video} is a {kind} of {size}; expected a matrix of numbers, two columns a viewer ({2 * VIEWERS})"
        )
    if shape[0] * shape[1] > _MOST_VALUES:
        raise DataError(f"{path}: {video} has {shape[0]:,} x {shape[1]:,} values; expected at most {_MOST_VALUES:,}")
    _check_unpacked(path, path.stat().st_mtime_ns)
    matrix = _scipy_io(path, "loadmat", variable_names=[video])[video]
    if np.iscomplexobj(matrix) or np.shape(matrix) != shape:
        raise DataError(f"{path}: {video} is no matrix of real numbers; expected degrees")
    return np.asarray(matrix, np.float64)


@lru_cache(maxsize=1)
def _check_unpacked(path: Path, _changed_ns: int) -> None:
    """`DataError` where a compressed element of a .mat file unpacks to more than a matrix of this set could hold."""
    with path.open("rb") as file:
        header = file.read(128)
        order = "<" if header[126:128] == b"IM" else ">"
        if header[126:128] not in (b"IM", b"MI"):
            return  # version 4, which is not compressed
        while len(tag := file.read(8)) == 8:
            kind, size = struct.unpack(f"{order}II", tag)
            end = file.tell() + size
            if kind == _PACKED and not _unpacks_within(file, size):
                raise DataError(f"{path}: a matrix of more than {_MOST_BYTES:,} bytes when unpacked; is it damaged?")
            file.seek(end)


def _unpacks_within(file: BinaryIO, size: int) -> bool:
    stream, total = zlib.decompressobj(), 0
    while size and not stream.eof and (packed := file.read(min(size, _BLOCK))):
        size -= len(packed)
        try:
            while packed and total <= _MOST_BYTES:
                total += len(stream.decompress(packed, _BLOCK))
                packed = stream.unconsumed_tail
        except zlib.error:
            return True  # damaged, which scipy will say
    return total <= _MOST_BYTES


def _fits(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and shape[1] >= 2 and shape[1] % 2 == 0


def _contents(path: Path) -> list[tuple[str, tuple[int, ...], str]]:
    """Name, shape and class of all that a .mat file holds."""
    try:
        if not path.is_file():
            raise DataError(f"{path}: cannot be opened (not a regular file); expected a .mat file")
        with path.open("rb") as file:
            start = file.read(1024)
    except OSError as error:
        raise DataError(f"{path}: cannot be opened ({error.strerror or error})") from error
    if start.startswith(b"MATLAB 7.3") or _HDF5 in start:
        raise DataError(
            f"{path}: a .mat file of version 7.3 (HDF5), which is not read here; in MATLAB or Octave: "
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
        with ignore_warnings(UserWarning):  # of names that stand twice, which are refused by what `whosmat` tells
            return getattr(io, function)(str(path), appendmat=False, **options)
    except Exception as error:  # whatever scipy stumbles over in a damaged file
        text = f"{type(error).__name__}: {short_repr(str(error), 200)}"
        raise DataError(f"{path}: cannot be read as a .mat file ({text}); copy or download it again") from error

"""Logs of head directions as counts by latitude, longitude and time: all that a fit of the front prior needs."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from atsal.config import suggest_name
from atsal.datasets.sets.avtrack360 import DATASET as AVTRACK360
from atsal.errors import ConfigError, DataError
from atsal.gaze.readers.avtrack360 import read_avtrack360
from atsal.gaze.readers.table import TableColumns, read_columns
from atsal.gaze.records import GazeSamples
from atsal.jobs.checksums import file_sha256
from atsal.models.front_prior_file import HeadLogSource

LATITUDES, LONGITUDES = 181, 360  # bins of 1°, centred on whole degrees: some sets give no more
TIME_STEP_S, TIMES = 0.5, 41  # bins centred on half seconds; the last one holds all that is later
COLUMNS = TableColumns(
    observer="viewer", item="video", time="t_s", longitude="lon_deg", latitude="lat_deg", direction="head"
)
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Looks:
    """Shares of all looks by latitude and, by time, by longitude; each of sum 1, up to rounding.

    Each video counts the same, and in it each sample.
    """

    latitude: Floats  # (LATITUDES,) from -90°
    longitude: Floats  # (TIMES, LONGITUDES) from -180°

    @classmethod
    def of(cls, videos: Iterable[tuple[GazeSamples, ...]]) -> "Looks":
        """Count the samples of the videos' viewers, which carry times."""
        each = [_counted(tracks) for tracks in videos]
        return cls.mean(found for found in each if found is not None)

    @classmethod
    def mean(cls, parts: "Iterable[Looks]") -> "Looks":
        """The mean of several, each counting the same."""
        parts = tuple(parts)
        shares = (np.mean([getattr(part, name) for part in parts], axis=0) for name in ("latitude", "longitude"))
        return cls(*shares)


def _counted(tracks: tuple[GazeSamples, ...]) -> Looks | None:
    """Of one video; None without a sample."""
    lon, lat, time = [], [], []
    for track in tracks:
        if track.timestamp_s is not None:
            valid = track.is_valid
            found = np.rad2deg(track.lonlat("head"))[:, valid]
            lon.append(found[0])
            lat.append(found[1])
            time.append(track.timestamp_s[valid])
    if not sum(map(len, time)):
        return None
    row = np.rint(np.concatenate(lat)).astype(np.int64) + 90
    column = (np.rint(np.concatenate(lon)).astype(np.int64) + 180) % LONGITUDES
    step = np.rint(np.concatenate(time) / TIME_STEP_S).astype(np.int64).clip(0, TIMES - 1)
    latitude = np.bincount(row, minlength=LATITUDES)
    longitude = np.bincount(step * LONGITUDES + column, minlength=TIMES * LONGITUDES).reshape(TIMES, LONGITUDES)
    return Looks(latitude / latitude.sum(), longitude / longitude.sum())


@dataclass(frozen=True, eq=False)
class HeadLog:
    """The logs of one set."""

    source: HeadLogSource
    looks: Looks


def read_head_logs(
    logs: Iterable[Path], latitudes: Iterable[Path] = (), licences: Mapping[str, str] | None = None
) -> tuple[HeadLog, ...]:
    """Read the logs of several sets, of those of `latitudes` to use their latitudes alone; errors of `read_head_log`.

    `licences` are those of tables, by the names of their sets; `ConfigError` for another name, and for a set that is
    given twice.
    """
    read = [read_head_log(path, "all") for path in logs] + [read_head_log(path, "latitude") for path in latitudes]
    names = [log.source.name for log in read]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{name}: given {names.count(name)} times; expected the logs of each set once")
    told = dict(licences or {})
    for name in told:
        if name not in names:
            raise ConfigError(f"licence of {name!r}{suggest_name(name, names)}")
    return tuple(
        replace(log, source=replace(log.source, licence=told.get(log.source.name, log.source.licence))) for log in read
    )


def read_head_log(path: Path, used: Literal["all", "latitude"] = "all") -> HeadLog:
    """Read the logs of one set.

    `path` is a table (`.csv`, gzipped or not, or `.parquet`) of the columns video, viewer, t_s (seconds since the start
    of the video), lon_deg (from the front, + to the right) and lat_deg (+ up), or else the head rotations of AVTrack360
    as released, a folder or an archive. Raises `DataError`, naming file and line, for anything else, a table whose rows
    are not all of use, and one without a row.
    """
    is_table = path.name.lower().endswith((".csv", ".csv.gz", ".parquet"))
    videos = _table(path) if is_table else dict(read_avtrack360(path).records)
    tracks = [track for some in videos.values() for track in some]
    if not sum(map(len, tracks)):
        raise DataError(f"{path}: no row; expected head directions")
    source = HeadLogSource(
        name=path.name.split(".")[0] if is_table else AVTRACK360.name,
        file=path.name,
        sha256=_sha256(path),
        licence="not stated" if is_table else AVTRACK360.licence,
        used=used,
        viewers=len({track.observer for track in tracks}),
        videos=len(videos),
        samples=sum(map(len, tracks)),
    )
    return HeadLog(source, Looks.of(videos.values()))


def _table(path: Path) -> dict[str, tuple[GazeSamples, ...]]:
    table = read_columns(path, COLUMNS)
    if table.drops:
        raise DataError(f"{path}: {'; '.join(map(str, table.drops))}; expected a direction and a time in each row")
    return {name: tracks for name, tracks in table.records.items() if isinstance(tracks, tuple)}


def _sha256(path: Path) -> str:
    """Of a file, or of the names and checksums of all files in a folder."""
    if path.is_file():
        return file_sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = [f"{file_sha256(file)}  {file.relative_to(path).as_posix()}" for file in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()

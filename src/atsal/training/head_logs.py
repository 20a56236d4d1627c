"""Logs of head directions as histograms of latitude, longitude and time, for the fit of the front prior."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from atsal.config import suggest_name
from atsal.datasets.sets.avtrack360 import AVTRACK360
from atsal.errors import ConfigError, DataError
from atsal.gaze.readers.avtrack360 import read_avtrack360
from atsal.gaze.readers.table import read_columns
from atsal.gaze.readers.table_columns import TableColumns
from atsal.gaze.records import GazeSamples
from atsal.jobs.checksums import file_sha256
from atsal.models.front_prior_file import HeadLogSource

LATITUDES, LONGITUDES = 181, 360  # bins of 1°, centred on whole degrees, the resolution of some sets
TIME_STEP_S, TIMES = 0.5, 41  # bins centred on multiples; the last one also holds all later times
COLUMNS = TableColumns(
    {"observer": "viewer", "item": "video", "timestamp_s": "t_s", "lon_deg": "lon_deg", "lat_deg": "lat_deg"}
)
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HeadHistogram:
    """Shares of head directions by latitude, and by time and longitude. Each of the two sums to 1, up to rounding.

    Every video has the same weight, and so has every sample of a video.
    """

    latitude: Floats  # (LATITUDES,) from -90°
    longitude: Floats  # (TIMES, LONGITUDES) from -180°

    @classmethod
    def of_videos(cls, videos: Iterable[tuple[GazeSamples, ...]]) -> "HeadHistogram":
        """Count the samples of each video's viewers. Samples without times do not count."""
        histograms = [_video_histogram(tracks) for tracks in videos]
        return cls.mean(histogram for histogram in histograms if histogram is not None)

    @classmethod
    def mean(cls, histograms: "Iterable[HeadHistogram]") -> "HeadHistogram":
        """Return the mean of several histograms."""
        parts = [(histogram.latitude, histogram.longitude) for histogram in histograms]
        return cls(*(np.mean(shares, axis=0) for shares in zip(*parts, strict=True)))


def _video_histogram(tracks: tuple[GazeSamples, ...]) -> HeadHistogram | None:
    """Return the histogram of one video; None without a sample."""
    timed = [(track, track.timestamp_s) for track in tracks if track.timestamp_s is not None]
    if not sum(track.is_valid.sum() for track, _ in timed):
        return None
    lon, lat = np.concatenate([np.rad2deg(track.lonlat("head"))[:, track.is_valid] for track, _ in timed], axis=1)
    time = np.concatenate([seconds[track.is_valid] for track, seconds in timed])
    row = np.rint(lat).astype(np.int64) + 90
    column = (np.rint(lon).astype(np.int64) + 180) % LONGITUDES
    step = np.rint(time / TIME_STEP_S).astype(np.int64).clip(0, TIMES - 1)
    latitude = np.bincount(row, minlength=LATITUDES)
    longitude = np.bincount(step * LONGITUDES + column, minlength=TIMES * LONGITUDES).reshape(TIMES, LONGITUDES)
    return HeadHistogram(latitude / latitude.sum(), longitude / longitude.sum())


@dataclass(frozen=True, eq=False)
class HeadLog:
    """The head directions of one set."""

    source: HeadLogSource
    histogram: HeadHistogram


def read_head_logs(
    logs: Iterable[Path], latitudes: Iterable[Path] = (), licences: Mapping[str, str] | None = None
) -> tuple[HeadLog, ...]:
    """Read the logs of several sets. Of those in `latitudes`, only the latitudes are used.

    `licences` are those of tables, by the names of their sets. Raise `ConfigError` for an unknown name in it and for a
    set that is given twice, and the errors of `read_head_log`.
    """
    read = [read_head_log(path, "all") for path in logs] + [read_head_log(path, "latitude") for path in latitudes]
    names = [log.source.name for log in read]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{name}: given {names.count(name)} times; expected the logs of each set once")
    licences = licences or {}
    for name in licences:
        if name not in names:
            raise ConfigError(f"licence of {name!r}{suggest_name(name, names)}")
    return tuple(
        replace(log, source=replace(log.source, licence=licences.get(log.source.name, log.source.licence)))
        for log in read
    )


def read_head_log(path: Path, used: Literal["all", "latitude"] = "all") -> HeadLog:
    """Read the logs of one set.

    `path` is a table (`.csv`, `.csv.gz` or `.parquet`) with the columns video, viewer, t_s (seconds since the start of
    the video), lon_deg (from the front, + to the right) and lat_deg (+ up), or the head rotations of AVTrack360 as
    released, a folder or an archive. Raise `DataError` with file and line for anything else, for a row that cannot be
    used, and for a table without a row.
    """
    is_table = path.name.lower().endswith((".csv", ".csv.gz", ".parquet"))
    videos = _table(path) if is_table else dict(read_avtrack360(path).records)
    tracks = [track for viewers in videos.values() for track in viewers]
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
    return HeadLog(source, HeadHistogram.of_videos(videos.values()))


def _table(path: Path) -> dict[str, tuple[GazeSamples, ...]]:
    table = read_columns(path, COLUMNS, "head")
    unusable = [*map(str, table.drops), *table.notes]  # the notes are about lost samples
    if unusable:
        raise DataError(f"{path}: {'; '.join(unusable)}; expected a direction and a time in each row")
    return {name: tracks for name, tracks in table.records.items() if isinstance(tracks, tuple)}


def _sha256(path: Path) -> str:
    """Return the checksum of a file, or of the names and checksums of all files in a folder."""
    if path.is_file():
        return file_sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = [f"{file_sha256(file)}  {file.relative_to(path).as_posix()}" for file in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()

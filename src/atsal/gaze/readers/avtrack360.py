"""AVTrack360 head rotations (Fremerey et al., MMSys 2018): one JSON file per viewer, `Head_rotation/<viewer>.json`.

`{"label": viewer, "data": [{"filename": "6.mp4", "hmd", "video_length_in_s": 30.03, "pitch_yaw_roll_data_hmd":
[{"sec", "pitch", "yaw", "roll"}, …]}, …]}`

| key | content |
|---|---|
| sec | playback time in seconds: 0 … 0.4 at first, then steps of 0.1; a few repeat |
| pitch | whole degrees, **negative upwards**, ±90 |
| yaw | whole degrees, 0 ahead (where every viewer starts), + to the right, -180 … 180; both ends are behind |
| roll | whole degrees, negative to the left; not read, because it does not move the direction |

Axes and units are from the readme of the data set, rate and ranges from the files.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TypeVar

import numpy as np

from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords, DropCounter
from atsal.gaze.directions import Floats, unit_vectors
from atsal.gaze.readers.parsing.archives import LARGEST_LOG, archived_files
from atsal.gaze.readers.parsing.checked_table import RowFilter
from atsal.gaze.readers.parsing.number_text import parse_number
from atsal.gaze.readers.parsing.position_checks import degrees
from atsal.gaze.readers.parsing.time_units import SAMPLE_STEP_S, matching_units, median_or_nan, time_steps
from atsal.gaze.records import GazeSamples
from atsal.untrusted.files import ErrorFactory, check_readable, read_bytes
from atsal.untrusted.json_text import parse_json
from atsal.untrusted.text import escape_controls, short_repr

T = TypeVar("T")

_RANGE = degrees(("yaw", "pitch"))
_VIDEO_NOTES = "SRC_info"  # the folder of JSON files about the videos, beside those of the viewers
_VIEWERS_FILE = re.compile(r"\d+\.json", re.IGNORECASE)
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, eq=False)
class _Clip:
    """The track of one viewer on one video; angles as written."""

    label: str  # for messages
    observer: str
    video: str
    length_s: float  # NaN if unknown
    in_ms: bool  # the file gave milliseconds
    seconds: Floats
    pitch: Floats
    yaw: Floats

    def where(self, row: int) -> str:
        """Return the place of a sample for messages."""
        return f"{self.label}, sample {row + 1}"


def read_avtrack360(path: Path) -> CheckedRecords[dict[str, tuple[GazeSamples, ...]]]:
    """Read all viewers from a folder of JSON files, or from a tar or zip archive of them (in memory only).

    Returns, for each video's file name without its ending, the samples of each viewer in order of viewer: `head` and
    `timestamp_s`. A sample without a time or an angle, out of the ranges above, or that goes back in time is dropped
    and counted. Raises `DataError`, naming the file, for a file of another structure, times or angles in another unit,
    a duplicate viewer, and if there is no such file.
    """
    videos, drops = read_videos(path), DropCounter()
    for video in videos.values():
        drops.merge(video.drops)
    notes = dict.fromkeys(note for video in videos.values() for note in video.notes)
    return CheckedRecords({name: video.records for name, video in videos.items()}, drops.result(), tuple(notes))


def read_videos(path: Path) -> dict[str, CheckedRecords[tuple[GazeSamples, ...]]]:
    """Read the same as `read_avtrack360`, with a separate account of the drops for each video."""
    files = dict(sorted(_read_files(path), key=lambda file: _numeric_order(file[0])))
    empty = [name for name, clips in files.items() if clips is None]
    videos: dict[str, dict[str, _Clip]] = {}
    for clip in (clip for clips in files.values() for clip in clips or ()):
        first = videos.setdefault(clip.video, {}).setdefault(clip.observer, clip)
        if first is not clip:
            raise DataError(
                f"{clip.label}: viewer {clip.observer} is in {first.label} too; expected each viewer once per video: "
                "remove one of them"
            )
    if not videos:
        raise DataError(
            f"{path}: no AVTrack360 JSON files found; expected one per viewer, such as Head_rotation/10.json, in a "
            "folder or an archive"
        )
    return {video: _make_samples(list(videos[video].values()), empty) for video in sorted(videos, key=_numeric_order)}


def _make_samples(clips: list[_Clip], empty: list[str]) -> CheckedRecords[tuple[GazeSamples, ...]]:
    """Return the samples of one video's viewers; `empty` are the names of files without any content."""
    tracks, drops = [], DropCounter()
    for name in empty:
        drops.add("viewer with an empty file", name)
    for clip in clips:
        rows = RowFilter(len(clip.seconds), clip.where, drops)
        rows.drop_bad_times(clip.seconds, "time")
        yaw, pitch = rows.check_positions(clip.yaw, clip.pitch, _RANGE, most_outside=None, only_heads=True)
        rows.drop_backward(clip.seconds, "time that goes back")
        if rows.used.any():
            head = unit_vectors(np.deg2rad(yaw), np.deg2rad(-pitch))[rows.used]
            tracks.append(GazeSamples(clip.observer, clip.seconds[rows.used], head=head))
        else:
            drops.add("viewer without a usable sample", clip.label)
    notes = [f"{clip.video}.mp4: times are in ms, not in s; converted" for clip in clips if clip.in_ms]
    return CheckedRecords(tuple(tracks), drops.result(), tuple(dict.fromkeys(notes)))


def _read_files(path: Path) -> Iterator[tuple[str, list[_Clip] | None]]:
    """Yield the name of each viewer's file and what it holds; None for an empty file."""
    for name, content in _json_files(path):
        yield name, _read_clips(name, content) if content.strip() else None


def _read_clips(name: str, content: bytes) -> list[_Clip]:
    document = parse_json(content, ErrorFactory(DataError, name, "copy or download it again"), finite=False)
    label = document.get("label") if isinstance(document, dict) else None
    label = int(label) if isinstance(label, float) and label.is_integer() else label
    if not isinstance(label, str | int) or isinstance(label, bool) or not str(label).strip():
        raise DataError(f"{name}: not an AVTrack360 head-rotation file: no viewer's name under 'label'")
    clips = [_read_clip(name, str(label).strip(), entry) for entry in _field(document, "data", list, name)]
    if clips:
        _check_units(name, clips)
    return clips


def _read_clip(name: str, observer: str, entry: object) -> _Clip:
    filename = _field(entry, "filename", str, name)
    video, label = PureWindowsPath(filename).stem, f"{name}, {escape_controls(filename[:80])}"
    if not _SAFE_NAME.fullmatch(video):
        raise DataError(f"{name}: filename {short_repr(filename)} is not the name of a video, such as 6.mp4")
    given = entry.get("video_length_in_s") if isinstance(entry, dict) else None
    length_s = _number(given)
    if given is not None and (length_s is None or not 0 < length_s < math.inf):
        raise DataError(f"{label}: video_length_in_s is {short_repr(given)}, expected a number of seconds")
    samples = _field(entry, "pitch_yaw_roll_data_hmd", list, label)
    rows = np.array([_read_sample(sample, f"{label}, sample {n}") for n, sample in enumerate(samples, 1)], np.float64)
    seconds, pitch, yaw = rows.reshape(-1, 3).T
    length_s = math.nan if length_s is None else length_s
    in_ms = _are_ms(seconds[np.isfinite(seconds)], length_s)
    return _Clip(label, observer, video, length_s, in_ms, seconds / 1000 if in_ms else seconds, pitch, yaw)


def _are_ms(times: Floats, length_s: float) -> bool:
    """Return whether times are in ms: most are far past the video's end, and their steps cannot be seconds.

    Times whose steps are those of seconds come from a clock that starts before the video.
    """
    if not len(times) or not np.median(times) > 100 * length_s:  # NaN is not
        return False
    return "s" not in matching_units(median_or_nan(time_steps([times])), SAMPLE_STEP_S)


def _read_sample(sample: object, label: str) -> tuple[float, ...]:
    keys = ("sec", "pitch", "yaw")
    found = [_number(sample[key]) for key in keys if key in sample] if isinstance(sample, dict) else []
    values = tuple(value for value in found if value is not None)
    if len(values) != len(keys):
        raise DataError(f"{label}: found {short_repr(sample)}; expected numbers under 'sec', 'pitch' and 'yaw'")
    return values


def _number(value: object) -> float | None:
    """Return a number, also one written as text; NaN for a missing one, None for anything else."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return parse_number(value) if isinstance(value, str) else float(value)
    except OverflowError:
        return None


def _field(record: object, key: str, kind: type[T], label: str) -> T:
    value = record.get(key) if isinstance(record, dict) else None
    if not isinstance(value, kind):
        raise DataError(f"{label}: not an AVTrack360 head-rotation file: no {kind.__name__} under {key!r}")
    return value


def _check_units(name: str, clips: list[_Clip]) -> None:
    """Raise `DataError` if most samples of a viewer's file are out of range, or its angles look like radians."""
    pitch, yaw, times = (np.concatenate([getattr(c, key) for c in clips]) for key in ("pitch", "yaw", "seconds"))
    RowFilter(len(yaw), lambda _: name).check_positions(yaw, pitch, _RANGE, only_heads=True)
    outside = sum(int(((clip.seconds < 0) | (clip.seconds > clip.length_s)).sum()) for clip in clips)
    if 2 * outside > len(times):
        raise DataError(
            f"{name}: {outside} of {len(times)} samples are not within the length of their video (times "
            f"{np.nanmin(times):g} to {np.nanmax(times):g}); expected seconds from the start of the video"
        )
    known = np.isfinite(pitch) & np.isfinite(yaw)
    pitch, yaw = pitch[known], yaw[known]
    is_small = known.any() and np.abs(pitch).max() <= math.pi / 2 and np.abs(yaw).max() <= math.pi
    if is_small and ((pitch % 1 != 0) | (yaw % 1 != 0)).any():
        raise DataError(f"{name}: pitch within ±π/2 and yaw within ±π throughout, as in radians; expected degrees")


def _json_files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of each viewer's file, one at a time."""
    if not path.is_dir():
        check_readable(path, "archive of AVTrack360 JSON files", DataError)
        yield from archived_files(path, _is_viewers_file)
        return
    for file in sorted(path.rglob("*.[jJ][sS][oO][nN]")):
        if _is_viewers_file(file.relative_to(path).as_posix(), path.name) and file.is_file():
            make_error = ErrorFactory(DataError, file, "copy or download it again")
            yield escape_controls(str(file)), read_bytes(file, make_error, LARGEST_LOG)


def _is_viewers_file(name: str, folder: str = "") -> bool:
    """Return whether a file of this name is a viewer's, such as `10.json`, and not about a video."""
    parts = (folder, *PurePosixPath(name).parts)
    return _VIEWERS_FILE.fullmatch(parts[-1]) is not None and parts[-2] != _VIDEO_NOTES and "__MACOSX" not in parts


def _numeric_order(name: str) -> tuple[float, str]:
    """Sort 2 before 10, whatever the folder."""
    stem = PurePosixPath(name).stem
    return float(stem) if re.fullmatch(r"\d{1,9}", stem) else math.inf, name

"""AVTrack360 head rotations (Fremerey et al., MMSys 2018): one JSON file a viewer, `Head_rotation/<viewer>.json`.

`{"label": viewer, "data": [{"filename": "6.mp4", "hmd", "video_length_in_s": 30.03, "pitch_yaw_roll_data_hmd":
[{"sec", "pitch", "yaw", "roll"}, …]}, …]}`

| key | what |
|---|---|
| sec | playback time in seconds: 0 … 0.4 at first, then steps of 0.1; a few repeat |
| pitch | whole degrees, **negative upwards**, ±90 |
| yaw | whole degrees, 0 ahead (where every viewer starts), + to the right, -180 … 180; both ends are behind |
| roll | whole degrees, negative to the left; not read, for it does not move the direction |

Axes and units as the readme of the data set says; rate and ranges as found in the files.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.directions import Floats, unit_vectors
from atsal.gaze.readers.parsing.archives import archived_files, check_size
from atsal.gaze.readers.parsing.number_text import number_in
from atsal.gaze.readers.parsing.position_checks import LOST_WRITTEN, placeholders_beyond
from atsal.gaze.readers.parsing.time_units import SAMPLE_STEP_S, middle, steps, units_for
from atsal.gaze.reading import DropCounter, Reading
from atsal.gaze.records import GazeSamples
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import parse_json
from atsal.untrusted.text import escape_controls, short_repr

T = TypeVar("T")

_VIDEO_NOTES = "SRC_info"  # the data set's folder of JSON files about the videos, beside the viewers'
_NO_NUMBER = "time or angle that is no number"
_LOST = (_NO_NUMBER, LOST_WRITTEN)
_VIEWERS_FILE = re.compile(r"\d+\.json", re.IGNORECASE)
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, eq=False)
class _Clip:
    """What the file of one viewer says of one video; angles as written."""

    where: str
    observer: str
    video: str
    length_s: float | None
    in_ms: bool  # the file gave milliseconds
    seconds: Floats
    pitch: Floats
    yaw: Floats


def read_avtrack360(path: Path) -> Reading[dict[str, tuple[GazeSamples, ...]]]:
    """Read every viewer from a folder of JSON files, or from a tar or zip archive of them (in memory only).

    Returns, for each video's file name without its ending, the samples of each viewer in order of viewer: `head` and
    `timestamp_s`. A sample that is no number, lies outside the ranges above, goes back in time or comes after the
    video's end is left out and counted. Raises `DataError`, naming the file, for a file of another shape, angles in
    another unit, a viewer who stands there twice, and where there is no such file.
    """
    videos, drops = read_videos(path), DropCounter()
    for reading in videos.values():
        drops.merge(reading.drops)
    notes = dict.fromkeys(note for reading in videos.values() for note in reading.notes)
    return Reading({name: reading.records for name, reading in videos.items()}, drops.result(), tuple(notes))


def read_videos(path: Path) -> dict[str, Reading[tuple[GazeSamples, ...]]]:
    """The same as `read_avtrack360`, with an account of what was left out for each video of its own."""
    files: dict[str, list[_Clip]] = {}
    empty: list[str] = []
    for name, content in _json_files(path):
        if content.strip():
            files[name] = _clips(name, content)
        else:
            empty.append(name)
    empty.sort(key=_viewer_number)
    clips: dict[str, dict[str, _Clip]] = {}
    for name in sorted(files, key=_viewer_number):
        for clip in files[name]:
            before = clips.setdefault(clip.video, {}).setdefault(clip.observer, clip)
            if before is not clip:
                raise DataError(
                    f"{clip.where}: viewer {clip.observer} stands in {before.where} too; expected each viewer once a "
                    "video: remove one of them"
                )
    if not clips:
        raise DataError(
            f"{path}: no AVTrack360 JSON files found; expected one a viewer, as Head_rotation/10.json, in a folder or "
            "an archive"
        )
    return {video: _samples(list(clips[video].values()), empty) for video in sorted(clips, key=_viewer_number)}


def _samples(clips: list[_Clip], empty: list[str]) -> Reading[tuple[GazeSamples, ...]]:
    """The samples of one video's viewers; `empty` are the files of viewers that hold nothing at all."""
    tracks, drops = [], DropCounter()
    for name in empty:
        drops.add("viewer with an empty file", name)
    for clip in clips:
        kept = np.ones(len(clip.seconds), bool)
        for reason, wrong in _faults(clip):
            _drop(drops, clip, reason, kept & wrong)
            kept &= ~wrong
        times = clip.seconds[kept]
        back = np.zeros(len(kept), bool)
        back[kept] = times < np.maximum.accumulate(np.append(0.0, times))[:-1]
        _drop(drops, clip, "time that goes back", back)
        kept &= ~back
        if kept.any():
            head = unit_vectors(np.deg2rad(clip.yaw[kept]), np.deg2rad(-clip.pitch[kept]))
            tracks.append(GazeSamples(clip.observer, clip.seconds[kept], head=head))
        else:
            drops.add("viewer without a usable sample", clip.where)
    notes = [f"{clip.video}.mp4: times in milliseconds instead of seconds" for clip in clips if clip.in_ms]
    return Reading(tuple(tracks), drops.result(), tuple(dict.fromkeys(notes)))


def _faults(clip: _Clip) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Why samples are left out, and which; a later reason counts what an earlier one left."""
    yield _NO_NUMBER, ~(np.isfinite(clip.seconds) & np.isfinite(clip.pitch) & np.isfinite(clip.yaw))
    yield "pitch outside ±90°", np.abs(clip.pitch) > 90
    yield "yaw outside ±180°", np.abs(clip.yaw) > 180
    yield (
        LOST_WRITTEN,
        placeholders_beyond(clip.yaw, clip.pitch, (np.abs(clip.yaw) <= 180) & (np.abs(clip.pitch) <= 90)),
    )
    yield "time below 0", clip.seconds < 0
    if clip.length_s is not None:
        yield "time after the end of the video", clip.seconds > clip.length_s + 1e-6


def _drop(drops: DropCounter, clip: _Clip, reason: str, rows: NDArray[np.bool_]) -> None:
    if rows.any():
        drops.add(reason, f"{clip.where}, sample {int(np.argmax(rows)) + 1}", int(rows.sum()))


def _clips(name: str, content: bytes) -> list[_Clip]:
    """What one viewer's file holds."""
    document = parse_json(content, ErrorFactory(DataError, name, "copy or download it again"), finite=False)
    label = document.get("label") if isinstance(document, dict) else None
    label = int(label) if isinstance(label, float) and label.is_integer() else label
    if not isinstance(label, str | int) or isinstance(label, bool) or not str(label).strip():
        raise DataError(f"{name}: not an AVTrack360 head-rotation file: no viewer's name under 'label'")
    found = [_clip(name, str(label).strip(), entry) for entry in _field(document, "data", list, name)]
    if found:
        _check_units(name, found)
    return found


def _clip(name: str, observer: str, entry: object) -> _Clip:
    filename = _field(entry, "filename", str, name)
    video, where = PureWindowsPath(filename).stem, f"{name}, {escape_controls(filename[:80])}"
    if not _SAFE_NAME.fullmatch(video):
        raise DataError(f"{name}: filename {short_repr(filename)} is not a video's, as 6.mp4")
    given = entry.get("video_length_in_s") if isinstance(entry, dict) else None
    length = None if given is None else _number(given)
    if given is not None and (length is None or not 0 < length < math.inf):
        raise DataError(f"{where}: video_length_in_s is {short_repr(given)}, expected a number of seconds")
    samples = _field(entry, "pitch_yaw_roll_data_hmd", list, where)
    rows = np.array([_row(sample, f"{where}, sample {n}") for n, sample in enumerate(samples, 1)], np.float64)
    seconds, pitch, yaw = rows.reshape(-1, 3).T
    in_ms = length is not None and _are_ms(seconds[np.isfinite(seconds)], length)
    return _Clip(where, observer, video, length, in_ms, seconds / 1000 if in_ms else seconds, pitch, yaw)


def _are_ms(times: Floats, length_s: float) -> bool:
    """Whether most times, said to be seconds, lie far past the video's end, and their steps are those of ms."""
    if not len(times) or np.median(times) <= 100 * length_s:
        return False
    step = middle(steps([times]))
    return "s" not in units_for(step, SAMPLE_STEP_S)  # a step of seconds: a clock that starts before the video


def _row(sample: object, where: str) -> tuple[float, ...]:
    keys = ("sec", "pitch", "yaw")
    found = [_number(sample[key]) for key in keys if key in sample] if isinstance(sample, dict) else []
    values = tuple(value for value in found if value is not None)
    if len(values) != len(keys):
        raise DataError(f"{where}: found {short_repr(sample)}; expected numbers under 'sec', 'pitch' and 'yaw'")
    return values


def _number(value: object) -> float | None:
    """A number, also one written as text; NaN where there is none, and None for anything else."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return number_in(value) if isinstance(value, str) else float(value)
    except OverflowError:
        return None


def _field(record: object, key: str, kind: type[T], where: str) -> T:
    value = record.get(key) if isinstance(record, dict) else None
    if not isinstance(value, kind):
        raise DataError(f"{where}: not an AVTrack360 head-rotation file: no {kind.__name__} under {key!r}")
    return value


def _check_units(name: str, clips: list[_Clip]) -> None:
    """`DataError` if most samples of a viewer's file are out of range, or its angles look like radians."""
    total = sum(len(clip.seconds) for clip in clips)
    outside: Counter[str] = Counter()
    for clip in clips:
        outside.update({reason: int(rows.sum()) for reason, rows in _faults(clip) if reason not in _LOST})
    worst, count = max(outside.items(), key=lambda item: item[1], default=("", 0))
    if 2 * count > total:
        times = np.concatenate([clip.seconds for clip in clips])
        found = f"times {np.nanmin(times):g} to {np.nanmax(times):g}" if "time" in worst else "another unit"
        raise DataError(
            f"{name}: {worst} in {count} of {total} samples ({found}); expected degrees, and seconds from the start of "
            "the video"
        )
    pitch, yaw = (np.concatenate([getattr(clip, angle) for clip in clips]) for angle in ("pitch", "yaw"))
    known = np.isfinite(pitch) & np.isfinite(yaw)
    pitch, yaw = pitch[known], yaw[known]
    small = known.any() and np.abs(pitch).max() <= math.pi / 2 and np.abs(yaw).max() <= math.pi
    if small and ((pitch % 1 != 0) | (yaw % 1 != 0)).any():
        raise DataError(f"{name}: pitch within ±π/2 and yaw within ±π throughout, as in radians; expected degrees")


def _json_files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each viewer's file, one at a time."""
    if not path.is_dir():
        if not path.is_file():
            raise DataError(f"{path}: no such file or folder; expected a folder or an archive of AVTrack360 JSON files")
        yield from archived_files(path, _is_viewers)
        return
    for file in sorted(path.rglob("*.[jJ][sS][oO][nN]")):
        if _is_viewers(file.relative_to(path).as_posix(), path.name) and file.is_file():
            check_size(escape_controls(str(file)), file.stat().st_size)
            try:
                yield escape_controls(str(file)), file.read_bytes()
            except OSError as error:
                raise DataError(f"{file}: cannot be read ({error.strerror or error})") from error


def _is_viewers(name: str, folder: str = "") -> bool:
    """Whether a file of this name is a viewer's: `10.json`, not about a video."""
    parts = (folder, *PurePosixPath(name).parts)
    return _VIEWERS_FILE.fullmatch(parts[-1]) is not None and parts[-2] != _VIDEO_NOTES and "__MACOSX" not in parts


def _viewer_number(name: str) -> tuple[float, str]:
    """Sort 2 before 10, whatever the folder."""
    stem = PurePosixPath(name).stem
    return float(stem) if re.fullmatch(r"\d{1,9}", stem) else math.inf, name

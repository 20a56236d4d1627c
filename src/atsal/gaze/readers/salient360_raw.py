"""Raw logs of a headset with eye tracker, as the Salient360! toolbox ships them (David et al., ETRA 2023, MIT).

One CSV file per observer and stimulus, with header, commas, gzipped or not; the observer is not named inside. Vectors
and poses use Unity's axes: x right, y up, z forward, left-handed, which are also this package's. Checked on six logs:
of all signs, these keep gaze in the world most still while the head turns.

**Static** (Tobii, ~120 Hz): `OcutimeStamp` µs; `UnityTimeStamp` ms since the year 1; head pose
`cameraRotation.{x,y,z,w}`, a quaternion from head to world; `leftEyeDirection`, `rightEyeDirection` unit vectors in the
head's axes, NaN while lost; `valL`, `valR`. `meanGazeDirection` is useless: it points to the floor, in unknown axes.

**Dynamic** (SMI, ~250 Hz): `oculoTS` ns; `unityTS` ms; head pose `cam_pitch`, `cam_yaw`, `cam_roll` degrees from 0 to
360, pitch + **down**, applied as yaw, then pitch, then roll; `sphere_yaw` degrees, by which the sphere with the video
is turned: it is subtracted; `meanGazeDir` unit vector in the head's axes; `Lval`, `Rval`; `currFrame` from 1, 0 before
the video, in the first row possibly the last frame of the video before. `binPor.y` and `Lval` have no comma between
them: `666.5324True,True`.

Traps: the head pose is updated ~90 times per second, less often than gaze. Static logs hold times of arrival, which
stall for ~0.1 s every 2 s and then come in a burst.
Not verified: where an image's centre is, see `read_salient360_raw`.
"""

import re
from pathlib import Path

import numpy as np

from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords
from atsal.gaze.directions import Floats, Integers, Mask
from atsal.gaze.readers.parsing.checked_table import CheckedTable
from atsal.gaze.readers.parsing.quaternions import compose, forward, rotate, rotation_about
from atsal.gaze.readers.parsing.text_rows import (
    NumberedRows,
    count_columns,
    drop_empty_end,
    explain_width,
    read_header,
    text_rows,
)
from atsal.gaze.readers.parsing.text_table import TextTable, as_columns
from atsal.gaze.readers.parsing.time_units import convert_times, median_or_nan
from atsal.gaze.records import GazeSamples

_FORMAT = "Salient360! raw"
_JOINED = re.compile(r"(.*?)(True|False)", re.IGNORECASE)
_STATIC = ("OcutimeStamp", "valL", "valR", *(f"cameraRotation.{axis}" for axis in "xyzw"))
_EYES = ("leftEyeDirection", "rightEyeDirection")
_DYNAMIC = ("oculoTS", "currFrame", "cam_pitch", "cam_yaw", "cam_roll", "sphere_yaw", "Lval", "Rval")
_MEAN_EYE = "meanGazeDir"

_STEP_S = (1 / 2000, 1 / 20)  # of a headset's log; no step fits two units
_BURST = 0.25  # of the median step: samples closer than this were written together, not measured together
_LENGTH_TOLERANCE = 1e-3  # of a unit vector
_ANGLE_TOLERANCE_DEG = 1e-3


def read_salient360_raw(
    path: Path, *, observer: str | None = None, centre_yaw_deg: float = -90.0
) -> CheckedRecords[GazeSamples]:
    """Read one log, static or dynamic, detected from its columns; `observer` is the file's stem unless given.

    `head`, `head_eye` and `eye` are given. Time 0 is the first sample of a static log, and the first sample of the
    video's first frame in a dynamic one (`frame_index` from 0); what comes before is dropped and counted. A sample is
    valid if one eye is: static logs use the mean of the valid eyes, so it jumps by half their angle (~1°) where one is
    lost; dynamic logs use `meanGazeDir`. A row without a proper head pose, or with a time or frame that goes back, is
    dropped. Times that arrived in a burst are spread evenly over the stall before it; a note gives their number.

    `centre_yaw_deg` is the yaw of the image's centre, + to the right, in the world (static) or on the sphere (dynamic).
    The default is the toolbox's; with it all dynamic logs start at the image's border, as half of the viewers of that
    data set do. The toolbox also lets longitude grow to the left, and mirrors the latitude of gaze in dynamic logs;
    here + is the viewer's right and up. No image is known to belong to these logs: before they are used with one,
    compare a few fixations with what is visible there.

    Raises `DataError`, naming file and line, for a log of another form, in another unit, or with more than half of
    its rows out of order.
    """
    rows = CheckedTable(_read_raw_table(path))
    name = observer if observer is not None else path.name.removesuffix(".gz").removesuffix(".csv")
    if not name:
        raise DataError(f"{path}: the observer has no name; give one")
    read = _read_dynamic if "oculoTS" in rows.table.columns else _read_static
    return read(rows, name, centre_yaw_deg)


def _read_static(rows: CheckedTable, observer: str, centre_yaw_deg: float) -> CheckedRecords[GazeSamples]:
    table = rows.table
    table.require_columns((*_STATIC, *(f"{eye}.{axis}" for eye in _EYES for axis in "xyz")), _FORMAT)
    times, notes = _read_seconds(table, "OcutimeStamp", "µs")
    pose = np.stack([table.numbers(f"cameraRotation.{axis}") for axis in "xyzw"], -1)
    left, left_notes = _read_eye(table, _EYES[0], table.flags("valL"))
    right, right_notes = _read_eye(table, _EYES[1], table.flags("valR"))
    rows.drop(~_are_unit(pose), "head pose that is no unit quaternion")
    _drop_disorder(rows, times)
    used = rows.rows
    times, burst_notes = _spread_bursts(times[used])
    pose = compose(rotation_about("y", np.full(len(used), -centre_yaw_deg)), pose[used])
    samples = _make_samples(observer, times, pose, (left + right)[used], None)
    return rows.result(samples, (*notes, *left_notes, *right_notes, *burst_notes))


def _read_dynamic(rows: CheckedTable, observer: str, centre_yaw_deg: float) -> CheckedRecords[GazeSamples]:
    table = rows.table
    table.require_columns((*_DYNAMIC, *(f"{_MEAN_EYE}.{axis}" for axis in "xyz")), _FORMAT)
    times, notes = _read_seconds(table, "oculoTS", "ns")
    frame = table.integers("currFrame")
    angles = np.stack([table.numbers(name) for name in ("cam_pitch", "cam_yaw", "cam_roll", "sphere_yaw")], -1)
    eye, eye_notes = _read_eye(table, _MEAN_EYE, table.flags("Lval") | table.flags("Rval"))
    if len(table) > 1 and np.abs(angles[np.isfinite(angles)]).max(initial=0) <= 2 * np.pi:
        raise DataError(f"{table.path}: all head angles lie within ±2π, expected degrees; convert them from radians")
    in_degrees = np.all(np.abs(angles) <= 360 + _ANGLE_TOLERANCE_DEG, axis=1)  # NaN is not
    rows.drop(~in_degrees, "head pose that is not in degrees")
    _drop_disorder(rows, times)
    if not (frame == 1).any():
        raise DataError(
            f"{table.path}: currFrame is never 1, expected the first frame of the video; is the log cut off?"
        )
    # frames before the first 1 belong to the video before
    rows.drop(np.arange(len(table)) < np.argmax(frame == 1), "before the first frame of the video")
    rows.drop_backward(frame, "frame number that goes back")
    used = rows.rows
    pitch, yaw, roll, sphere = angles[used].T
    head = compose(rotation_about("y", yaw - sphere - centre_yaw_deg), rotation_about("x", pitch))
    pose = compose(head, rotation_about("z", roll))
    return rows.result(_make_samples(observer, times[used], pose, eye[used], frame[used] - 1), (*notes, *eye_notes))


def _make_samples(observer: str, times: Floats, pose: Floats, eye: Floats, frame: Integers | None) -> GazeSamples:
    """Build samples from unit quaternions from head to image and eye vectors, which have length 0 where lost."""
    length = np.linalg.norm(eye, axis=1, keepdims=True)
    valid = length[:, 0] > 0
    eye = np.where(valid[:, None], eye / np.where(length > 0, length, 1), np.nan)
    times = times - times[0] if len(times) else times
    return GazeSamples(observer, times, frame, forward(pose), rotate(pose, eye), eye, valid)


def _read_raw_table(path: Path) -> TextTable:
    """Return the rows as text, with a value and the flag joined to it split apart."""
    names, rows = read_header(path, text_rows(path), ",")
    names = names[: count_columns(names)]
    joined = names.index("Lval") - 1 if names[-3:] == ["binPor.y", "Lval", "Rval"] else None
    lines, columns = as_columns(path, _split_rows(path, rows, len(names), joined), len(names))
    return TextTable(path, lines, dict(zip(names, columns, strict=True)))


def _split_rows(path: Path, rows: NumberedRows, width: int, joined: int | None) -> NumberedRows:
    """Yield rows of `width` cells; `joined` is the column that may hold the flag of the next one too."""
    for line, cells in rows:
        match = _JOINED.fullmatch(cells[joined]) if joined is not None and len(cells) > joined else None
        row = drop_empty_end(cells, width - (match is not None))
        if match and joined is not None and len(row) == width - 1:
            row = [*row[:joined], *match.groups(), *row[joined + 1 :]]
        if len(row) != width:
            raise DataError(f"{path}, line {line}: {explain_width(cells, width, ',')}")
        yield line, row


def _read_seconds(table: TextTable, name: str, promised: str) -> tuple[Floats, tuple[str, ...]]:
    """Return times in seconds, in the unit in which the median step is one of a headset."""
    times = table.numbers(name)
    steps = np.diff(times[np.isfinite(times)])
    alternatives = [unit for unit in ("ns", "µs", "ms", "s") if unit != promised]
    label = f"{table.path}: {name}"
    step = median_or_nan(steps[steps > 0])
    return convert_times(times, step, _STEP_S, label, promised=promised, alternatives=alternatives)


def _read_eye(table: TextTable, name: str, valid: Mask) -> tuple[Floats, tuple[str, ...]]:
    """Return unit vectors of one eye, of length 0 where lost, and a note if some valid ones are no unit vectors."""
    vectors = np.stack([table.numbers(f"{name}.{axis}") for axis in "xyz"], -1)
    usable = valid & _are_unit(vectors)
    wrong = valid & ~usable
    if 2 * wrong.sum() > valid.sum():
        row = int(np.argmax(wrong))
        raise DataError(f"{table.where(row)}: {name} is {vectors[row]}, expected unit vectors in most valid rows")
    vectors = np.where(usable[:, None], vectors, 0)
    if not wrong.any():
        return vectors, ()
    first = table.where(int(np.argmax(wrong)))
    return vectors, (f"{wrong.sum()} valid samples whose {name} is no unit vector count as lost (first: {first})",)


def _are_unit(vectors: Floats) -> Mask:
    return np.asarray(np.abs(np.linalg.norm(vectors, axis=1) - 1) < _LENGTH_TOLERANCE, bool)  # NaN is not


def _drop_disorder(rows: CheckedTable, times: Floats) -> None:
    rows.drop(~np.isfinite(times), "no time")
    rows.drop_backward(times, "time that goes back")
    count = len(rows.rows)
    if 2 * count < len(times):
        reasons = ", ".join(map(str, rows.drops.result()))
        raise DataError(
            f"{rows.table.path}: {len(times) - count} of {len(times)} rows have no usable head pose or time "
            f"({reasons}); is it a {_FORMAT} log?"
        )


def _spread_bursts(times: Floats) -> tuple[Floats, tuple[str, ...]]:
    """Turn times of arrival into times of measurement: spread a burst between its last sample and the one before it."""
    if len(times) < 3:
        return times, ()
    steps = np.diff(times)
    followed = np.append(steps < _BURST * np.median(steps), False)
    followed[0] = False
    known = np.flatnonzero(~followed)
    note = f"{followed.sum()} samples arrived in bursts: their times were spread over the stall before"
    return np.interp(np.arange(len(times)), known, times[known]), (note,) if followed.any() else ()

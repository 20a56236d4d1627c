"""Raw logs of a headset with eye tracker, as the Salient360! toolbox ships them (David et al., ETRA 2023, MIT).

One CSV file an observer and stimulus, header, commas, gzip or not; the observer is not named inside. Vectors and poses
are Unity's: x right, y up, z forward, left-handed, which are this package's axes. Checked on six logs: of all
signs, these let gaze in the world hold stillest while the head turns.

**Static** (Tobii, ~120 Hz): `OcutimeStamp` µs; `UnityTimeStamp` ms since the year 1; head pose
`cameraRotation.{x,y,z,w}`, a quaternion from head to world; `leftEyeDirection`, `rightEyeDirection` unit vectors in the
head's axes, NaN while lost; `valL`, `valR`. `meanGazeDirection` is of no use: it points to the floor, in no known axes.

**Dynamic** (SMI, ~250 Hz): `oculoTS` ns; `unityTS` ms; head pose `cam_pitch`, `cam_yaw`, `cam_roll` degrees from 0 to
360, pitch + **down**, applied as yaw, then pitch, then roll; `sphere_yaw` degrees, by which the sphere that carries the
video is turned: it is subtracted; `meanGazeDir` unit vector in the head's axes; `Lval`, `Rval`; `currFrame` from 1, 0
before the video, in the first row maybe the last frame of the video before. The last values but one are glued,
`666.5324True,True`: `binPor.y` and `Lval` without a comma.

Traps: the head pose is renewed ~90 times a second, more rarely than gaze; static logs hold times of arrival, which
stall for ~0.1 s every 2 s and then come in a burst.
Not verified: where an image's centre is, see `read_salient360_raw`.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.directions import Floats
from atsal.gaze.readers.parsing.quaternions import combine, forward, rotate, turn
from atsal.gaze.readers.parsing.text_rows import fitted, header, text_rows, without_empty_end
from atsal.gaze.readers.parsing.text_table import TextTable, as_columns, require_columns
from atsal.gaze.reading import DropCounter, Reading
from atsal.gaze.records import GazeSamples, Integers
from atsal.untrusted.text import short_repr

_NAME = "Salient360! raw"
_GLUED = re.compile(r"(.*?)(True|False)", re.IGNORECASE)
_STATIC = ("OcutimeStamp", "valL", "valR", *(f"cameraRotation.{axis}" for axis in "xyzw"))
_EYES = ("leftEyeDirection", "rightEyeDirection")
_DYNAMIC = ("oculoTS", "currFrame", "cam_pitch", "cam_yaw", "cam_roll", "sphere_yaw", "Lval", "Rval")
_MEAN_EYE = "meanGazeDir"

_TRUE, _FALSE = ("true", "1", "1.0"), ("false", "0", "0.0")
_UNITS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_STEP_S = (1 / 2000, 1 / 20)  # of a headset's log; no step lies in this range in two of the units
_BURST = 0.25  # of the median step: samples closer than this were written together, not measured so
_UNIT_SLACK = 1e-3  # of a length


def read_salient360_raw(
    path: Path, *, observer: str | None = None, centre_yaw_deg: float = -90.0
) -> Reading[GazeSamples]:
    """Read one log, static or dynamic, told apart by its columns; `observer` is the file's stem unless given.

    `head`, `head_eye` and `eye` are given. Time 0 is the first sample of a static log, the first sample of the video's
    first frame in a dynamic one (`frame_index` from 0); what comes before is dropped and counted. A sample is valid if
    one eye is: static logs take the mean of the valid eyes, so it jumps by half their angle (~1°) where one is lost;
    dynamic ones take `meanGazeDir`. A row with a pose that is none, or with a time or frame that goes back, is dropped.
    Times that came in a burst are spread evenly over the stall before it, and the notes say how many.

    `centre_yaw_deg` is the yaw of the image's centre, + to the right, in the world (static) or on the sphere (dynamic).
    The default is the toolbox's; with it all dynamic logs start at the image's border, as half of the viewers of that
    data set do. The toolbox also lets longitude grow to the left, and mirrors the latitude of gaze in dynamic logs;
    here + is the viewer's right and up. No image is known to belong to these logs: before they are laid on one, compare
    a few fixations with what is seen there.

    Raises `DataError`, naming file and line, for a log of another form, in another unit, or with more than half of
    its rows out of order.
    """
    table = _table(path)
    name = observer if observer is not None else path.name.removesuffix(".gz").removesuffix(".csv")
    if not name:
        raise DataError(f"{path}: the observer has no name; give one")
    read = _dynamic if "oculoTS" in table.columns else _static
    return read(table, name, centre_yaw_deg)


def _static(table: TextTable, observer: str, centre_yaw_deg: float) -> Reading[GazeSamples]:
    require_columns(table, (*_STATIC, *(f"{eye}.{axis}" for eye in _EYES for axis in "xyz")), _NAME)
    times, notes = _seconds(table, "OcutimeStamp", "µs")
    pose = np.stack([table.numbers(f"cameraRotation.{axis}") for axis in "xyzw"], -1)
    left, lost_left = _eye(table, _EYES[0], _flags(table, "valL"))
    right, lost_right = _eye(table, _EYES[1], _flags(table, "valR"))
    eye, lost = left + right, lost_left + lost_right
    drops = DropCounter()
    kept = _without(table, drops, "head pose that is no unit quaternion", ~_are_unit(pose), np.ones(len(table), bool))
    kept = _in_order(table, drops, times, kept)
    times, spread = _spread_bursts(times[kept])
    pose = combine(turn("y", np.full(int(kept.sum()), -centre_yaw_deg)), pose[kept])
    return Reading(_samples(observer, times, pose, eye[kept], None), drops.result(), (*notes, *lost, *spread))


def _dynamic(table: TextTable, observer: str, centre_yaw_deg: float) -> Reading[GazeSamples]:
    require_columns(table, (*_DYNAMIC, *(f"{_MEAN_EYE}.{axis}" for axis in "xyz")), _NAME)
    times, notes = _seconds(table, "oculoTS", "ns")
    frame = table.integers("currFrame")
    angles = np.stack([table.numbers(name) for name in ("cam_pitch", "cam_yaw", "cam_roll", "sphere_yaw")], -1)
    eye, lost = _eye(table, _MEAN_EYE, _flags(table, "Lval") | _flags(table, "Rval"))
    _check_degrees(table, angles)
    drops = DropCounter()
    wrong = ~np.all(np.abs(angles) <= 360 + _UNIT_SLACK, axis=1)  # NaN fails the comparison
    kept = _without(table, drops, "head pose that is not in degrees", wrong, np.ones(len(table), bool))
    kept = _in_order(table, drops, times, kept)
    before = np.arange(len(table)) < _first_shown(table, frame)
    kept = _without(table, drops, "before the first frame of the video", before, kept)
    kept = _without(table, drops, "frame number that goes back", _behind(frame, kept), kept)
    pitch, yaw, roll, sphere = angles[kept].T
    pose = combine(combine(turn("y", yaw - sphere - centre_yaw_deg), turn("x", pitch)), turn("z", roll))
    return Reading(_samples(observer, times[kept], pose, eye[kept], frame[kept] - 1), drops.result(), (*notes, *lost))


def _samples(observer: str, times: Floats, pose: Floats, eye: Floats, frame: Integers | None) -> GazeSamples:
    """Poses are unit quaternions from head to image; an eye vector of length 0 is lost."""
    length = np.linalg.norm(eye, axis=1, keepdims=True)
    valid = length[:, 0] > 0
    eye = np.where(valid[:, None], eye / np.where(length > 0, length, 1), np.nan)
    return GazeSamples(
        observer=observer,
        timestamp_s=times - times[0] if len(times) else times,
        frame_index=frame,
        head=forward(pose),
        head_eye=rotate(pose, eye),
        eye=eye,
        valid=valid,
    )


def _table(path: Path) -> TextTable:
    """The rows as text; in each, a value that is glued to the flag behind it is parted from it."""
    names, rows = header(path, text_rows(path), ",")
    names = without_empty_end(names)
    glued = names.index("Lval") - 1 if names[-3:] == ["binPor.y", "Lval", "Rval"] else None
    lines, columns = as_columns(path, _parted(path, rows, names, glued), len(names))
    return TextTable(path, lines, dict(zip(names, columns, strict=True)))


def _parted(
    path: Path, rows: Iterator[tuple[int, list[str]]], names: Sequence[str], glued: int | None
) -> Iterator[tuple[int, list[str]]]:
    for line, cells in rows:
        row = _unpadded(cells, names, glued)
        found = _GLUED.fullmatch(row[glued]) if glued is not None and len(row) == len(names) - 1 else None
        parted = [*row[:glued], *found.groups(), *row[glued + 1 :]] if found and glued is not None else row
        if len(parted) != len(names):
            raise DataError(
                f"{path}, line {line}: {len(row)} columns separated by commas, expected {len(names)} as in its header; "
                "is the line cut off?"
            )
        yield line, parted


def _unpadded(cells: list[str], names: Sequence[str], glued: int | None) -> list[str]:
    """A row without the empty cells that separators at its end make, glued values counted as the one they are."""
    width = len(names) - (glued is not None and len(cells) > glued and _GLUED.fullmatch(cells[glued]) is not None)
    return fitted(cells, width)


def _seconds(table: TextTable, name: str, promised: str) -> tuple[Floats, tuple[str, ...]]:
    """Times in seconds, in the unit in which the median step is one of a headset; the promised one if there is none."""
    raw = table.numbers(name)
    steps = np.diff(raw[np.isfinite(raw)])
    steps = steps[steps > 0]
    if not len(steps):
        return raw * _UNITS[promised], ()
    step = float(np.median(steps))
    fitting = [unit for unit, seconds in _UNITS.items() if _STEP_S[0] <= step * seconds <= _STEP_S[1]]
    if not fitting:
        raise DataError(
            f"{table.where(0)}: {name} has steps of {step:g}, expected {promised} at 20 to 2000 samples a second; "
            "convert the times"
        )
    found = fitting[0]
    note = (f"{table.path}: {name} is in {found}, not in {promised}",) if found != promised else ()
    return raw * _UNITS[found], note


def _flags(table: TextTable, name: str) -> NDArray[np.bool_]:
    values = np.array([value.lower() for value in table.columns[name]], np.str_)
    wrong = ~np.isin(values, (*_TRUE, *_FALSE))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"{table.where(row)}: {name} is {short_repr(table.columns[name][row])}, expected True or False")
    return np.asarray(np.isin(values, _TRUE), bool)


def _eye(table: TextTable, name: str, valid: NDArray[np.bool_]) -> tuple[Floats, tuple[str, ...]]:
    """Unit vectors of one eye, of length 0 where lost, and a note if some are lost that are said to be valid."""
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


def _are_unit(vectors: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.abs(np.linalg.norm(vectors, axis=1) - 1) < _UNIT_SLACK, bool)  # NaN fails


def _check_degrees(table: TextTable, angles: Floats) -> None:
    if len(angles) > 1 and np.abs(angles[np.isfinite(angles)]).max(initial=0) <= 2 * np.pi:
        raise DataError(f"{table.path}: all head angles lie within ±2π, expected degrees; convert them from radians")


def _first_shown(table: TextTable, frame: Integers) -> int:
    """Row of the first sample of the video; frames before it are of the video before."""
    first = np.flatnonzero(frame == 1)
    if not len(first):
        raise DataError(
            f"{table.path}: currFrame is never 1, expected the first frame of the video; is the log cut off?"
        )
    return int(first[0])


def _without(
    table: TextTable, drops: DropCounter, reason: str, wrong: NDArray[np.bool_], kept: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The kept rows without the wrong ones, which are counted."""
    wrong = wrong & kept
    if wrong.any():
        drops.add(reason, table.where(int(np.argmax(wrong))), int(wrong.sum()))
    return kept & ~wrong


def _in_order(table: TextTable, drops: DropCounter, times: Floats, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kept = _without(table, drops, "time that is no number", ~np.isfinite(times), kept)
    kept = _without(table, drops, "time that goes back", _behind(times, kept), kept)
    if 2 * kept.sum() < len(table):
        raise DataError(
            f"{table.path}: {len(table) - kept.sum()} of {len(table)} rows have no usable head pose or time "
            f"({', '.join(map(str, drops.result()))}); is it a {_NAME} log?"
        )
    return kept


def _behind(values: Floats | Integers, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a value is smaller than a kept one before it."""
    ordered = np.where(kept, values, -np.inf)
    return np.asarray(ordered < np.maximum.accumulate(ordered), bool)


def _spread_bursts(times: Floats) -> tuple[Floats, tuple[str, ...]]:
    """Times of arrival made times of measurement: a burst lies evenly between its last sample and the one before it."""
    if len(times) < 3:
        return times, ()
    steps = np.diff(times)
    followed = np.append(steps < _BURST * np.median(steps), False)
    followed[0] = False
    known = np.flatnonzero(~followed)
    note = f"{followed.sum()} samples arrived in bursts: their times were spread over the stall before"
    return np.interp(np.arange(len(times)), known, times[known]), (note,) if followed.any() else ()

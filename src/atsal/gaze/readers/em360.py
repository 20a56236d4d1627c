"""Recordings of head and eyes of 360_em: ARFF files of the relation `gaze_360` (Agtzidis et al., ACM MM 2019).

```
@RELATION gaze_360
%@METADATA width_px 1920          width and height of the frame that the positions are counted in
%@METADATA height_px 1080
%@METADATA fov_width_deg 100.00   of the headset, not needed here (fov_width_px, fov_height_deg, fov_height_px too)
@ATTRIBUTE time INTEGER           microseconds from the start of the stimulus
@ATTRIBUTE x NUMERIC              where the eyes look, head and eyes together: pixels from the left border
@ATTRIBUTE y NUMERIC              pixels from the top
@ATTRIBUTE confidence NUMERIC     of the eye tracker, 0 to 1
@ATTRIBUTE x_head NUMERIC         where the head points: pixels from the left border
@ATTRIBUTE y_head NUMERIC         pixels from the top
@ATTRIBUTE angle_deg_head NUMERIC roll of the head, not used
@ATTRIBUTE labeller_1 {unassigned,fixation,saccade,SP,noise,VOR,OKN}   only in the labelled files; any name
@DATA
0,960.00,540.00,1.00,960.00,540.00,1.22,fixation
```

Sources: the data set's readme; the authors' `matlab_360_utils` (x over the width is a full turn, y over the height half
a turn from the top, the frame's middle is straight ahead) and `360_em_algorithms` (blinks: confidence below 0.5).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.directions import Floats, lonlat_from_uv, unit_vectors
from atsal.gaze.readers.parsing.number_text import number_in
from atsal.gaze.readers.parsing.position_checks import LOST_WRITTEN, look_exchanged, placeholders
from atsal.gaze.readers.parsing.text_rows import fitted, listed, misfit, text_rows
from atsal.gaze.readers.parsing.text_table import TextTable, as_columns, require_columns
from atsal.gaze.reading import Drop, DropCounter, Reading
from atsal.gaze.records import GazeSamples
from atsal.untrusted.text import short_repr

LEAST_CONFIDENCE = 0.5
RELATION = "gaze_360"

_ATTRIBUTE = re.compile(r"@attribute\s+(?:'([^']+)'|\"([^\"]+)\"|(\S+))\s+\S", re.IGNORECASE)
_NUMBERS = ("time", "x", "y", "confidence", "x_head", "y_head", "angle_deg_head")
_HAIR = 1e-6  # of the frame's size: what rounding explains
_TELLING = 20  # samples from which on the unit of time can be told


@dataclass(frozen=True, eq=False)
class LabelledSamples:
    """One recording; `labels` has a text for each sample by labeller, and is empty for recordings without labels."""

    samples: GazeSamples  # head and head_eye; not valid where the eyes were lost, the head is known there all the same
    labels: dict[str, NDArray[np.str_]]


def read_em360(path: Path, observer: str) -> Reading[LabelledSamples]:
    """Read a recording of `observer`; rows keep their order, and their time must not go back.

    A sample is valid where the tracker's confidence is at least `LEAST_CONFIDENCE`. Dropped and counted: rows whose
    time is missing or negative, whose head, or eyes of good confidence, lie outside the frame. Times that must be
    milliseconds or seconds are converted, with a note. `DataError` for anything that is not such a file.
    """
    table, sizes = _read_arff(path)
    require_columns(table, _NUMBERS[:-1], "360_em")
    time, x, y, confidence, x_head, y_head = (table.numbers(name) for name in _NUMBERS[:-1])
    sure = confidence >= LEAST_CONFIDENCE  # NaN is not
    head, head_inside = _vectors(x_head, y_head, sizes)
    eyes, eyes_inside = _vectors(x, y, sizes)
    sure &= ~placeholders(np.where(sure, x, np.nan), y, eyes_inside)
    head_lost = placeholders(x_head, y_head, head_inside)
    _check_exchanged(table, sizes, (x, y, sure), (x_head, y_head, ~head_lost))
    wrong = {
        "the same row once more": table.repeats("time"),
        "time is missing": ~np.isfinite(time),
        "time is negative": time < 0,
        "head is missing": ~(np.isfinite(x_head) & np.isfinite(y_head)),
        LOST_WRITTEN: head_lost,
        "head outside the frame": ~head_inside,
        "eyes outside the frame": sure & ~eyes_inside,
    }
    keep, drops = _keep(table, wrong)
    _check_share(table, (~head_inside & ~head_lost) | (sure & ~eyes_inside), sizes)
    time_s, notes = _seconds(time[keep])
    table.refuse_disorder(np.flatnonzero(keep), time_s, observer)
    valid = (sure & eyes_inside)[keep]
    seen = np.where(valid[:, None], eyes[keep], np.nan)
    labels = {name: np.array(table.columns[name], np.str_)[keep] for name in table.columns if name not in _NUMBERS}
    samples = GazeSamples(observer, time_s, head=head[keep], head_eye=seen, valid=valid)
    return Reading(LabelledSamples(samples, labels), drops, notes)


def _vectors(x: Floats, y: Floats, sizes: dict[str, float]) -> tuple[Floats, NDArray[np.bool_]]:
    """Unit vectors (N, 3), and which of them lie in the frame; those that do not are straight ahead."""
    u, v = x / sizes["width_px"], y / sizes["height_px"]
    inside = (abs(u - 0.5) <= 0.5 + _HAIR) & (abs(v - 0.5) <= 0.5 + _HAIR)  # NaN is not
    u, v = (np.clip(np.where(inside, values, 0.5), 0, 1) for values in (u, v))
    return unit_vectors(*lonlat_from_uv(u, v)), inside


def _keep(table: TextTable, wrong: dict[str, NDArray[np.bool_]]) -> tuple[NDArray[np.bool_], tuple[Drop, ...]]:
    keep, counter = np.ones(len(table), bool), DropCounter()
    for reason, rows in wrong.items():
        new = rows & keep
        if new.any():
            counter.add(reason, table.where(int(np.argmax(new))), int(new.sum()))
        keep &= ~rows
    return keep, counter.result()


def _check_share(table: TextTable, outside: NDArray[np.bool_], sizes: dict[str, float]) -> None:
    if 2 * outside.sum() > len(table):
        raise DataError(
            f"{table.path}: {outside.sum()} of {len(table)} positions lie outside the frame of {sizes['width_px']:g} x "
            f"{sizes['height_px']:g} pixels; expected pixels of that frame: are width_px and height_px right?"
        )


def _check_exchanged(
    table: TextTable, sizes: dict[str, float], *positions: tuple[Floats, Floats, NDArray[np.bool_]]
) -> None:
    if sizes["width_px"] <= sizes["height_px"]:
        return
    for x, y, good in positions:
        if look_exchanged(x[good], y[good], -_HAIR, sizes["height_px"] * (1 + _HAIR)):
            raise DataError(
                f"{table.path}: y leaves the height of {sizes['height_px']:g} pixels and x never does: do the columns "
                "stand in each other's place?"
            )


def _seconds(time: Floats) -> tuple[Floats, tuple[str, ...]]:
    """Take microseconds unless that makes a rate no tracker has: 2 kHz is a step of 500 µs, 0.5 ms or 0.0005 s."""
    steps = np.diff(time)
    steps = steps[steps > 0]
    step = float(np.median(steps)) if len(steps) >= _TELLING else 1e4
    if step >= 500:
        return time * 1e-6, ()
    unit, scale = ("milliseconds", 1e-3) if step >= 0.5 else ("seconds", 1.0)
    return time * scale, (
        f"times are {unit}, not the microseconds of this format (a sample every {step:g}); converted",
    )


def _read_arff(path: Path) -> tuple[TextTable, dict[str, float]]:
    """The cells of an ARFF file and the size of its frame."""
    rows = text_rows(path)
    names, sizes = _read_header(path, rows)
    lines, columns = as_columns(path, _rows(path, rows, len(names)), len(names))
    return TextTable(path, lines, dict(zip(names, columns, strict=True))), sizes


def _rows(path: Path, rows: Iterator[tuple[int, list[str]]], width: int) -> Iterator[tuple[int, list[str]]]:
    for line, cells in rows:
        row = fitted(cells, width)
        if row[0].startswith("%"):
            continue
        if len(row) != width:
            raise DataError(f"{path}, line {line}: {misfit(row, width, ',')} (one for each @ATTRIBUTE)")
        yield line, ["" if value == "?" else value.strip("'") for value in row]


def _read_header(path: Path, rows: Iterator[tuple[int, list[str]]]) -> tuple[list[str], dict[str, float]]:
    names: list[str] = []
    sizes: dict[str, float] = {}
    relation = ""
    for line, row in rows:
        words = ",".join(row).split()
        keyword = words[0].upper()
        if keyword == "@DATA":
            _check_header(path, relation, names, sizes)
            return names, sizes
        if keyword == "@RELATION" and len(words) > 1:
            relation = words[1]
        elif attribute := _ATTRIBUTE.match(" ".join(words)):
            names.append(next(filter(None, attribute.groups())))
        elif keyword == "%@METADATA" and len(words) > 2 and words[1] in ("width_px", "height_px"):
            sizes[words[1]] = _size(f"{path}, line {line}", words[1], words[2])
        elif not keyword.startswith("%"):
            raise DataError(
                f"{path}, line {line}: found {short_repr(' '.join(words))}, expected the header of an ARFF file"
            )
    raise DataError(f"{path}: no @DATA found; expected an ARFF file of 360_em: is it cut off?")


def _size(where: str, name: str, text: str) -> float:
    value = number_in(text)
    if value is None or not value > 0:  # NaN is not
        raise DataError(f"{where}: {name} is {short_repr(text)}, expected a positive number of pixels")
    return value


def _check_header(path: Path, relation: str, names: list[str], sizes: dict[str, float]) -> None:
    if relation.strip("'\"") != RELATION:
        raise DataError(
            f"{path}: the relation is {short_repr(relation or 'missing')}, expected {RELATION}: positions in the whole "
            "360° "
            "frame"
        )
    missing = [name for name in ("width_px", "height_px") if name not in sizes]
    if missing:
        raise DataError(f"{path}: no '%@METADATA {missing[0]}'; without the size of the frame pixels are no directions")
    if len(set(names)) != len(names):
        raise DataError(f"{path}: an @ATTRIBUTE stands twice in {listed(names)}")

"""Recordings of head and eyes of 360_em: ARFF files of the relation `gaze_360` (Agtzidis et al., ACM MM 2019).

```
@RELATION gaze_360
%@METADATA width_px 1920          size of the frame in which positions are given
%@METADATA height_px 1080
%@METADATA fov_width_deg 100.00   of the headset, not used (nor are fov_width_px, fov_height_deg, fov_height_px)
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

Sources: the readme of the data set; the authors' `matlab_360_utils` (x over the width is a full turn, y over the height
half a turn from the top, the frame's middle is straight ahead) and `360_em_algorithms` (blinks: confidence below 0.5).
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords
from atsal.gaze.directions import lonlat_from_uv, unit_vectors
from atsal.gaze.readers.parsing.checked_table import CheckedTable
from atsal.gaze.readers.parsing.number_text import parse_number
from atsal.gaze.readers.parsing.position_checks import PositionRange, find_placeholders
from atsal.gaze.readers.parsing.text_rows import (
    NumberedRows,
    drop_empty_end,
    explain_width,
    listed_columns,
    text_rows,
)
from atsal.gaze.readers.parsing.text_table import TextTable, as_columns
from atsal.gaze.readers.parsing.time_units import convert_times
from atsal.gaze.records import GazeSamples
from atsal.untrusted.text import short_repr

_LEAST_CONFIDENCE = 0.5
_RELATION = "gaze_360"
_ATTRIBUTE = re.compile(r"@attribute\s+(?:'([^']+)'|\"([^\"]+)\"|(\S+))\s+\S", re.IGNORECASE)
_NUMBERS = ("time", "x", "y", "confidence", "x_head", "y_head", "angle_deg_head")
_SIZES = ("width_px", "height_px")
_STEP_S = (0.0005, 0.5)  # of a tracker
_ENOUGH_STEPS = 20  # to detect the unit of time


@dataclass(frozen=True, eq=False)
class LabelledSamples:
    """One recording; `labels` has a text for each sample by labeller, and is empty for recordings without labels."""

    samples: GazeSamples  # head and head_eye; not valid where the eyes were lost, the head is known there all the same
    labels: dict[str, NDArray[np.str_]]


def read_em360(path: Path, observer: str) -> CheckedRecords[LabelledSamples]:
    """Read a recording of `observer`; rows keep their order, and time must not go back.

    A sample is valid where the tracker's confidence is at least 0.5. Rows without a time or with a time below 0, and
    rows whose head, or eyes of good confidence, lie outside the frame are dropped and counted. Times that can only be
    milliseconds or seconds are converted, with a note. Raises `DataError` for anything that is not such a file.
    """
    table, (width, height) = _read_arff(path)
    table.require_columns(_NUMBERS[:-1], "360_em")
    rows = CheckedTable(table)
    rows.drop_repeats("time")
    time = rows.times("time")
    x, y, confidence, x_head, y_head = (table.numbers(name) for name in _NUMBERS[1:-1])
    frame = PositionRange((0.0, width), (0.0, height), f"pixels of a frame of {width:g} x {height:g}")
    valid = confidence >= _LEAST_CONFIDENCE  # NaN is not
    valid &= ~find_placeholders(np.where(valid, x, np.nan), y, frame.contains(x, y))
    x, y = rows.check_positions(x, y, frame, label="eye position", lost=~valid)
    x_head, y_head = rows.check_positions(x_head, y_head, frame, label="head position")
    used = rows.rows
    steps = np.diff(time[used])
    steps = steps[steps > 0]
    step = float(np.median(steps)) if len(steps) >= _ENOUGH_STEPS else np.nan
    time_s, notes = convert_times(time[used], step, _STEP_S, f"{path}: time", promised="µs", alternatives=("ms", "s"))
    table.check_time_order(used, time_s, observer)
    head = unit_vectors(*lonlat_from_uv(x_head / width, y_head / height))[used]
    eyes = np.where(valid[:, None], unit_vectors(*lonlat_from_uv(x / width, y / height)), np.nan)[used]
    labels = {name: np.array(table.columns[name], np.str_)[used] for name in table.columns if name not in _NUMBERS}
    samples = GazeSamples(observer, time_s, head=head, head_eye=eyes, valid=valid[used])
    return rows.result(LabelledSamples(samples, labels), notes)


def _read_arff(path: Path) -> tuple[TextTable, tuple[float, float]]:
    """Return the cells of an ARFF file, and the width and height of its frame."""
    rows = text_rows(path)
    names, size = _read_header(path, rows)
    lines, columns = as_columns(path, _data_rows(path, rows, len(names)), len(names))
    return TextTable(path, lines, dict(zip(names, columns, strict=True))), size


def _data_rows(path: Path, rows: NumberedRows, width: int) -> NumberedRows:
    for line, cells in rows:
        row = drop_empty_end(cells, width)
        if row[0].startswith("%"):
            continue
        if len(row) != width:
            raise DataError(f"{path}, line {line}: {explain_width(row, width, ',')} (one for each @ATTRIBUTE)")
        yield line, ["" if value == "?" else value.strip("'") for value in row]


def _read_header(path: Path, rows: NumberedRows) -> tuple[list[str], tuple[float, float]]:
    """Return the names of the attributes, and the width and height of the frame."""
    names: list[str] = []
    sizes: dict[str, float] = {}
    relation = ""
    for line, row in rows:
        words = ",".join(row).split()
        keyword = words[0].upper()
        if keyword == "@DATA":
            _check_header(path, relation, names, sizes)
            return names, (sizes["width_px"], sizes["height_px"])
        if keyword == "@RELATION" and len(words) > 1:
            relation = words[1]
        elif attribute := _ATTRIBUTE.match(" ".join(words)):
            names.append(next(filter(None, attribute.groups())))
        elif keyword == "%@METADATA" and len(words) > 2 and words[1] in _SIZES:
            value = parse_number(words[2])
            if value is None or not value > 0:  # NaN is not
                raise DataError(
                    f"{path}, line {line}: {words[1]} is {short_repr(words[2])}, expected a positive number of pixels"
                )
            sizes[words[1]] = value
        elif not keyword.startswith("%"):
            raise DataError(
                f"{path}, line {line}: found {short_repr(' '.join(words))}, expected the header of an ARFF file"
            )
    raise DataError(f"{path}: no @DATA found; expected an ARFF file of 360_em: is it cut off?")


def _check_header(path: Path, relation: str, names: list[str], sizes: dict[str, float]) -> None:
    if relation.strip("'\"") != _RELATION:
        raise DataError(
            f"{path}: the relation is {short_repr(relation or 'missing')}, expected {_RELATION}: positions in the "
            "whole 360° frame"
        )
    missing = [name for name in _SIZES if name not in sizes]
    if missing:
        raise DataError(
            f"{path}: no '%@METADATA {missing[0]}'; without the size of the frame, pixels cannot become directions"
        )
    if len(set(names)) != len(names):
        raise DataError(f"{path}: a duplicate @ATTRIBUTE in {listed_columns(names)}")

"""QP offsets as files for encoders outside FFmpeg, and for programs.

| format | file | offsets |
|---|---|---|
| kvazaar | for each frame a line with columns and rows, then the offsets row by row (option --roi) | QP of HEVC |
| svtav1 | for each change a line: number of the frame, offsets of blocks of 64 (--roi-map-file) | qindex, 8 per QP |
| csv | for each change a row per rectangle | QP |
| npy | (frames, rows, columns) int8 | QP |
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from atsal.config import suggest_name
from atsal.encoding.guide import Guide, rectangles
from atsal.encoding.offsets import Offsets
from atsal.errors import ConfigError
from atsal.jobs.atomic_write import atomic_file, output_errors

_QINDEX_PER_QP = 8  # the quantiser's step of AV1 doubles about every 48 of 255
_SVT_BLOCK = _CTU = 64
FrameOffsets = Iterator[tuple[int, float, Offsets]]  # frame index, time in seconds, offsets


@dataclass(frozen=True)
class RoiFormat:
    """One kind of file. `block` is the side of its blocks in pixels (None: that of `atsal encode`)."""

    name: str
    suffix: str
    write: Callable[[Path, Guide, list[float]], None]
    block: int | None = None
    step_qp: int = 1


def write_roi(path: Path, form: RoiFormat, guide: Guide, times_s: list[float]) -> None:
    """Write the offsets of the frames at `times_s`; raise `OutputError` if the file cannot be written."""
    with output_errors(path), atomic_file(path) as part:
        form.write(part, guide, times_s)


def format_named(name: str) -> RoiFormat:
    """Return the format of that name; raise `ConfigError` for an unknown one and for one that cannot hold offsets."""
    if name == "x265-zones":
        raise ConfigError(
            "x265-zones: zones of x265 hold one quality for whole frames, so they have no place for blocks; use "
            "`atsal encode --codec x265`, which gives x265 the blocks"
        )
    if name not in FORMATS:
        raise ConfigError(f"--for {name!r}{suggest_name(name, FORMATS)}")
    return FORMATS[name]


def _frames(guide: Guide, times_s: list[float]) -> FrameOffsets:
    for index, time_s in enumerate(times_s):
        yield index, time_s, guide.at(time_s)


def _changes(guide: Guide, times_s: list[float]) -> FrameOffsets:
    before: Offsets | None = None
    for index, time_s, offsets in _frames(guide, times_s):
        if before is None or not np.array_equal(before, offsets):
            yield index, time_s, offsets
        before = offsets


def _write_kvazaar(path: Path, guide: Guide, times_s: list[float]) -> None:
    with path.open("w", encoding="ascii") as file:
        for _, _, offsets in _frames(guide, times_s):
            file.write(f"{offsets.shape[1]} {offsets.shape[0]}\n")
            file.writelines(" ".join(map(str, row)) + "\n" for row in offsets)


def _write_svtav1(path: Path, guide: Guide, times_s: list[float]) -> None:
    with path.open("w", encoding="ascii") as file:
        for index, _, offsets in _changes(guide, times_s):
            values = offsets.astype(int).ravel() * _QINDEX_PER_QP
            file.write(f"{index} {' '.join(map(str, values))}\n")


def _write_csv(path: Path, guide: Guide, times_s: list[float]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["frame_index", "timestamp_s", "x", "y", "width", "height", "offset_qp"])
        for index, time_s, offsets in _changes(guide, times_s):
            writer.writerows([index, round(time_s, 6), *found] for found in rectangles(offsets, guide.grid))


def _write_npy(path: Path, guide: Guide, times_s: list[float]) -> None:
    values = open_memmap(path, "w+", np.int8, (len(times_s), *guide.grid.shape))
    for index, _, offsets in _frames(guide, times_s):
        values[index] = offsets
    values.flush()


FORMATS = {
    form.name: form
    for form in (
        RoiFormat("kvazaar", ".txt", _write_kvazaar, block=_CTU),
        RoiFormat("svtav1", ".txt", _write_svtav1, block=_SVT_BLOCK, step_qp=2),  # AV1 has eight segments
        RoiFormat("csv", ".csv", _write_csv),
        RoiFormat("npy", ".npy", _write_npy),
    )
}

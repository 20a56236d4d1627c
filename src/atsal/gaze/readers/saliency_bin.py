"""Salient360! saliency maps as raw numbers: `.bin` files whose size is only in their name.

Images `[H|HE]salmap_<n>_<W>x<H>_32b.bin`, videos `<n>_<name>_<W>x<H>x<frames>_32b.bin`: values of 32 bits, little
endian, row by row from the top, frame after frame, without a header. Source: the authors' reader
(`readBinarySalmap.py`, 2018), which reads 16 and 64 bits by the same rule. Maps are not normalised.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError, ShapeError
from atsal.untrusted.files import check_readable

Maps = np.memmap[Any, np.dtype[np.floating[Any]]]  # (frames, H, W)

_NAME = re.compile(r"_(\d+)x(\d+)(?:x(\d+))?_(16|32|64)b(?:_[a-z]+)?\.bin", re.IGNORECASE)


def read_saliency_bin(path: Path) -> Maps:
    """Map the file into memory, read-only: (frames, H, W) floats; an image has one frame.

    `saliency_frame` reads one frame and checks its values; nothing is read before. Raises `DataError` for a name
    without a size, and for a file whose length does not match its name.
    """
    match = _NAME.search(path.name)
    if match is None or match.end() != len(path.name):
        raise DataError(
            f"{path}: the name does not give the size of the maps; expected <name>_<W>x<H>_32b.bin (image) or"
            " <name>_<W>x<H>x<frames>_32b.bin (video); unpack a .tar.gz first"
        )
    check_readable(path, "saliency map", DataError)
    width, height, frames = int(match[1]), int(match[2]), int(match[3] or 1)
    frame_bytes = width * height * int(match[4]) // 8
    found = path.stat().st_size
    if found != frames * frame_bytes:
        in_frames = f" ({found / frame_bytes:.6g} frames)" if frame_bytes else ""
        raise DataError(
            f"{path}: {found} bytes{in_frames}, expected {frames * frame_bytes} for {frames} frames of {width}x{height}"
            " by its name: is the file incomplete or renamed? Copy or download it again"
        )
    return np.memmap(path, np.dtype(f"<f{int(match[4]) // 8}"), "r", shape=(frames, height, width))


def saliency_frame(maps: Maps, frame_index: int) -> NDArray[np.float32]:
    """Return a copy of one map (H, W) float32, >= 0.

    Raises `DataError`, naming frame and pixel, for a value that is below 0 or not a number, and `ShapeError` for a
    frame that does not exist.
    """
    if not 0 <= frame_index < len(maps):
        raise ShapeError(f"{maps.filename}: frame {frame_index}; expected 0 … {len(maps) - 1}")
    with np.errstate(over="ignore"):  # 64-bit values become infinite, which is refused below
        values = np.array(maps[frame_index], np.float32)
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        row, column = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        raise DataError(
            f"{maps.filename}: frame {frame_index} has {wrong.sum()} values that are not numbers >= 0 (the first,"
            f" {values[row, column]}, in row {row}, column {column}): the file is damaged or of another type"
        )
    return values

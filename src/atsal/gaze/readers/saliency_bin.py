"""Salient360! saliency maps as raw numbers: `.bin` files that say their size in their name only.

Images `[H|HE]salmap_<n>_<W>x<H>_32b.bin`, videos `<n>_<name>_<W>x<H>x<frames>_32b.bin`: values of 32 bits, little
endian, row by row from the top, frame after frame, without header. Source: the authors' reader (`readBinarySalmap.py`,
2018), which knows 16 and 64 bits by the same rule. Maps are not normalised.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError, ShapeError

Maps = np.memmap[Any, np.dtype[np.floating[Any]]]  # (frames, H, W)

_NAME = re.compile(r"_(\d+)x(\d+)(?:x(\d+))?_(16|32|64)b(?:_[a-z]+)?\.bin", re.IGNORECASE)


def read_saliency_bin(path: Path) -> Maps:
    """Map the file into memory, read-only: (frames, H, W) floats; an image has one frame.

    Nothing is read before a frame is used; `saliency_frame` gives one and checks its values. Raises `DataError` for a
    name without a size, and for a file of another length than its name says (both numbers in the message).
    """
    match = _NAME.search(path.name)
    if match is None or match.end() != len(path.name):
        raise DataError(
            f"{path}: the name does not tell the size of the maps; expected <name>_<W>x<H>_32b.bin (image) or"
            " <name>_<W>x<H>x<frames>_32b.bin (video); unpack a .tar.gz first"
        )
    width, height, frames = int(match[1]), int(match[2]), int(match[3] or 1)
    frame_bytes = width * height * int(match[4]) // 8
    try:
        found = path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be opened ({error.strerror or error})") from error
    if not path.is_file():
        raise DataError(f"{path}: a folder; expected a file of maps")
    if found != frames * frame_bytes or not found:
        whole = f" ({found / frame_bytes:.6g} frames)" if frame_bytes else ""
        raise DataError(
            f"{path}: {found} bytes{whole}, expected {frames * frame_bytes} for {frames} frames of {width}x{height}"
            " by its name: copied in part, or renamed"
        )
    try:
        return np.memmap(path, np.dtype(f"<f{int(match[4]) // 8}"), "r", shape=(frames, height, width))
    except OSError as error:
        raise DataError(f"{path}: cannot be opened ({error.strerror or error})") from error


def saliency_frame(maps: Maps, frame_index: int) -> NDArray[np.float32]:
    """One map (H, W) float32, >= 0, copied from the file.

    Raises `DataError` where a value is not a number or below 0, naming the frame and the pixel, and `ShapeError` for a
    frame that is not there.
    """
    if not 0 <= frame_index < len(maps):
        raise ShapeError(f"{maps.filename}: frame {frame_index}; expected 0 … {len(maps) - 1}")
    with np.errstate(over="ignore"):  # of 64 bits: infinite, and told of below
        values = np.array(maps[frame_index], np.float32)
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        row, column = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        raise DataError(
            f"{maps.filename}: frame {frame_index} has {wrong.sum()} values that are no numbers >= 0 (the first,"
            f" {values[row, column]}, in row {row}, column {column}): the file is damaged or of another type"
        )
    return values

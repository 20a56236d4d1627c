"""Predicted maps as anybody may have written them: found in a folder by the item's name, read one at a time.

| what | where, for item `6` (or its stimulus `6.mp4`) |
|---|---|
| float maps | `6.npy`: (H, W), or (N, H, W) for the N frames or windows of a video |
| pictures | `6.png`, `6.jpg`, `6.tif`, …: grey, of any depth |
| raw numbers | `6_2048x1024x600_32b.bin`, and Salient360!'s `HEsalmap_6_2048x1024_32b.bin` for item `P6` |
| video | `6.mp4`, …: grey |
| a folder | `6/` with one `.npy` or picture a frame or window, in the order of their names |

Values are densities up to a factor, finite and >= 0. `docs/benchmark.md` says which frame a map is taken for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ImageOps

from atsal.errors import DataError
from atsal.gaze.readers.saliency_bin import read_saliency_bin, saliency_frame
from atsal.jobs.checksums import cached_sha256
from atsal.untrusted.arrays import open_npy
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.pictures import MAX_PIXELS, open_picture
from atsal.untrusted.text import short_repr
from atsal.video.folders import IMAGE_SUFFIXES, VIDEO_SUFFIXES, natural_key
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from atsal.video.timeline import frame_times

Map = NDArray[np.float32]
Kind = Literal["npy", "picture", "bin", "video"]

_KINDS: dict[str, Kind] = {".npy": "npy", ".bin": "bin"}
_KINDS.update((ending, "picture") for ending in IMAGE_SUFFIXES)
_KINDS.update((ending, "video") for ending in VIDEO_SUFFIXES)
_FIRST_READ = {".png", ".jpg", ".jpeg"}  # pictures of other endings may lie beside maps: previews, which do not count
_BIN_SIZE = re.compile(r"_\d+x\d+(?:x\d+)?_(?:16|32|64)b(?:_[a-z]+)?$", re.IGNORECASE)
_BIN_NAME = re.compile(r"(?:HE?)?salmap_0*(\d+)", re.IGNORECASE)
_FAR = 1e30
_LONGEST_NUMBER = 18  # digits of a frame's number
_COLOUR = 24  # of 255: more difference between the channels than a grey video has after compression


@dataclass(frozen=True)
class MapFiles:
    """The maps of one item."""

    path: Path  # the file, or the folder
    files: tuple[Path, ...]  # in order
    kind: Kind

    @property
    def numbers(self) -> tuple[int, ...] | None:
        """The frames in the names of a folder's files (`000012.npy`); None where they have none."""
        if self.files == (self.path,) or not all(_is_number(file.stem) for file in self.files):
            return None
        return tuple(int(file.stem) for file in self.files)

    def fingerprint(self) -> list[tuple[str, str]]:
        """Names and checksums of the files."""
        return [(file.name, cached_sha256(file)) for file in self.files]

    def count(self) -> int:
        """How many maps there are; `DataError` where that cannot be told."""
        if len(self.files) > 1 or self.kind == "picture":
            return len(self.files)
        if self.kind == "npy":
            stack = _open_npy(self.files[0])
            return len(stack) if stack.ndim == 3 else 1
        if self.kind == "bin":
            return len(read_saliency_bin(self.files[0]))
        return len(frame_times(_checked_video(self.files[0])))

    def read(self) -> Iterator[Map]:
        """Each map, (h, w) float32, finite and >= 0; `DataError` names a wrong one."""
        for file in self.files:
            if self.kind == "npy":
                stack = _open_npy(file)
                for number, values in enumerate(stack if stack.ndim == 3 else stack[None]):
                    yield _checked(values, f"{file}, map {number}" if stack.ndim == 3 else str(file))
            elif self.kind == "picture":
                yield _read_picture(file)
            elif self.kind == "bin":
                maps = read_saliency_bin(file)
                yield from (saliency_frame(maps, number) for number in range(len(maps)))
            else:
                for frame in read_frames(_checked_video(file)):
                    yield _grey(frame.image, f"{file}, frame {frame.index}")


def find_map_files(folder: Path, stems: tuple[str, ...]) -> MapFiles:
    """The maps in `folder` that have one of the names; `DataError` where there are none, or more than one."""
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder; expected one with the maps of each item")
    wanted = set(stems)
    found = _maps([path for path in sorted(folder.iterdir()) if path.name[0] != "." and _is_of(path, wanted)])
    if not found:
        raise DataError(
            f"{folder}: no maps of {stems[0]}; looked for {' and '.join(stems)} with .npy, .png, .jpg, .tif, "
            "_<W>x<H>_32b.bin, a video's ending, or as a folder of these"
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DataError(f"{folder}: {names} could all be the maps of {stems[0]}; leave one of them there")
    return _in_folder(found[0]) if found[0].is_dir() else MapFiles(found[0], (found[0],), _KINDS[_suffix(found[0])])


def _maps(found: list[Path]) -> list[Path]:
    """Those that are meant: pictures of endings that were not always read are maps where nothing else is one."""
    firm = [path for path in found if _KINDS.get(_suffix(path)) != "picture" or _suffix(path) in _FIRST_READ]
    return firm or found


def _is_of(path: Path, wanted: set[str]) -> bool:
    if path.is_dir():
        return path.name in wanted
    if _KINDS.get(_suffix(path)) != "bin":
        return path.stem in wanted and _suffix(path) in _KINDS
    name = _BIN_SIZE.sub("", path.stem)
    numbered = _BIN_NAME.fullmatch(name)
    return name in wanted or (numbered is not None and f"P{numbered[1]}" in wanted)


def _in_folder(folder: Path) -> MapFiles:
    files = _maps([path for path in folder.iterdir() if path.name[0] != "." and _suffix(path) in _KINDS])
    kinds = {_KINDS[_suffix(path)] for path in files}
    if not files or len(kinds) > 1 or kinds == {"video"} or (kinds == {"bin"} and len(files) > 1):
        told = f"{', '.join(sorted(kinds))} files" if files else "no file of maps"
        raise DataError(f"{folder}: holds {told}; expected one .npy or picture a frame, or one .bin file")
    return MapFiles(folder, tuple(sorted(files, key=lambda path: natural_key(path.name))), kinds.pop())


def _is_number(stem: str) -> bool:
    return stem.isdecimal() and len(stem) <= _LONGEST_NUMBER


def _suffix(path: Path) -> str:
    return path.suffix.lower()


def _checked_video(path: Path) -> Path:
    """The path of a video whose frames are one map each."""
    info = probe_video(path)
    if info.stereo != "mono":
        raise DataError(
            f"{path}: holds two views, {info.stereo} {info.view.said_by} ({info.width}x{info.height}); expected one "
            "map a frame, twice as wide as high"
        )
    return path


def _open_npy(path: Path) -> NDArray[np.generic]:
    stack: NDArray[np.generic] = open_npy(path, ErrorFactory(DataError, path, "write it with numpy.save"))
    if stack.ndim == 3 and stack.shape[-1] == 1:
        stack = stack[..., 0]  # (H, W, 1)
    if stack.ndim not in (2, 3) or not stack.size or stack.dtype.kind not in "fiub":
        raise DataError(
            f"{path}: {stack.dtype} of shape {short_repr(stack.shape)}; expected numbers, (H, W) or (N, H, W)"
        )
    return stack


def _read_picture(path: Path) -> Map:
    with open_picture(path) as image:
        if getattr(image, "is_animated", False):
            raise DataError(f"{path}: holds several pictures; expected one map. Write a file for each")
        upright = ImageOps.exif_transpose(image)
        pixels = np.asarray(upright if upright.mode != "P" else upright.convert("RGB"))
    if pixels.ndim == 2:
        return _checked(pixels, str(path))
    if pixels.shape[2] in (2, 4) and pixels[..., -1].min() < pixels[..., -1].max():
        raise DataError(
            f"{path}: is transparent in parts; which channel holds the map cannot be told. Expected plain grey"
        )
    return _grey(pixels[..., : 3 if pixels.shape[2] >= 3 else 1], str(path))


def _grey(pixels: NDArray[np.uint8], where: str) -> Map:
    levels = pixels.astype(np.int16)
    if (levels.max(-1) - levels.min(-1)).max() > _COLOUR:
        raise DataError(
            f"{where}: is coloured; the value of a map cannot be told from its colours. Expected grey, or .npy"
        )
    found: Map = levels.mean(-1, dtype=np.float32)
    return found


def _checked(values: NDArray[np.generic], where: str) -> Map:
    if values.size > MAX_PIXELS:
        raise DataError(f"{where}: {values.size} values; expected a map of {MAX_PIXELS} at most")
    found = np.asarray(values)
    wrong = ~np.isfinite(found)
    if wrong.any():
        row, column = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        raise DataError(
            f"{where}: {wrong.sum()} of {wrong.size} values are NaN or infinite (the first in row {row}, column "
            f"{column}); expected finite numbers"
        )
    if found.min() < 0:
        raise DataError(
            f"{where}: {(found < 0).sum()} of {found.size} values are below 0 (lowest {found.min():.4g}); expected a "
            "density, 0 or more. Take the exponential of log densities; cut or shift others knowingly"
        )
    peak = float(found.max())
    if peak and not 1 / _FAR < peak < _FAR:  # float32 holds no such numbers, and the scale says nothing
        found = found / peak
    return found.astype(np.float32)

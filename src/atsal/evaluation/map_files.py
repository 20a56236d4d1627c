"""Predicted maps in the formats of any program: found in a folder by the name of the item, read one at a time.

`docs/benchmark.md` lists the formats, and says which frame a map belongs to. Values are proportional to a density.
"""

import re
from collections.abc import Iterator, Sequence
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
from atsal.video.isolation import isolatable
from atsal.video.media_files import IMAGE_SUFFIXES, VIDEO_SUFFIXES, natural_key
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from atsal.video.timed_frames import frame_times

Map = NDArray[np.float32]
MapFormat = Literal["npy", "picture", "bin", "video"]

_FORMATS: dict[str, MapFormat] = {
    **dict.fromkeys(IMAGE_SUFFIXES, "picture"),
    **dict.fromkeys(VIDEO_SUFFIXES, "video"),
    ".npy": "npy",
    ".bin": "bin",
}
_USUAL_PICTURES = {".png", ".jpg", ".jpeg"}  # other pictures beside maps are taken for previews and ignored
_BIN_SIZE = re.compile(r"_\d+x\d+(?:x\d+)?_(?:16|32|64)b(?:_[a-z]+)?$", re.IGNORECASE)
_SALIENT360_NAME = re.compile(r"(?:HE?)?salmap_0*(\d+)", re.IGNORECASE)
_LARGE = 1e30
_MAX_DIGITS = 18  # of the number of a frame
_MAX_CHANNEL_DIFFERENCE = 24  # of 255: what compression may add to a grey video


@dataclass(frozen=True)
class MapFiles:
    """The maps of one item."""

    path: Path  # the file, or the folder
    files: tuple[Path, ...]  # in order
    format: MapFormat
    frames: tuple[int, ...] | None = None  # that a pattern found in their names

    @property
    def numbers(self) -> tuple[int, ...] | None:
        """The frames that the files of a folder are named after (`000012.npy`); None without such names."""
        if self.frames is not None:
            return self.frames
        stems = [file.stem for file in self.files]
        if self.files == (self.path,) or not all(stem.isdecimal() and len(stem) <= _MAX_DIGITS for stem in stems):
            return None
        return tuple(map(int, stems))

    def fingerprint(self) -> list[tuple[str, str]]:
        """Return names and checksums of the files."""
        return [(file.name, cached_sha256(file)) for file in self.files]

    def count(self) -> int:
        """Return the number of maps; raises `DataError` if a file cannot tell it."""
        if len(self.files) > 1 or self.format == "picture":
            return len(self.files)
        if self.format == "npy":
            stack = _open_npy(self.files[0])
            return len(stack) if stack.ndim == 3 else 1
        if self.format == "bin":
            return len(read_saliency_bin(self.files[0]))
        return len(frame_times(_require_mono(self.files[0])))

    def read(self) -> Iterator[Map]:
        """Yield each map, (h, w) float32, finite and >= 0; raises `DataError` for a map that is not."""
        for file in self.files:
            if self.format == "npy":
                stack = _open_npy(file)
                for number, values in enumerate(stack if stack.ndim == 3 else stack[None]):
                    yield _to_map(values, f"{file}, map {number}" if stack.ndim == 3 else str(file))
            elif self.format == "picture":
                yield _read_picture(file)
            elif self.format == "bin":
                maps = read_saliency_bin(file)
                yield from (saliency_frame(maps, number) for number in range(len(maps)))
            else:
                for frame in read_frames(_require_mono(file)):
                    yield _grey(frame.image, f"{file}, frame {frame.index}")


def find_map_files(folder: Path, stems: Sequence[str]) -> MapFiles:
    """Find the maps in `folder` that have one of the names; raises `DataError` unless they are exactly one."""
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder; expected one with the maps of each item")
    found = _without_previews([path for path in sorted(folder.iterdir()) if _has_name(path, stems)])
    if not found:
        raise DataError(
            f"{folder}: no maps of {stems[0]}; looked for {' and '.join(stems)} with .npy, .png, .jpg, .tif, "
            "_<W>x<H>_32b.bin, the ending of a video, or as a folder of these. For other names, give a --pattern"
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DataError(f"{folder}: {names} could all be the maps of {stems[0]}; leave one of them there")
    return maps_at(found[0])


def maps_at(path: Path) -> MapFiles:
    """Return the maps in a file or in a folder of files. Raises `DataError` for a file that holds no maps."""
    if path.is_dir():
        return _in_folder(path)
    format_ = format_of(path)
    if format_ is None:
        raise DataError(f"{path}: expected maps as .npy, .png, .jpg, .tif, .bin or video, or a folder of these")
    return MapFiles(path, (path,), format_)


def format_of(path: Path) -> MapFormat | None:
    """Return the format of a file by its ending; None for folders and other files."""
    return None if path.is_dir() else _FORMATS.get(path.suffix.lower())


def _without_previews(paths: list[Path]) -> list[Path]:
    """The paths without pictures of unusual endings, unless there is nothing else."""
    likely = [p for p in paths if format_of(p) != "picture" or p.suffix.lower() in _USUAL_PICTURES]
    return likely or paths


def _has_name(path: Path, stems: Sequence[str]) -> bool:
    if path.name.startswith("."):
        return False
    if path.is_dir():
        return path.name in stems
    if format_of(path) != "bin":
        return path.stem in stems and format_of(path) is not None
    name = _BIN_SIZE.sub("", path.stem)
    numbered = _SALIENT360_NAME.fullmatch(name)
    return name in stems or (numbered is not None and f"P{numbered[1]}" in stems)


def _in_folder(folder: Path) -> MapFiles:
    """The maps of an item whose frames or windows have a file each."""
    files = [path for path in folder.iterdir() if not path.name.startswith(".") and format_of(path) is not None]
    files = _without_previews(files)
    formats = {format_ for format_ in map(format_of, files) if format_ is not None}
    if not files or len(formats) > 1 or formats == {"video"} or (formats == {"bin"} and len(files) > 1):
        found = f"{', '.join(sorted(formats))} files" if files else "no file of maps"
        raise DataError(f"{folder}: holds {found}; expected one .npy or picture a frame, or one .bin file")
    return MapFiles(folder, tuple(sorted(files, key=lambda path: natural_key(path.name))), formats.pop())


def _require_mono(path: Path) -> Path:
    """The path; `DataError` for a video whose frames hold two views."""
    info = probe_video(path)
    if info.stereo != "mono":
        raise DataError(
            f"{path}: holds two views, {info.stereo} {info.view.source_text} ({info.width}x{info.height}); expected "
            "one map a frame, twice as wide as high"
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


@isolatable
def _read_picture(path: Path) -> Map:
    with open_picture(path) as image:
        if getattr(image, "is_animated", False):
            raise DataError(f"{path}: holds several pictures; expected one map. Write a file for each")
        upright = ImageOps.exif_transpose(image)
        pixels = np.asarray(upright if upright.mode != "P" else upright.convert("RGB"))
    if pixels.ndim == 2:
        return _to_map(pixels, str(path))
    if pixels.shape[2] in (2, 4) and pixels[..., -1].min() < pixels[..., -1].max():
        raise DataError(
            f"{path}: is transparent in parts, so it is unclear which channel holds the map. Expected plain grey"
        )
    return _grey(pixels[..., : 3 if pixels.shape[2] >= 3 else 1], str(path))


def _grey(pixels: NDArray[np.uint8], where: str) -> Map:
    """The mean of the channels; `DataError` if they differ clearly."""
    levels = pixels.astype(np.int16)
    if (levels.max(-1) - levels.min(-1)).max() > _MAX_CHANNEL_DIFFERENCE:
        raise DataError(f"{where}: is coloured, and colours do not tell the values of a map. Expected grey, or .npy")
    found: Map = levels.mean(-1, dtype=np.float32)
    return found


def _to_map(values: NDArray[np.generic], where: str) -> Map:
    """The values as float32; `DataError` if they are no density."""
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
    if peak and not 1 / _LARGE < peak < _LARGE:  # float32 cannot hold such numbers, and the scale has no meaning
        found = found / peak
    return found.astype(np.float32)

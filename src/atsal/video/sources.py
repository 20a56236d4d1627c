"""What there is to read: the kind of a file, the media in a folder, and a folder of frames as one clip."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from atsal.errors import ConfigError, MediaError
from atsal.untrusted.files import check_readable
from atsal.video.image import read_image
from atsal.video.reader import Frame, check_size
from atsal.video.stereo import StereoChoice

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"})
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".flv", ".insv"}
)

_IMAGE_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"BM")
_VIDEO_MAGIC = (b"\x1a\x45\xdf\xa3", b"FLV\x01", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"\x00\x00\x01\xba")


def classify(path: Path | str) -> Literal["image", "video"]:
    """Tell an image from a video by the file's first bytes or, where those say nothing, by the name's ending.

    Raises:
        MediaError: missing, a folder, empty, or of a kind that neither the content nor the name tells.

    """
    path = Path(path)
    check_readable(path, "image or video")
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(_IMAGE_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "image"
    if head.startswith(_VIDEO_MAGIC) or head[4:8] == b"ftyp" or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return "video"
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return "video"
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return "image"
    known = ", ".join(sorted(IMAGE_SUFFIXES | VIDEO_SUFFIXES))
    raise MediaError(f"{path}: is neither an image nor a video by content or name; expected one of {known}.")


def list_media(folder: Path | str) -> list[Path]:
    """List the images and videos in a folder by their endings, hidden ones left out, in natural order.

    Raises:
        MediaError: not a folder, or nothing to read in it.

    """
    return _listed(Path(folder), IMAGE_SUFFIXES | VIDEO_SUFFIXES, "images or videos")


def read_image_sequence(
    folder: Path | str, *, fps: float, size: tuple[int, int] | None = None, stereo: StereoChoice = "auto"
) -> Iterator[Frame]:
    """Read a folder of images as the frames of one clip, in natural order: frame10 comes after frame9.

    Args:
        folder: where the images are; other files are passed over.
        fps: frames per second of the clip; frame i is at i / fps seconds.
        size: (width, height) to scale to; by default the stored size of the view.
        stereo: the layout of the views, as in `read_frames`.

    Raises:
        ConfigError: `fps` or `size` is out of range.
        MediaError: no folder, no image in it, an unreadable image, or one of another size than the first.

    """
    if not (math.isfinite(fps) and fps > 0):
        raise ConfigError(f"fps is {fps}; expected frames per second greater than 0")
    check_size(size)
    paths = _listed(Path(folder), IMAGE_SUFFIXES, "images")
    return _read_sequence(paths, fps, size, stereo)


def _read_sequence(
    paths: list[Path], fps: float, size: tuple[int, int] | None, stereo: StereoChoice
) -> Iterator[Frame]:
    first_shape: tuple[int, ...] | None = None
    for index, path in enumerate(paths):
        image = read_image(path, stereo=stereo)
        first_shape = first_shape or image.shape
        if image.shape != first_shape:
            raise MediaError(
                f"{path}: its view is {image.shape[1]}x{image.shape[0]}, but {paths[0].name} has {first_shape[1]}x"
                f"{first_shape[0]}; expected one size throughout a clip. Scale it, or move it elsewhere."
            )
        yield Frame(index, index / fps, image if size is None else scaled(image, size))


def scaled(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) scaled to (width, height), as frames of a video are."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    reduces = size[0] <= image.shape[1] and size[1] <= image.shape[0]
    how = Image.Resampling.BOX if reduces else Image.Resampling.BICUBIC  # as for video: area average, or bicubic
    return np.asarray(Image.fromarray(image).resize(size, how))


def _listed(folder: Path, suffixes: frozenset[str], kind: str) -> list[Path]:
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise MediaError(f"{folder}: {found}; expected a folder with {kind} in it. Check the path.")
    found_paths = [p for p in folder.iterdir() if p.suffix.lower() in suffixes and p.name[0] != "." and p.is_file()]
    if not found_paths:
        raise MediaError(f"{folder}: holds no {kind}; expected files ending in {', '.join(sorted(suffixes))}.")
    return sorted(found_paths, key=lambda path: natural_key(path.name))


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Key to sort names by: runs of digits as numbers; equal ones (01 and 1) by the plain name."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(int(part), "") if number % 2 else (-1, part) for number, part in enumerate(parts)], name

"""Read a still 360° image."""

import io
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from atsal.remote.path import as_path
from atsal.untrusted.files import check_readable
from atsal.untrusted.pictures import open_picture, stored_size
from atsal.video.isolation import isolatable
from atsal.video.media_files import refuse_suffix
from atsal.video.photo_metadata import read_photo_metadata
from atsal.video.pixels import (
    has_16_bit_channels,
    may_have_remarks,
    read_orientation,
    scale_image,
    upright_pixels,
    upright_size,
)
from atsal.video.stereo_layout import MediaInfo, StereoChoice, choose_view

_FLAT_LEVELS = 4  # of 256: an image with a smaller range is of nearly one value


@dataclass(frozen=True)
class ImageInfo(MediaInfo):
    """The facts of an image."""

    format: str  # Pillow's name: JPEG, PNG, …
    mode: str  # Pillow's name of the pixel format


@isolatable
def read_image(path: Path | str, *, stereo: StereoChoice = "auto") -> NDArray[np.uint8]:
    """Read an image's (left) 360° view as (H, W, 3) uint8 RGB.

    It is turned as its EXIF orientation says. Grey, palette and 16-bit images are converted. Transparent pixels are
    laid over black. Of a file that holds several pictures, the first is read. Raises MediaError for what is not a
    complete image of at most 400 million pixels, for a camera's own format, for what is not a 360° view by its shape
    (`choose_view`) or its metadata, and for values that are no colours (NaN); ConfigError for an unknown `stereo`.
    """
    return _read(as_path(path), stereo)[0]


def decode_image(content: bytes, name: str, *, stereo: StereoChoice = "auto") -> tuple[NDArray[np.uint8], ImageInfo]:
    """Read an image from the bytes of its file, as `read_image` does, and describe it; `name` stands in messages."""
    with open_picture(Path(name), io.BytesIO(content)) as image:
        return _read_open(Path(name), image, stereo)


@isolatable
def probe_image(path: Path | str, *, stereo: StereoChoice = "auto") -> ImageInfo:
    """Describe an image by its header and its pixels, which proves that it decodes. Raises what `read_image` raises."""
    return _read(as_path(path), stereo)[1]


@isolatable
def probe_image_header(path: Path, *, stereo: StereoChoice = "auto") -> ImageInfo:
    """Describe an image that can be read, by its header alone where its pixels add no notes."""
    status = path.stat()
    return _probe_header(path, stereo, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1)  # a run asks several times, and the header of a PNG takes as long as its pixels
def _probe_header(path: Path, stereo: StereoChoice, _size: int, _modified_ns: int) -> ImageInfo:
    with open_picture(path) as image:
        needs_pixels = may_have_remarks(image)
        info = _describe(path, image, stereo)
    return probe_image(path, stereo=stereo) if needs_pixels else info


def _read(path: Path, stereo: StereoChoice) -> tuple[NDArray[np.uint8], ImageInfo]:
    check_readable(path, "image")
    refuse_suffix(path)
    with open_picture(path) as image:
        return _read_open(path, image, stereo)


def _read_open(path: Path, image: Image.Image, stereo: StereoChoice) -> tuple[NDArray[np.uint8], ImageInfo]:
    has_16_bits = has_16_bit_channels(image)
    info = _describe(path, image, stereo)
    converted = upright_pixels(image, str(path), has_16_bits=has_16_bits)
    left, top, width, height = info.view.crop
    pixels = converted.pixels[top : top + height, left : left + width]
    pixels = scale_image(pixels, info.view.size)
    low, high = pixels.min(), pixels.max()
    flat = [f"all pixels have nearly one value ({low} to {high} of 255)"] if high - low < _FLAT_LEVELS else []
    return pixels, replace(
        info, notes=(*info.notes, *converted.remarks), remarks=(*info.remarks, *converted.remarks, *flat)
    )


def _describe(path: Path, image: Image.Image, stereo: StereoChoice) -> ImageInfo:
    """Describe an open image by its header; raise MediaError where it is not a whole 360° view."""
    stored, mode = stored_size(image), image.mode
    if image.format == "PNG":
        image.load()  # what a PNG states of itself may follow its pixels
    stated, metadata_remarks = read_photo_metadata(path, image)
    orientation = read_orientation(image)
    upright = upright_size(stored, orientation)
    view = choose_view(path, upright, Fraction(1), stated, stereo)
    notes = [*view.notes, *metadata_remarks]
    if getattr(image, "is_animated", False):  # to count them can take long
        notes.append("holds several pictures (frames, pages or views); the first is used")
    remarks = view.remarks()
    if orientation in range(2, 9):
        how = "turned on its side" if upright != stored else "turned or mirrored"
        remarks.append(f"{how} by its EXIF orientation ({orientation}), which is followed")
    if mode not in ("RGB", "L"):
        remarks.append(f"stored as {mode}; 8-bit RGB is used")
    return ImageInfo(path, *stored, view, tuple(notes), (*remarks, *notes), image.format or "", mode)

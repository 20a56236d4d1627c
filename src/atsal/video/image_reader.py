"""Reading a still 360° image."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from atsal.untrusted.files import check_readable
from atsal.untrusted.pictures import open_picture, stored_size
from atsal.video.camera_formats import refuse_original
from atsal.video.photo_metadata import read_gpano
from atsal.video.pixels import is_deep, needs_remarks, orientation_of, scaled, turned_size, upright_pixels
from atsal.video.stereo import SMALL_HEIGHT, StereoChoice, StereoLayout
from atsal.video.view import View, choose_view

_NEARLY_ONE = 4  # levels of 256


@dataclass(frozen=True)
class ImageInfo:
    """An image's facts, sizes in pixels; `eye_size` is the (width, height) of the view that is used."""

    path: Path
    format: str  # Pillow's name: JPEG, PNG, …
    width: int  # as stored
    height: int
    mode: str  # Pillow's name of the pixel format
    stereo: StereoLayout
    eye_size: tuple[int, int]
    oddities: tuple[str, ...]  # sentences for people
    cautions: tuple[str, ...]  # those of them that may make its map wrong


def read_image(path: Path | str, *, stereo: StereoChoice = "auto") -> NDArray[np.uint8]:
    """Read an image's (left) 360° view as (H, W, 3) uint8 RGB.

    Turned as its EXIF orientation says; grey, palette and 16-bit images are converted; transparent pixels are laid
    over black. Of a file that holds several pictures, the first.

    Raises:
        MediaError: missing, empty, not an image, cut off, of more than 400 million pixels, not a 360° view by its shape
            (`choose_view`) or by what it states of itself, a camera's own format; or values that are no colours (NaN).
        ConfigError: `stereo` is not a layout.

    """
    return _read(Path(path), stereo)[0]


def probe_image(path: Path | str, *, stereo: StereoChoice = "auto") -> ImageInfo:
    """Look at an image: its header, and its pixels as proof that it decodes. Raises what `read_image` raises."""
    return _read(Path(path), stereo)[1]


def glance(path: Path, *, stereo: StereoChoice = "auto") -> ImageInfo:
    """What `probe_image` tells of an image that can be read, by its header where its pixels add nothing."""
    found = path.stat()
    return _glance(path, stereo, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1)  # it is asked for several things at once, and the header of a PNG takes as long as its pixels
def _glance(path: Path, stereo: StereoChoice, _size: int, _modified_ns: int) -> ImageInfo:
    with open_picture(path) as image:
        pixels_matter = needs_remarks(image)
        header = _Header.of(path, image, stereo)
    return probe_image(path, stereo=stereo) if pixels_matter else header.info(path)


def _read(path: Path, stereo: StereoChoice) -> tuple[NDArray[np.uint8], ImageInfo]:
    check_readable(path, "image")
    refuse_original(path)
    with open_picture(path) as image:
        deep = is_deep(image)
        header = _Header.of(path, image, stereo)
        converted = upright_pixels(image, str(path), deep=deep)
    left, top, width, height = header.view.crop
    pixels = converted.pixels[top : top + height, left : left + width]
    if header.view.size != (width, height):
        pixels = scaled(pixels, header.view.size)
    return pixels, header.info(path, converted.remarks, _flat(pixels))


def _flat(pixels: NDArray[np.uint8]) -> tuple[str, ...]:
    low, high = pixels.min(), pixels.max()
    return (f"all pixels have nearly one value ({low} to {high} of 255)",) if high - low < _NEARLY_ONE else ()


@dataclass(frozen=True)
class _Header:
    """What the header of an image says."""

    format: str
    stored: tuple[int, int]
    mode: str
    view: View
    oddities: tuple[str, ...]
    cautions: tuple[str, ...]

    @classmethod
    def of(cls, path: Path, image: Image.Image, stereo: StereoChoice) -> "_Header":
        """Read it; raises MediaError where it is no whole 360° view."""
        stored, mode = stored_size(image), image.mode
        if image.format == "PNG":
            image.load()  # what a PNG says of itself may follow its pixels
        stated, remarks = read_gpano(path, image)
        orientation = orientation_of(image)
        turned = turned_size(stored, orientation)
        view = choose_view(path, turned, Fraction(1), stated, stereo)
        width, height = view.size
        odd, cautions = [], [*view.notes, *_several(image), *remarks]
        if width != 2 * height:
            odd.append(f"the view is {width}x{height}, not exactly 2:1")
        if orientation in range(2, 9):
            how = "turned on its side" if turned != stored else "turned or mirrored"
            odd.append(f"{how} by its EXIF orientation ({orientation}), which is followed")
        if mode not in ("RGB", "L"):
            odd.append(f"stored as {mode}; 8-bit RGB is used")
        if height < SMALL_HEIGHT:
            odd.append(f"only {height} pixels high, lower than most models work at")
        return cls(image.format or "", stored, mode, view, tuple(odd), tuple(cautions))

    def info(self, path: Path, cautions: tuple[str, ...] = (), oddities: tuple[str, ...] = ()) -> ImageInfo:
        """All that is known, with what the pixels add."""
        view, cautions = self.view, (*self.cautions, *cautions)
        odd = (*self.oddities, *cautions, *oddities)
        return ImageInfo(path, self.format, *self.stored, self.mode, view.stereo, view.size, odd, cautions)


def _several(image: Image.Image) -> list[str]:
    """To count them can take long."""
    several = getattr(image, "is_animated", False)
    return ["holds several pictures (frames, pages or views); the first is used"] if several else []

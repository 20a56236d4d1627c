"""Reading a still 360° image."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from atsal.errors import MediaError
from atsal.untrusted.files import check_readable
from atsal.video.stereo import SMALL_HEIGHT, StereoChoice, StereoLayout, choose_view

# Pillow refuses more than 179 million pixels; a panorama of 28,000x14,000 is real, a thousand times that is an attack.
MAX_PIXELS = 400_000_000
_limit_lock = threading.Lock()

_ON_ITS_SIDE = range(5, 9)  # values of the EXIF orientation
_SIXTEEN_BIT_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def read_image(path: Path | str, *, stereo: StereoChoice = "auto") -> NDArray[np.uint8]:
    """Read an image's (left) 360° view as (H, W, 3) uint8 RGB.

    Turned as its EXIF orientation says; grey, palette and 16-bit images are converted; transparent pixels are laid
    over black.

    Raises:
        MediaError: missing, empty, not an image, cut off, of more than 400 million pixels, or not a 360° view
            (see `choose_view`).
        ConfigError: `stereo` is not a layout.

    """
    path = Path(path)
    check_readable(path, "image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own limit and its remarks on untidy metadata
            with _open(path) as image:
                return _left_view(path, image, stereo)
    except (Image.DecompressionBombError, MemoryError) as error:
        raise MediaError(f"{path}: has too many pixels to read ({error}); scale it down first.") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        # Pillow tells a cut-off or damaged file by any of these, depending on the format.
        raise MediaError(
            f"{path}: cannot be read as an image ({error}); expected a complete JPEG, PNG, TIFF, WebP or BMP. Check "
            "that it opens elsewhere, or copy it again."
        ) from error


@dataclass(frozen=True)
class ImageInfo:
    """An image's facts, sizes in pixels; `eye_size` is the (width, height) of the view that is used."""

    path: Path
    width: int  # as stored
    height: int
    mode: str  # Pillow's name of the pixel format
    stereo: StereoLayout
    eye_size: tuple[int, int]
    oddities: tuple[str, ...]  # sentences for people


def probe_image(path: Path | str, *, stereo: StereoChoice = "auto") -> ImageInfo:
    """Look at an image: its header, and its pixels as proof that it decodes. Raises what `read_image` raises."""
    path = Path(path)
    height, width = read_image(path, stereo=stereo).shape[:2]
    with _open(path) as image:
        stored, mode, turned = image.size, image.mode, _turned_size(image)
    view = choose_view(path, *turned, stereo)
    odd = []
    if view.width != 2 * view.height:
        odd.append(f"the view is {view.width}x{view.height}, not exactly 2:1")
    if view.stereo != "mono":
        odd.append(f"two views, {view.stereo}, judged by the shape {turned[0]}x{turned[1]}; the left is used")
    if turned != stored:
        odd.append("turned on its side by its EXIF orientation, which is followed")
    if mode not in ("RGB", "L"):
        odd.append(f"stored as {mode}; 8-bit RGB is used")
    if height < SMALL_HEIGHT:
        odd.append(f"only {height} pixels high, lower than most models work at")
    return ImageInfo(path, *stored, mode, view.stereo, (width, height), tuple(odd))


def image_layout(path: Path, *, stereo: StereoChoice = "auto") -> StereoLayout:
    """The layout of the views of an image that can be read, by its header."""
    with _open(path) as image:
        return choose_view(path, *_turned_size(image), stereo).stereo


def _turned_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) as `ImageOps.exif_transpose` makes them, without the pixels."""
    width, height = image.size
    on_its_side = image.getexif().get(ExifTags.Base.Orientation, 1) in _ON_ITS_SIDE
    return (height, width) if on_its_side else (width, height)


@contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    # Only the header is read at opening, and only there does Pillow check its limit: put it back at once.
    with _limit_lock:
        previous, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, MAX_PIXELS
        try:
            image = Image.open(path)
        finally:
            Image.MAX_IMAGE_PIXELS = previous
    with image:
        yield image


def _left_view(path: Path, image: Image.Image, stereo: StereoChoice) -> NDArray[np.uint8]:
    if image.width * image.height > MAX_PIXELS:
        raise MediaError(
            f"{path}: has {image.width}x{image.height} pixels; at most {MAX_PIXELS // 1_000_000} million are read. "
            "Scale it down first."
        )
    turned = ImageOps.exif_transpose(image)
    view = choose_view(path, turned.width, turned.height, stereo)
    return np.array(_to_rgb(turned))[: view.height, : view.width]


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _SIXTEEN_BIT_MODES:
        # Pillow would clip at 255 instead of taking the upper eight bits.
        levels = np.asarray(image).astype(np.int64)
        return Image.fromarray((levels.clip(0, 0xFFFF) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        levels_f = np.nan_to_num(np.asarray(image), posinf=1.0)
        return Image.fromarray((levels_f.clip(0, 1) * 255 + 0.5).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, (0, 0, 0, 255))
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("RGB")
    return image.convert("RGB")

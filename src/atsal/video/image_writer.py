"""One saliency map or picture as a file or as its bytes: `.npy` as float32, `.png` in 8 or 16 bits.

A file is complete or not there at all.
"""

import io
import math
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from atsal.errors import ConfigError, MediaError, ShapeError
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.untrusted.pictures import open_picture
from atsal.video.isolation import isolatable

_SOFTWARE = "atsal"


def write_map_npy(path: Path, saliency: NDArray[np.floating]) -> None:
    """Write a saliency map (h, w), finite and >= 0, as a float32 `.npy`; replace an existing file.

    Raises ShapeError for another array, and OutputError where the file cannot be written.
    """
    _write(path, npy_bytes(saliency))  # numpy, writing to a file itself, does not report a full disk


def npy_bytes(saliency: NDArray[np.floating]) -> bytes:
    """Return what `write_map_npy` writes; raise ShapeError for another array."""
    buffer = io.BytesIO()
    np.save(buffer, check_map(saliency), allow_pickle=False)
    return buffer.getvalue()


def write_map_png(
    path: Path, saliency: NDArray[np.floating], bits: Literal[8, 16] = 8, peak: float | None = None
) -> None:
    """Write a saliency map (h, w), finite and >= 0, as a grey PNG; replace an existing file.

    `bits` per pixel are 8 (0 to 255) or 16 (0 to 65535). `peak` is the value written as full scale; greater ones are
    cut off. By default it is the map's own maximum, so that brightness is not comparable between maps. A map of zeros
    stays zero. Raises ConfigError for `bits` or `peak` out of range, and what `write_map_npy` raises.
    """
    _write(path, map_png_bytes(saliency, bits, peak))


def map_png_bytes(saliency: NDArray[np.floating], bits: Literal[8, 16] = 8, peak: float | None = None) -> bytes:
    """Return what `write_map_png` writes; raise what it raises for its arguments."""
    if bits not in (8, 16):
        raise ConfigError(f"bits is {bits}; expected 8 or 16")
    if peak is not None and not (math.isfinite(peak) and peak > 0):
        raise ConfigError(f"peak is {peak}; expected a finite value greater than 0")
    values = check_map(saliency).astype(np.float64)
    scale = peak if peak is not None else float(values.max())
    levels = np.rint(np.clip(values / scale, 0, 1) * ((1 << bits) - 1)) if scale > 0 else np.zeros_like(values)
    return _png_bytes(levels.astype(np.uint8 if bits == 8 else np.uint16))


def write_rgb_png(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an (H, W, 3) uint8 RGB image as a PNG that names atsal as its software; replace an existing file.

    Raises ShapeError for another array, and OutputError where the file cannot be written.
    """
    _write(path, rgb_png_bytes(image))


def rgb_png_bytes(image: NDArray[np.uint8]) -> bytes:
    """Return what `write_rgb_png` writes; raise ShapeError for another array."""
    check_rgb(image)
    metadata = PngInfo()
    metadata.add_text("Software", _SOFTWARE)
    return _png_bytes(image, metadata)


@isolatable
def is_own_picture(path: Path) -> bool:
    """Return whether `write_rgb_png` wrote the file."""
    try:
        with open_picture(path) as image:
            return image.info.get("Software") == _SOFTWARE
    except MediaError:
        return False


def check_rgb(image: NDArray[np.uint8]) -> None:
    """Raise ShapeError unless `image` is (H, W, 3) uint8."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ShapeError(f"the image is {image.dtype} of shape {image.shape}; expected uint8 of shape (H, W, 3), RGB")


def check_map(saliency: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return a saliency map as float32; raise ShapeError unless it is (h, w), floating point, finite and >= 0."""
    if saliency.ndim != 2 or not saliency.size or not np.issubdtype(saliency.dtype, np.floating):
        raise ShapeError(
            f"the saliency map is {saliency.dtype} of shape {saliency.shape}; expected floating point of shape (h, w)"
        )
    lowest, highest = float(saliency.min()), float(saliency.max())
    if not (math.isfinite(lowest) and math.isfinite(highest) and lowest >= 0):
        raise ShapeError(f"the saliency map has values from {lowest} to {highest}; expected finite ones, 0 or more")
    return saliency.astype(np.float32, copy=False)


def _png_bytes(levels: NDArray[np.uint8 | np.uint16], metadata: PngInfo | None = None) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, format="PNG", pnginfo=metadata)
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    with output_errors(path), atomic_file(path) as part:
        part.write_bytes(content)

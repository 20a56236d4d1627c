"""Convert the pixels of an open picture to 8-bit RGB: grey, palettes, 16 bits, floating point, transparency.

Pillow holds a picture at 4 bytes a pixel. It is converted in strips of rows, so that only the result takes more memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from atsal.errors import MediaError

Pixels = NDArray[np.uint8]

_SIDEWAYS = range(5, 9)  # EXIF orientations that swap width and height
_STRIP_PIXELS = 1 << 20  # also below any limit that a program may have set in Pillow, which crops obey
_MAX_16_BITS = 65535.0
_WHITE_VALUES = {"F": (1.0, 255.0, _MAX_16_BITS), "I": (255.0, _MAX_16_BITS)}  # by Pillow's mode, which does not say it
_SINGLE_CHANNEL_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")  # of more than 8 bits
_MAX_OUTSIDE = 0.01  # share of values that may lie outside the range: overshoot, lamps, the sun
_MIN_BRIGHT = 0.001  # a picture is nearly black if a smaller share of values is above the dark level
_DARK_LEVEL = 16  # of 256
_MAX_TRANSPARENT = 0.999  # share of pixels; above it, nothing is left to see


@dataclass(frozen=True)
class RgbPixels:
    """Pixels (H, W, 3) uint8, and sentences on what people should know about their conversion."""

    pixels: Pixels
    remarks: tuple[str, ...] = ()


def may_have_remarks(image: Image.Image) -> bool:
    """Return whether converting this picture may give remarks; plain 8-bit pictures never give any."""
    return image.mode in _SINGLE_CHANNEL_MODES or image.has_transparency_data or has_16_bit_channels(image)


def has_16_bit_channels(image: Image.Image) -> bool:
    """Return whether a picture of several channels has 16 bits in each, of which Pillow reads the upper 8.

    Ask before the picture is loaded.
    """
    tiles = getattr(image, "tile", [])
    return image.mode not in _SINGLE_CHANNEL_MODES and any(";16" in str(tile[3]) for tile in tiles)


def upright_pixels(image: Image.Image, name: str, *, has_16_bits: bool) -> RgbPixels:
    """Decode and convert a picture, and turn it as its EXIF orientation says.

    `has_16_bits` is what `has_16_bit_channels` returned. Transparent pixels are laid over black. Raises MediaError,
    which names the picture as `name`, where values are NaN or infinite, lie in no range that pictures have, or would
    be nearly black in 8 bits, and where nearly every pixel is transparent.
    """
    if image.mode in _SINGLE_CHANNEL_MODES:
        white, remarks = _choose_white(image, name)
        pixels = _convert(image, lambda strip: _to_levels(strip, white))
    elif image.has_transparency_data:
        remarks = _transparency_remarks(image, name)
        pixels = _convert(image, _over_black)
    else:
        pixels = _convert(image, lambda strip: np.asarray(strip.convert("RGB")))
        remarks = _depth_remarks(pixels, name) if has_16_bits else ()
    return RgbPixels(_turn_upright(pixels, read_orientation(image)), remarks)


def read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation that is left to apply: 1, upright, for a TIFF that Pillow has turned already."""
    found = image.getexif().get(ExifTags.Base.Orientation, 1)
    return found if isinstance(found, int) else 1


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Return (width, height) after the EXIF orientation is applied."""
    return (size[1], size[0]) if orientation in _SIDEWAYS else size


def scale_image(image: Pixels, size: tuple[int, int]) -> Pixels:
    """Scale a picture (H, W, 3) to (width, height), as frames of a video are: by area average, or enlarged bicubically.

    An image of that size is returned as it is.
    """
    if (image.shape[1], image.shape[0]) == size:
        return image
    reduces = size[0] <= image.shape[1] and size[1] <= image.shape[0]
    method = Image.Resampling.BOX if reduces else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(image).resize(size, method))


def _turn_upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and mirror pixels by the EXIF orientation (1 to 8; anything else leaves them as they are)."""
    if orientation in _SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    image.load()  # this turns a TIFF: its size may be another one from here on
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _convert(image: Image.Image, convert: Callable[[Image.Image], Pixels]) -> Pixels:
    """Convert strips of rows, each to (h, W, 3) or (h, W, 1), into one picture."""
    image.load()
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top, strip in _strips(image):
        pixels[top : top + strip.height] = convert(strip)
    return pixels


def _over_black(strip: Image.Image) -> Pixels:
    opaque = Image.new("RGBA", strip.size, (0, 0, 0, 255))
    opaque.alpha_composite(strip.convert("RGBA"))
    return np.asarray(opaque.convert("RGB"))


def _transparency_remarks(image: Image.Image, name: str) -> tuple[str, ...]:
    clear = sum(int((np.asarray(s.convert("RGBA").getchannel("A")) < 128).sum()) for _, s in _strips(image))
    share = clear / (image.width * image.height)
    if share > _MAX_TRANSPARENT:
        raise MediaError(
            f"{name}: is transparent in {share:.1%} of its pixels, so it would be black; expected a picture without "
            "transparency. Save it without its alpha channel."
        )
    return (f"{share:.1%} of its pixels are transparent and taken as black",) if share else ()


def _depth_remarks(pixels: Pixels, name: str) -> tuple[str, ...]:
    brightest = pixels.max()
    if brightest >= _DARK_LEVEL:
        return ()
    if pixels.min() < brightest:
        raise _dark_error(name, f"no value above {(int(brightest) + 1) * 256} of 65535")
    return ("all its 16-bit values are one in the upper 8 bits, which are used: it may hold values of 8 bits only",)


def _dark_error(name: str, found: str) -> MediaError:
    return MediaError(
        f"{name}: has {found}, so it would be nearly black in 8 bits; expected values over the whole range. Scale them "
        "to it (8, 10 and 12 bits are often stored in 16 as they are), tone-map light values, or save it with 8 bits."
    )


def _to_levels(strip: Image.Image, white: float) -> Pixels:
    """Return the grey levels of a strip, (h, W, 1) uint8, from black, 0, to `white`."""
    values = np.asarray(strip)[..., None]
    if strip.mode == "F":
        return (values.clip(0, white) * np.float32(255 / white) + np.float32(0.5)).astype(np.uint8)
    return (values.clip(0, int(white)) >> (8 if white == _MAX_16_BITS else 0)).astype(np.uint8)


def _choose_white(image: Image.Image, name: str) -> tuple[float, tuple[str, ...]]:
    """Return the value that is white, and a remark if the mode does not imply it; raise MediaError if none fits."""
    whites = _WHITE_VALUES.get(image.mode, (_MAX_16_BITS,))
    low, high, negative, not_finite = np.inf, -np.inf, 0, 0
    counts = np.zeros((2, len(whites)), np.int64)  # of values above each white, and above its dark level
    for _, strip in _strips(image):
        values = np.asarray(strip)
        not_finite += values.size - int(np.isfinite(values).sum())
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        negative += int((values < 0).sum())
        counts += [[int((values > white * part).sum()) for white in whites] for part in (1, _DARK_LEVEL / 256)]
    total = image.width * image.height
    if not_finite:
        found = f"{not_finite} of its {total} values are NaN or infinite"
        raise MediaError(f"{name}: {found}; expected finite numbers. Replace them first.")
    above, bright = counts / total
    fitting = np.flatnonzero(above <= _MAX_OUTSIDE)
    if negative / total > _MAX_OUTSIDE or not len(fitting):
        ranges = " or ".join(f"0 to {white:g}" for white in whites)
        raise MediaError(
            f"{name}: its values run from {low:g} to {high:g}; expected {ranges}. Scale them to one of these, or "
            "save the picture with 8 bits."
        )
    white, outside = whites[fitting[0]], above[fitting[0]] + negative / total
    if bright[fitting[0]] <= _MIN_BRIGHT and low < high:
        raise _dark_error(name, f"values from {low:g} to {high:g}, hardly one above {white / 16:.3g} of {white:g}")
    cut = f"; {outside:.2%} of them lie outside and are cut" if outside else ""
    remark = f"its values run from {low:g} to {high:g}; taken as 0 (black) to {white:g} (white){cut}"
    return white, (remark,) if image.mode in _WHITE_VALUES else ()

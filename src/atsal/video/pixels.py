"""The pixels of an open picture as 8-bit RGB, whatever it stores: grey, palettes, 16 bits, numbers, transparency.

Pillow holds a picture at 4 bytes a pixel. It is converted in strips of rows, so that nothing of its size is made but
the result.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from atsal.errors import MediaError

Pixels = NDArray[np.uint8]
Converter = Callable[[Image.Image], Pixels]  # a strip of rows -> (H, W, 3 or 1)

_ON_ITS_SIDE = range(5, 9)  # values of the EXIF orientation
_STRIP_PIXELS = 1 << 20  # also below any limit that a program may have set in Pillow, which crops obey
_FULL_16 = 65535.0
_TOPS = {"F": (1.0, 255.0, _FULL_16), "I": (255.0, _FULL_16)}  # what white may be, in pictures that do not say it
_WIDE = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_OUTSIDE = 0.01  # share of values that may lie outside the range: overshoot, lamps, the sun
_BRIGHT = 0.001  # share of values above a 16th of the range below which a picture is nearly black
_DARK_LEVEL = 16  # of 256
_HIDDEN = 0.999  # share of transparent pixels above which nothing is left to see


@dataclass(frozen=True)
class Converted:
    """Pixels (H, W, 3) uint8, and what people should know about how they came about."""

    pixels: Pixels
    remarks: tuple[str, ...] = ()


def needs_remarks(image: Image.Image) -> bool:
    """Whether converting this picture may bring remarks: those of plain 8-bit pictures never do."""
    return image.mode in _WIDE or image.has_transparency_data or is_deep(image)


def is_deep(image: Image.Image) -> bool:
    """Whether a picture of several channels has 16 bits in each, of which Pillow reads the upper 8 (before loading)."""
    return image.mode not in _WIDE and any(";16" in str(tile[3]) for tile in getattr(image, "tile", []))


def rgb_pixels(image: Image.Image, name: str, *, deep: bool) -> Converted:
    """Decode and convert, as stored: not turned as EXIF says. Transparent pixels are laid over black.

    `deep` is what `is_deep` said before the picture was loaded.

    Raises:
        MediaError: values are NaN or infinite, lie in no range that pictures have, or would be nearly black in 8
            bits; nearly every pixel is transparent. The message names the picture as `name`.

    """
    if image.mode in _WIDE:
        scale = _Scale.of(image, name)
        return Converted(_gathered(image, scale.levels), scale.remarks())
    if image.has_transparency_data:
        remarks = _transparency(image, name)
        return Converted(_gathered(image, _over_black), remarks)
    pixels = _gathered(image, lambda strip: np.asarray(strip.convert("RGB")))
    return Converted(pixels, _depth(pixels, name) if deep else ())


def upright_pixels(image: Image.Image, name: str, *, deep: bool) -> Converted:
    """`rgb_pixels`, turned and mirrored as EXIF says."""
    found = rgb_pixels(image, name, deep=deep)
    return Converted(upright(found.pixels, orientation_of(image)), found.remarks)


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Pixels turned and mirrored by the EXIF orientation (1 to 8; anything else leaves them as they are)."""
    if orientation in _ON_ITS_SIDE:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation that is left to apply: 1, upright, for a TIFF whose pixels Pillow has turned already."""
    found = image.getexif().get(ExifTags.Base.Orientation, 1)
    return found if isinstance(found, int) else 1


def turned_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """(width, height) after `upright`."""
    return (size[1], size[0]) if orientation in _ON_ITS_SIDE else size


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    image.load()  # of a TIFF, this turns it: its size may be another one from here on
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _gathered(image: Image.Image, convert: Converter) -> Pixels:
    image.load()
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top, strip in _strips(image):
        pixels[top : top + strip.height] = convert(strip)
    return pixels


def _over_black(strip: Image.Image) -> Pixels:
    opaque = Image.new("RGBA", strip.size, (0, 0, 0, 255))
    opaque.alpha_composite(strip.convert("RGBA"))
    return np.asarray(opaque.convert("RGB"))


def _transparency(image: Image.Image, name: str) -> tuple[str, ...]:
    clear = sum(int((np.asarray(s.convert("RGBA").getchannel("A")) < 128).sum()) for _, s in _strips(image))
    share = clear / (image.width * image.height)
    if share > _HIDDEN:
        raise MediaError(
            f"{name}: is transparent in {share:.1%} of its pixels, so it would be black; expected a picture without "
            "transparency. Save it without its alpha channel."
        )
    return (f"{share:.1%} of its pixels are transparent and taken as black",) if share else ()


def _depth(pixels: Pixels, name: str) -> tuple[str, ...]:
    peak = pixels.max()
    if peak >= _DARK_LEVEL:
        return ()
    if pixels.min() < peak:
        raise MediaError(_dark_message(name, f"no value above {(int(peak) + 1) * 256} of 65535"))
    return ("all its 16-bit values are one in the upper 8 bits, which are used: it may hold values of 8 bits only",)


def _dark_message(name: str, found: str) -> str:
    return (
        f"{name}: has {found}, so it would be nearly black in 8 bits; expected values over the whole range. Scale them "
        "to it (8, 10 and 12 bits are often stored in 16 as they are), tone-map light values, or save it with 8 bits."
    )


@dataclass(frozen=True)
class _Scale:
    """How the values of a picture of wide numbers become 8-bit levels: from black, 0, to white, `top`."""

    kind: str
    top: float
    low: float  # its values run from here
    high: float  # to here
    clipped: float  # share of them outside 0 to `top`

    @classmethod
    def of(cls, image: Image.Image, name: str) -> "_Scale":
        """The scale of a picture by all its values; raises MediaError where there is none."""
        kind = image.mode
        tops = _TOPS.get(kind, (_FULL_16,))
        low, high, counts, negative, odd = np.inf, -np.inf, np.zeros((2, len(tops)), np.int64), 0, 0
        for _, strip in _strips(image):
            values = np.asarray(strip)
            odd += values.size - int(np.isfinite(values).sum()) if kind == "F" else 0
            low, high = min(low, float(values.min())), max(high, float(values.max()))
            negative += int((values < 0).sum())
            counts += [[int((values > top * part).sum()) for top in tops] for part in (1, _DARK_LEVEL / 256)]
        total = image.width * image.height
        if odd:
            raise MediaError(
                f"{name}: {odd} of its {total} values are NaN or infinite; expected finite numbers. Replace them first."
            )
        above, bright = counts / total
        fitting = np.flatnonzero(above <= _OUTSIDE)
        ranges = " or ".join(f"0 to {top:g}" for top in tops)
        if negative / total > _OUTSIDE or not len(fitting):
            raise MediaError(
                f"{name}: its values run from {low:g} to {high:g}; expected {ranges}. Scale them to one of these, or "
                "save the picture with 8 bits."
            )
        chosen = int(fitting[0])
        if bright[chosen] <= _BRIGHT and low < high:
            found = f"values from {low:g} to {high:g}, hardly one above {tops[chosen] / 16:.3g} of {tops[chosen]:g}"
            raise MediaError(_dark_message(name, found))
        return cls(kind, tops[chosen], low, high, above[chosen] + negative / total)

    def levels(self, strip: Image.Image) -> Pixels:
        """The grey levels of a strip, (H, W, 1) uint8."""
        values = np.asarray(strip)
        if self.kind == "F":
            found = (values.clip(0, self.top) * np.float32(255 / self.top) + np.float32(0.5)).astype(np.uint8)
        else:
            found = (values.clip(0, int(self.top)) >> (8 if self.top == _FULL_16 else 0)).astype(np.uint8)
        return found[..., None]

    def remarks(self) -> tuple[str, ...]:
        """What was made of the values, where the picture does not say it itself."""
        if self.kind not in _TOPS:
            return ()
        cut = f"; {self.clipped:.2%} of them lie outside and are cut" if self.clipped else ""
        return (f"its values run from {self.low:g} to {self.high:g}; taken as 0 (black) to {self.top:g} (white){cut}",)


def scaled(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) scaled to (width, height), as frames of a video are."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    reduces = size[0] <= image.shape[1] and size[1] <= image.shape[0]
    how = Image.Resampling.BOX if reduces else Image.Resampling.BICUBIC  # as for video: area average, or bicubic
    return np.asarray(Image.fromarray(image).resize(size, how))

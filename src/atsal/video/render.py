"""Draw maps as pictures: colours, overlays, labelled panels and contact sheets. All images are (H, W, 3) uint8 RGB."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from atsal.video.colormaps import COLORMAPS

Picture = NDArray[np.uint8]
SavedMap = NDArray[np.float32]

PEAK_MEMORY = 0.95  # the share of the shown peak that stays at the next frame
_BAND_ROWS = 64  # drawn at once: copies of whole frames would cost memory and time
_MIN_PEAK = 1e-12


class PeakTracker:
    """The value shown as full brightness, which follows the maps slowly so that a video does not flicker."""

    def __init__(self, memory: float = PEAK_MEMORY) -> None:
        self._memory = memory
        self._peak: float | None = None

    def update(self, saliency: SavedMap) -> float:
        """Take in a frame's map and return the peak to show it with: > 0, even for a map of zeros."""
        current = float(saliency.max())
        self._peak = current if self._peak is None else self._memory * self._peak + (1 - self._memory) * current
        return max(self._peak, _MIN_PEAK)


def grey_map(saliency: SavedMap, peak: float, size: tuple[int, int]) -> Picture:
    """Draw the map in grey, at (width, height)."""
    return np.asarray(_grey_levels(saliency, peak, size).convert("RGB"))


def map_levels(saliency: SavedMap, peak: float) -> NDArray[np.uint8]:
    """Return the map over its peak, cut at 1, in levels from 0 to 255."""
    levels: NDArray[np.uint8] = (np.clip(saliency / max(peak, _MIN_PEAK), 0, 1) * 255 + 0.5).astype(np.uint8)
    return levels


def colour_table(colormap: str) -> Picture:
    """Return the colours of a map in `COLORMAPS`, from the lowest value to the highest, (256, 3) uint8."""
    stops = np.array(COLORMAPS[colormap])
    at, stops_at = np.linspace(0, 1, 256), np.linspace(0, 1, len(stops))
    return np.stack([np.interp(at, stops_at, channel) for channel in stops.T], -1).astype(np.uint8)


def overlay(image: Picture, saliency: SavedMap, peak: float, colours: Picture, opacity: float) -> Picture:
    """Draw the map in colours (256, 3) over the image: opaque by `opacity` at the peak, in proportion below it."""
    height, width = image.shape[:2]
    levels = _grey_levels(saliency, peak, (width, height))
    shares = levels.point([int(value * opacity) for value in range(256)])
    levels.putpalette(colours.tobytes())
    drawn = np.empty_like(image)
    for top in range(0, height, _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, height)
        band, mask = (picture.crop((0, top, width, bottom)) for picture in (levels, shares))
        blended = Image.composite(band.convert("RGB"), Image.fromarray(image[top:bottom]), mask)
        drawn[top:bottom] = np.asarray(blended)
    return drawn


def draw_legend(image: Picture, colours: Picture, opacity: float, low: str, high: str) -> None:
    """Draw the colours from `low` to `high` into the lower left corner, as `overlay` shows them over grey."""
    size = max(12, image.shape[0] // 32)
    font = ImageFont.load_default(size)
    ramp = np.tile(np.linspace(0, 1, 9 * size, dtype=np.float32), (size, 1))
    bar = Image.fromarray(overlay(np.full((*ramp.shape, 3), 128, np.uint8), ramp, 1.0, colours, opacity))
    widths = [int(font.getlength(text)) + size for text in (low, high)]
    box = Image.new("RGB", (widths[0] + bar.width + widths[1], 2 * size))
    draw = ImageDraw.Draw(box)
    draw.text((size // 2, size), low, fill=(255, 255, 255), font=font, anchor="lm")
    box.paste(bar, (widths[0], size // 2))
    draw.text((widths[0] + bar.width + size // 2, size), high, fill=(255, 255, 255), font=font, anchor="lm")
    height, width = min(box.height, image.shape[0]), min(box.width, image.shape[1])
    image[-height:, :width] = np.asarray(box)[:height, :width]


def add_label(image: Picture, text: str) -> Picture:
    """Write `text` on a copy, in the upper left corner."""
    picture = Image.fromarray(image)
    size = max(12, image.shape[0] // 16)
    font = ImageFont.load_default(size)
    draw = ImageDraw.Draw(picture)
    position = (size // 2, size // 3)
    left, top, right, bottom = draw.textbbox(position, text, font=font)
    pad = size // 4
    draw.rectangle((left - pad, top - pad, right + pad, bottom + pad), fill=(0, 0, 0))
    draw.text(position, text, fill=(255, 255, 255), font=font)
    return np.asarray(picture)


def resize(image: Picture, size: tuple[int, int]) -> Picture:
    """Scale an image smoothly to (width, height), for people to look at; frames for a model use `scale_image`."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def tile(pictures: Sequence[Picture], columns: int, gap: int = 0) -> Picture:
    """Put pictures of one size side by side, `columns` in a row, with `gap` white pixels between them."""
    padded = [np.pad(picture, ((0, gap), (0, gap), (0, 0)), constant_values=255) for picture in pictures]
    rows = [np.concatenate(padded[i : i + columns], axis=1) for i in range(0, len(padded), columns)]
    whole = np.concatenate(rows, axis=0)
    return whole[: len(whole) - gap, : whole.shape[1] - gap]


def _grey_levels(saliency: SavedMap, peak: float, size: tuple[int, int]) -> Image.Image:
    """Return the map over its peak, cut at 1, as an 8-bit grey image of (width, height) without a seam at ±180°."""
    levels = map_levels(saliency, peak)
    height, width = levels.shape
    if (width, height) == size:
        return Image.fromarray(levels)
    margin = 2
    wrapped = np.pad(levels, ((0, 0), (margin, margin)), mode="wrap")
    return Image.fromarray(wrapped).resize(size, Image.Resampling.BILINEAR, box=(margin, 0, margin + width, height))

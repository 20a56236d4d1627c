"""Maps as pictures: colours, overlays, labelled panels and contact sheets. All images are (H, W, 3) uint8 RGB."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
SavedMap = NDArray[np.float32]

# dark violet to pale yellow, evenly rising in lightness
_STOPS = np.array(
    [
        [0, 0, 4],
        [31, 12, 72],
        [85, 15, 109],
        [136, 34, 106],
        [186, 54, 85],
        [227, 89, 51],
        [249, 140, 10],
        [249, 201, 50],
        [252, 255, 164],
    ],
    dtype=np.float64,
)
_AT = np.linspace(0, 1, len(_STOPS))
COLOURS: Picture = np.stack(
    [np.interp(np.linspace(0, 1, 256), _AT, _STOPS[:, channel]) for channel in range(3)], axis=-1
).astype(np.uint8)
STRONGEST = 0.75  # opacity of the colour where the map is at its peak
_BAND = 64  # rows that are drawn at once: copies of whole frames would cost memory and time


class PeakTracker:
    """The value shown as full brightness, followed slowly so that a video does not flicker."""

    def __init__(self, memory: float = 0.95) -> None:
        self._memory = memory
        self._peak: float | None = None

    def update(self, saliency: SavedMap) -> float:
        """Take in a frame's map and return the peak to show it with: > 0, even for a map of zeros."""
        current = float(saliency.max())
        self._peak = current if self._peak is None else self._memory * self._peak + (1 - self._memory) * current
        return max(self._peak, 1e-12)


def levels(saliency: SavedMap, peak: float, size: tuple[int, int]) -> Image.Image:
    """Give the map over its peak, cut at 1, as an 8-bit grey image of (width, height), no seam at the ±180° border."""
    scaled = (np.clip(saliency / max(peak, 1e-12), 0, 1) * 255 + 0.5).astype(np.uint8)
    if (scaled.shape[1], scaled.shape[0]) == size:
        return Image.fromarray(scaled)
    margin = 2
    wrapped = np.concatenate([scaled[:, -margin:], scaled, scaled[:, :margin]], axis=1)
    box = (margin, 0, margin + scaled.shape[1], scaled.shape[0])
    return Image.fromarray(wrapped).resize(size, Image.Resampling.BILINEAR, box=box)


def grey(saliency: SavedMap, peak: float, size: tuple[int, int]) -> Picture:
    """Draw the map in grey, at (width, height)."""
    return np.asarray(levels(saliency, peak, size).convert("RGB"))


def overlay(image: Picture, saliency: SavedMap, peak: float) -> Picture:
    """Draw the map's colours over the image, the more opaque the higher the map."""
    height, width = image.shape[:2]
    level = levels(saliency, peak, (width, height))
    opacity = level.point([int(value * STRONGEST) for value in range(256)])
    level.putpalette(COLOURS.tobytes())
    drawn = np.empty_like(image)
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        colours, share = (picture.crop((0, top, width, bottom)) for picture in (level, opacity))
        band = Image.composite(colours.convert("RGB"), Image.fromarray(image[top:bottom]), share)
        drawn[top:bottom] = np.asarray(band)
    return drawn


def label(image: Picture, text: str) -> Picture:
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
    """Scale the image to (width, height), averaged when it shrinks."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def tile(pictures: Sequence[Picture], columns: int) -> Picture:
    """Pictures of one size side by side, `columns` in a row."""
    rows = [np.concatenate(list(pictures[i : i + columns]), axis=1) for i in range(0, len(pictures), columns)]
    return np.concatenate(rows, axis=0)


def comparison(image: Picture, maps: dict[str, tuple[SavedMap, float]], size: tuple[int, int]) -> Picture:
    """Show the source, and each (map, peak) in colours over it: labelled panels of (width, height), two in a row."""
    source = resize(image, size)
    panels = [label(source, "source")]
    panels += [label(overlay(source, saliency, peak), name) for name, (saliency, peak) in maps.items()]
    return tile(panels, 2)

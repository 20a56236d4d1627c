"""Draw maps as pictures: colours, overlays, labelled panels and contact sheets. All images are (H, W, 3) uint8 RGB."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
SavedMap = NDArray[np.float32]

# Dark violet to pale yellow, evenly rising in lightness: nine RGB colours, the same distance apart.
_STOPS = np.array([*bytes.fromhex("000004 1f0c48 550f6d 88226a ba3655 e35933 f98c0a f9c932 fcffa4")]).reshape(-1, 3)
_POSITIONS, _STOP_POSITIONS = np.linspace(0, 1, 256), np.linspace(0, 1, len(_STOPS))
COLOURS: Picture = np.stack([np.interp(_POSITIONS, _STOP_POSITIONS, channel) for channel in _STOPS.T], -1).astype(
    np.uint8
)
MAX_OPACITY = 0.75  # of the colour where the map is at its peak
_BAND_ROWS = 64  # drawn at once: copies of whole frames would cost memory and time
_MIN_PEAK = 1e-12


class PeakTracker:
    """The value shown as full brightness, which follows the maps slowly so that a video does not flicker."""

    def __init__(self, memory: float = 0.95) -> None:
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


def overlay(image: Picture, saliency: SavedMap, peak: float) -> Picture:
    """Draw the map's colours over the image, the more opaque the higher the map."""
    height, width = image.shape[:2]
    levels = _grey_levels(saliency, peak, (width, height))
    opacity = levels.point([int(value * MAX_OPACITY) for value in range(256)])
    levels.putpalette(COLOURS.tobytes())
    drawn = np.empty_like(image)
    for top in range(0, height, _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, height)
        colours, mask = (picture.crop((0, top, width, bottom)) for picture in (levels, opacity))
        band = Image.composite(colours.convert("RGB"), Image.fromarray(image[top:bottom]), mask)
        drawn[top:bottom] = np.asarray(band)
    return drawn


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
    """Put pictures of one size side by side, `columns` in a row, with `gap` white pixels between the columns."""
    padded = [np.pad(picture, ((0, 0), (0, gap), (0, 0)), constant_values=255) for picture in pictures]
    rows = [np.concatenate(padded[i : i + columns], axis=1) for i in range(0, len(padded), columns)]
    return np.concatenate(rows, axis=0)[:, : rows[0].shape[1] - gap]


def comparison(image: Picture, maps: dict[str, tuple[SavedMap, float]], size: tuple[int, int]) -> Picture:
    """Show the source, and each (map, peak) in colours over it: labelled panels of (width, height), two in a row."""
    source = resize(image, size)
    panels = [add_label(source, "source")]
    panels += [add_label(overlay(source, saliency, peak), name) for name, (saliency, peak) in maps.items()]
    return tile(panels, 2)


def _grey_levels(saliency: SavedMap, peak: float, size: tuple[int, int]) -> Image.Image:
    """Return the map over its peak, cut at 1, as an 8-bit grey image of (width, height) without a seam at ±180°."""
    levels = (np.clip(saliency / max(peak, _MIN_PEAK), 0, 1) * 255 + 0.5).astype(np.uint8)
    height, width = levels.shape
    if (width, height) == size:
        return Image.fromarray(levels)
    margin = 2
    wrapped = np.pad(levels, ((0, 0), (margin, margin)), mode="wrap")
    return Image.fromarray(wrapped).resize(size, Image.Resampling.BILINEAR, box=(margin, 0, margin + width, height))

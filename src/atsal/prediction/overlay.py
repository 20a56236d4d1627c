"""Maps over their pictures: what an overlay looks like, and the function that draws one.

Importing this needs neither torch, numpy nor an image library.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atsal.config import suggest_name
from atsal.errors import ConfigError
from atsal.prediction.channels import Channels, reorder
from atsal.video.colormaps import COLORMAPS, DEFAULT_COLORMAP

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from atsal.video.render import Picture

DEFAULT_OPACITY = 0.75
_WHOLE_RATIO = 3  # from here on, the legend rounds to whole numbers


@dataclass(frozen=True)
class Overlay:
    """What an overlay looks like. `ConfigError` for an unknown colour map or an opacity outside [0, 1]."""

    colormap: str = DEFAULT_COLORMAP
    opacity: float = DEFAULT_OPACITY  # where the map is at its peak; in proportion to the map elsewhere
    legend: bool = False

    def __post_init__(self) -> None:
        """Check the values."""
        if self.colormap not in COLORMAPS:
            raise ConfigError(f"colormap {self.colormap!r}{suggest_name(str(self.colormap), COLORMAPS)}")
        if not 0 <= self.opacity <= 1:
            raise ConfigError(f"opacity {self.opacity}: expected 0 (invisible) to 1 (opaque at the peak)")

    def draw(self, image: "Picture", saliency: "NDArray[np.float32]", peak: float) -> "Picture":
        """Draw a map (h, w) over an image (H, W, 3) uint8 RGB; `peak` is the value shown in the last colour."""
        from atsal.video import render  # noqa: PLC0415

        colours = render.colour_table(self.colormap)
        drawn = render.overlay(image, saliency, peak, colours, self.opacity)
        if self.legend:
            render.draw_legend(drawn, colours, self.opacity, "predicted gaze: none", _peak_in_words(saliency, peak))
        return drawn


DEFAULT_OVERLAY = Overlay()


def overlay(
    image: "NDArray[np.uint8]",
    saliency: "NDArray[np.floating]",
    *,
    colormap: str = DEFAULT_COLORMAP,
    opacity: float = DEFAULT_OPACITY,
    legend: bool = False,
    peak: float | None = None,
    channels: Channels = "rgb",
) -> "Picture":
    """Draw a saliency map in colours over its image.

    Args:
        image: (H, W, 3) uint8.
        saliency: (h, w) >= 0, floating point, in any unit and of any size: it is scaled to the image.
        colormap: a name in `atsal.video.colormaps.COLORMAPS`.
        opacity: of the colours where the map is at its peak, 0 to 1. Elsewhere it is in proportion to the map.
        legend: whether to draw what the colours mean. It takes the map for one of the whole sphere (ERP).
        peak: the value shown in the last colour; by default the greatest of the map. Over a video, one value for all
            frames, or one that changes slowly (`atsal.video.render.PeakTracker`), does not flicker.
        channels: the order of the colours of `image` and of the result: "rgb", or "bgr" for OpenCV.

    Returns:
        (H, W, 3) uint8, a new image.

    Raises:
        ShapeError: an image or a map of another type or shape, or a map with values below 0, NaN or infinity.
        ConfigError: an unknown colour map or channel order, an opacity outside [0, 1], or a peak that is not above 0.

    """
    import numpy as np  # noqa: PLC0415 - late, as all in this module

    from atsal.video.image_writer import check_map, check_rgb  # noqa: PLC0415

    look = Overlay(colormap, opacity, legend)
    image, values = np.asarray(image), check_map(np.asarray(saliency))
    check_rgb(image)
    if peak is not None and not 0 < peak < math.inf:
        raise ConfigError(f"peak {peak}: expected a value of the map above 0; None: the greatest")
    shown = float(values.max()) if peak is None else peak
    return reorder(look.draw(reorder(image, channels), values, shown), channels)


def _peak_in_words(saliency: "NDArray[np.float32]", peak: float) -> str:
    """Say how much denser gaze is at the peak than if it were spread evenly over the sphere."""
    import numpy as np  # noqa: PLC0415

    from atsal.projection import solid_angle_weights  # noqa: PLC0415

    mean = float(np.average(saliency.mean(1), weights=solid_angle_weights(len(saliency)).numpy()[:, 0]))
    ratio = peak / mean if mean > 0 else 0.0
    return f"{ratio:.{0 if ratio >= _WHOLE_RATIO else 1}f} times the average"

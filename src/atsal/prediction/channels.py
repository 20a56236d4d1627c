"""The order of the colours in images that a program passes in: RGB, or BGR as OpenCV has them."""

from typing import TYPE_CHECKING, Literal, get_args

from atsal.config import suggest_name
from atsal.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Channels = Literal["rgb", "bgr"]


def reorder(image: "NDArray[np.uint8]", channels: Channels) -> "NDArray[np.uint8]":
    """Turn an image (H, W, 3) in this order into RGB, or one in RGB into this order. `ConfigError` for others."""
    if channels not in get_args(Channels):
        raise ConfigError(f"channels {channels!r}{suggest_name(channels, get_args(Channels))}")
    return image[..., ::-1].copy() if channels == "bgr" else image

"""The maps of one frame, and the checks of a frame before its prediction."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError, ShapeError
from atsal.prediction.options import check_seconds
from atsal.prediction.streams import ATTENTION, EXPERTS, FUSED
from atsal.video.reader import Frame
from atsal.video.stereo_layout import ASPECT_TOLERANCE, MIN_VIEW_HEIGHT
from atsal.video.timed_frames import MAX_ROUNDING_S

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FrameResult:
    """The maps of one frame."""

    frame_index: int
    timestamp_s: float
    maps: Mapping[str, Floats]  # (h, 2h) float32 >= 0, of each stream that was asked for
    image: NDArray[np.uint8]  # the frame as it was read, (H, 2H, 3) RGB

    @property
    def saliency(self) -> Floats | None:
        """The map of both streams fused; None where it was not asked for."""
        return self.maps.get(FUSED.name)

    @property
    def attention(self) -> Floats | None:
        """The map of the attention stream; None where it was not asked for."""
        return self.maps.get(ATTENTION.name)

    @property
    def experts(self) -> Floats | None:
        """The map of the expert stream; None where it was not asked for."""
        return self.maps.get(EXPERTS.name)

    def map(self, stream: str) -> Floats:
        """Return the map of a stream; raise `ConfigError` where it was not asked for."""
        if stream not in self.maps:
            raise ConfigError(f"stream {stream!r} was not asked for; found {', '.join(self.maps)}")
        return self.maps[stream]


def frame_time_s(frame: Frame) -> float:
    """Return the time of a frame. Rounding may put the first frame slightly before 0; that counts as 0."""
    time_s = 0.0 if -MAX_ROUNDING_S <= frame.timestamp_s < 0 else frame.timestamp_s
    check_seconds(time_s, f"frame {frame.index}: timestamp_s")
    return time_s


def check_erp_image(image: NDArray[np.uint8], name: str = "an image") -> None:
    """Raise `ShapeError` unless `image` is (H, W, 3) uint8 with W = 2H within 2 % and H >= 16."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ShapeError(f"{name} of {found}: expected an (H, W, 3) uint8 array, RGB")
    height, width = image.shape[:2]
    if height < MIN_VIEW_HEIGHT:
        raise ShapeError(f"{name} of {width}x{height} pixels: expected at least {MIN_VIEW_HEIGHT} rows")
    if abs(width / height - 2) > 2 * ASPECT_TOLERANCE:
        raise ShapeError(
            f"{name} of {width}x{height} pixels: expected an equirectangular image, twice as wide as high; cut one "
            "view out of a stereo image first"
        )

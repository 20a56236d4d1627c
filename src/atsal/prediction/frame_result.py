"""The maps of one frame, the checks of a frame before its prediction, and the errors during it."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError, PredictionError, ShapeError
from atsal.prediction.options import check_seconds
from atsal.prediction.streams import ATTENTION, EXPERTS, FUSED
from atsal.video.reader import Frame
from atsal.video.stereo_layout import ASPECT_TOLERANCE, MIN_VIEW_HEIGHT
from atsal.video.timed_frames import MAX_ROUNDING_S

Floats = NDArray[np.float32]
_SEVERAL = 4  # dimensions of images in one array, (N, H, W, 3)


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


def list_images(images: Any) -> tuple[list[NDArray[np.uint8]], bool]:
    """Return one ERP image or several as a list, and whether they were several. Raise what `check_erp_image` raises."""
    are_several = isinstance(images, list | tuple) or np.ndim(images) == _SEVERAL
    found = list(images) if are_several else [images]
    if not found:
        raise ShapeError("no image: expected one, or a list of at least one")
    for number, image in enumerate(found):
        check_erp_image(image, f"image {number} of the list" if are_several else "an image")
    return found, are_several


def check_erp_image(image: NDArray[np.uint8], name: str = "an image") -> None:
    """Raise `ShapeError` unless `image` is (H, W, 3) uint8 with W = 2H within 2 % and H >= 16."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ShapeError(f"{name} of {found}: expected an (H, W, 3) uint8 array, RGB, with values from 0 to 255")
    height, width = image.shape[:2]
    if height < MIN_VIEW_HEIGHT:
        raise ShapeError(f"{name} of {width}x{height} pixels: expected at least {MIN_VIEW_HEIGHT} rows")
    if abs(width / height - 2) > 2 * ASPECT_TOLERANCE:
        raise ShapeError(
            f"{name} of {width}x{height} pixels: expected an equirectangular image, twice as wide as high; cut one "
            "view out of a stereo image first"
        )


@contextmanager
def naming_frames(frames: Sequence[Frame]) -> Iterator[None]:
    """Raise an error of the network as a `PredictionError` that names the frames."""
    try:
        yield
    except (PredictionError, RuntimeError, MemoryError) as error:
        first, last = frames[0], frames[-1]
        reason = textwrap.shorten(str(error), 300, placeholder=" …") or type(error).__name__
        is_memory = isinstance(error, MemoryError) or "memory" in reason.lower() or "allocate" in reason.lower()
        remedy = "; try another --device, a smaller --face-size, or close other programs" if is_memory else ""
        raise PredictionError(
            f"frames {first.index} to {last.index} (from {first.timestamp_s:.3f} s): the network failed: "
            f"{reason}{remedy}"
        ) from error

"""The output formats. Importing this needs neither torch nor an image or video library.

A format is one object in `FORMATS`. It writes one file for an image. For a video or a folder of frames it writes a
folder with one file for each frame, or one video.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from atsal.prediction.overlay import Overlay

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from atsal.prediction.frame_result import FrameResult
    from atsal.video.render import Picture


@dataclass(frozen=True)
class VideoOutput:
    """How the frames of a clip become one video."""

    suffix: str
    # Draw a frame from a result, its map and a peak that follows the maps slowly, so that the video does not flicker:
    # (H, W, 3) uint8 RGB with even sides.
    draw: "Callable[[FrameResult, NDArray[np.float32], float, Overlay], Picture]"


@dataclass(frozen=True)
class Format:
    """How maps are written."""

    name: str
    shows: str  # for --help
    suffix: str  # of the file of an image or a frame
    write: "Callable[[Path, FrameResult, NDArray[np.float32], Overlay], None]"  # that file from a result and its map
    video: VideoOutput | None = None  # of a clip; None: one file for each frame
    shows_source: bool = False  # drawn over the frames: they are read at their own size, and a video keeps its sound

    @property
    def can_resume(self) -> bool:
        """Whether an interrupted run can go on after the last frame that was written."""
        return self.video is None


def _write_npy(path: Path, _result: "FrameResult", saliency: "NDArray[np.float32]", _look: Overlay) -> None:
    from atsal.video.image_writer import write_map_npy  # noqa: PLC0415 - imports numpy

    write_map_npy(path, saliency)


def _write_png(path: Path, _result: "FrameResult", saliency: "NDArray[np.float32]", _look: Overlay) -> None:
    from atsal.video.image_writer import write_map_png  # noqa: PLC0415 - imports numpy

    write_map_png(path, saliency)


def _write_png16(path: Path, _result: "FrameResult", saliency: "NDArray[np.float32]", _look: Overlay) -> None:
    from atsal.video.image_writer import write_map_png  # noqa: PLC0415 - imports numpy

    write_map_png(path, saliency, bits=16)


def _write_overlay(path: Path, result: "FrameResult", saliency: "NDArray[np.float32]", look: Overlay) -> None:
    from atsal.video.image_writer import write_rgb_png  # noqa: PLC0415 - imports numpy

    write_rgb_png(path, look.draw(result.image, saliency, float(saliency.max())))


def _draw_overlay(result: "FrameResult", saliency: "NDArray[np.float32]", peak: float, look: Overlay) -> "Picture":
    return look.draw(result.image, saliency, peak)


def _draw_grey(_result: "FrameResult", saliency: "NDArray[np.float32]", peak: float, _look: Overlay) -> "Picture":
    from atsal.video.render import grey_map  # noqa: PLC0415 - imports numpy

    return grey_map(saliency, peak, (next_even(saliency.shape[1]), next_even(saliency.shape[0])))


def next_even(pixels: int) -> int:
    """Return the next even number, 2 or more: H.264 in 4:2:0 takes no odd sides."""
    return max(2, pixels + pixels % 2)


FORMATS = {
    form.name: form
    for form in (
        Format("npy", "float32 arrays, unscaled", ".npy", _write_npy),
        Format("png", "8-bit grey, each map up to its own peak", ".png", _write_png),
        Format("png16", "16-bit grey, each map up to its own peak", ".png", _write_png16),
        Format("video", "a grey video; of an image, a PNG", ".png", _write_png, VideoOutput(".mp4", _draw_grey)),
        Format(
            "overlay",
            "colours over the source, at most 1920 wide, with its sound",
            ".overlay.png",
            _write_overlay,
            VideoOutput(".overlay.mp4", _draw_overlay),
            shows_source=True,
        ),
    )
}
DEFAULT_FORMAT = "overlay"

"""Cut one view out of decoded pictures inside FFmpeg: rotated, cropped, scaled, as RGB or as luma alone."""

from fractions import Fraction
from typing import Any, Literal

import numpy as np
from av.error import FFmpegError
from av.filter import Graph
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from atsal.errors import MediaError
from atsal.video.probe import VideoInfo

_UNSPECIFIED_MATRIX = 2  # ITU-T H.273, matrix coefficients
_ANY_TIME_BASE = Fraction(1, 90000)  # the filter graph needs one, but drops and repeats no frame
_HD_WIDTH, _HD_HEIGHT = 1280, 576  # above either, players take an untagged video for BT.709, else for BT.601
Filters = list[tuple[str, str | None]]


class ViewScaler:
    """Rotates, crops and scales decoded pictures, in one pass inside FFmpeg.

    Pictures are reduced by area averaging, which takes every source pixel into account, or enlarged bicubically.
    `wanted` is "rgb", (H, W, 3) uint8, or "luma", (H, W) in the bit depth and the range of the video.
    """

    def __init__(self, info: VideoInfo, size: tuple[int, int], wanted: Literal["rgb", "luma"] = "rgb") -> None:
        self._info = info
        self._size = size
        self._wanted = wanted
        self._graph: Graph | None = None
        self._format = ""

    def scale(self, frame: VideoFrame, index: int) -> NDArray[Any]:
        """Return the left view of the video's frame `index`.

        Raises MediaError if its size is not the video's, and if FFmpeg cannot convert its colours.
        """
        if (frame.width, frame.height) != (self._info.width, self._info.height):
            raise MediaError(
                f"{self._info.path}: frame {index} is {frame.width}x{frame.height} in a video of {self._info.width}x"
                f"{self._info.height}; expected one size throughout. Convert the video to one size first."
            )
        try:
            if self._graph is None or self._format != frame.format.name:
                self._graph, self._format = self._build(frame), frame.format.name
            self._graph.vpush(frame)
            return np.asarray(self._graph.vpull().to_ndarray())
        except FFmpegError as error:  # such as for a colour matrix that is reserved
            raise MediaError(
                f"{self._info.path}: frame {index} cannot be converted ({error.strerror}; {frame.format.name}, colour "
                f"matrix {frame.colorspace}); expected YUV or RGB with a known matrix. Convert the video first."
            ) from error

    def _build(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        left, top, width, height = self._info.view.crop
        crop = ("crop", f"{width}:{height}:{left}:{top}:exact=1")  # moves pointers only
        end = self._rgb_filters(frame) if self._wanted == "rgb" else self._luma_filters(frame)
        graph.link_nodes(
            graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=_ANY_TIME_BASE),
            *(graph.add(*chosen) for chosen in (*self._info.view.rotation.filters, crop, *end)),
            graph.add("buffersink"),
        ).configure()
        return graph

    def _rgb_filters(self, frame: VideoFrame) -> Filters:
        is_hd = frame.width >= _HD_WIDTH or frame.height > _HD_HEIGHT
        is_untagged = frame.colorspace == _UNSPECIFIED_MATRIX and not frame.format.is_rgb
        matrix = ":in_color_matrix=bt709" if is_hd and is_untagged else ""
        return [("scale", self._scaling() + matrix), ("format", "rgb24")]

    def _luma_filters(self, frame: VideoFrame) -> Filters:
        to_luma: Filters = [("format", "yuv444p")] if frame.format.is_rgb else []
        to_luma.append(("extractplanes", "y"))
        bits = frame.format.components[0].bits
        same_depth = "gray" if bits == 8 else f"gray{bits}le"
        is_scaled = self._size != self._info.view.crop[2:]
        return to_luma + [("scale", self._scaling()), ("format", same_depth)] * is_scaled

    def _scaling(self) -> str:
        width, height = self._size
        _, _, crop_width, crop_height = self._info.view.crop
        reduces = width <= crop_width and height <= crop_height
        return f"{width}:{height}:flags={'area' if reduces else 'bicubic'}"

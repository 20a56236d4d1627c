"""Cropping, scaling and conversion to RGB inside FFmpeg, in one pass over the picture."""

from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from atsal.errors import MediaError
from atsal.video.display_rotation import Turn

_UNSPECIFIED_MATRIX = 2  # ITU-T H.273, matrix coefficients
_ANY_TIME_BASE = Fraction(1, 90000)  # the graph wants one, but drops and repeats no frame
_HD_WIDTH, _HD_HEIGHT = 1280, 576  # above either, players take an untagged video for BT.709, else for BT.601


class ViewScaler:
    """Turn decoded pictures of the size `picture` into the left view as (height, width, 3) uint8 RGB.

    The picture is turned, `crop` (left, top, width, height) is cut out of it, and scaled to `size`, (width, height):
    reduced by area averaging, which takes every source pixel into account, or enlarged bicubically.
    """

    def __init__(
        self, path: Path, picture: tuple[int, int], turn: Turn, crop: tuple[int, int, int, int], size: tuple[int, int]
    ) -> None:
        self._path = path
        self._picture = picture
        self._turn = turn
        self._crop = crop
        self._size = size
        self._graph: Graph | None = None
        self._format = ""

    def __call__(self, frame: VideoFrame, index: int) -> NDArray[np.uint8]:
        """Give the left view of `frame`, the video's `index`-th; raises MediaError if its size is not the video's."""
        if (frame.width, frame.height) != self._picture:
            raise MediaError(
                f"{self._path}: frame {index} is {frame.width}x{frame.height} in a video of {self._picture[0]}x"
                f"{self._picture[1]}; expected one size throughout. Convert the video to one size first."
            )
        if self._graph is None or self._format != frame.format.name:
            self._graph, self._format = self._build(frame), frame.format.name
        self._graph.vpush(frame)
        return cast(NDArray[np.uint8], self._graph.vpull().to_ndarray())

    def _build(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        width, height = self._size
        left, top, crop_width, crop_height = self._crop
        reduces = width <= crop_width and height <= crop_height
        matrix = ":in_color_matrix=bt709" if self._is_untagged_hd(frame) else ""
        graph.link_nodes(
            graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=_ANY_TIME_BASE),
            *(graph.add(name, arguments) for name, arguments in self._turn.filters),
            graph.add("crop", f"{crop_width}:{crop_height}:{left}:{top}:exact=1"),  # moves pointers only
            graph.add("scale", f"{width}:{height}:flags={'area' if reduces else 'bicubic'}{matrix}"),
            graph.add("format", "rgb24"),
            graph.add("buffersink"),
        ).configure()
        return graph

    def _is_untagged_hd(self, frame: VideoFrame) -> bool:
        hd = frame.width >= _HD_WIDTH or frame.height > _HD_HEIGHT
        return hd and frame.colorspace == _UNSPECIFIED_MATRIX and not frame.format.is_rgb

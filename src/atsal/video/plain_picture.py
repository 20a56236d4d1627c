"""A picture of FFmpeg as plain values, so that it can be sent to another process."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from numpy.typing import NDArray

_KEPT = ("pts", "color_primaries", "color_trc", "colorspace", "color_range")


@dataclass(frozen=True, eq=False)
class PlainPicture:
    """The planes of a picture, and what they mean."""

    width: int
    height: int
    pixel_format: str
    planes: tuple[NDArray[np.uint8], ...]  # (rows, bytes of a row), with what the decoder has behind each row
    facts: tuple[int | None, ...]  # of `_KEPT`

    @classmethod
    def of(cls, frame: VideoFrame) -> Self:
        """Take a picture apart."""
        frame = _top_down(frame)
        planes = tuple(_rows(plane).copy() for plane in frame.planes)
        return cls(frame.width, frame.height, frame.format.name, planes, tuple(getattr(frame, name) for name in _KEPT))

    def frame(self) -> VideoFrame:
        """Put the picture together again."""
        frame = VideoFrame(self.width, self.height, self.pixel_format)
        for plane, content in zip(frame.planes, self.planes, strict=True):
            rows = _rows(plane)
            count, width = (min(*sides) for sides in zip(rows.shape, content.shape, strict=True))
            rows[:count, :width] = content[:count, :width]
        for name, value in zip(_KEPT, self.facts, strict=True):
            setattr(frame, name, value)
        return frame


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    """Return the memory of a plane, (rows, bytes of a row)."""
    memory: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8)
    return memory.reshape(plane.height, -1)


def _top_down(frame: VideoFrame) -> VideoFrame:
    """Return a picture whose rows lie in memory from top to bottom; those of some raw videos do not."""
    if all(plane.line_size >= 0 for plane in frame.planes):
        return frame
    graph = Graph()
    buffer = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 90000))
    graph.link_nodes(buffer, graph.add("copy"), graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()

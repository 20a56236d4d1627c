"""Maps for the page, in files of consecutive frames.

A file is gzip-compressed. Unpacked it holds, little-endian:

    bytes 0 to 3     "ATSL"
    bytes 4 to 11    version 1, number of maps n, rows h, columns w = 2h: four uint16
    then             n · h · w levels, uint8, map by map, row by row from the top

Level 255 is what `atsal predict` draws in the last colour; larger values are cut off.
"""

import gzip
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.models import Direction
from atsal.prediction.streams import Stream as ModelStream
from atsal.prediction.streams import find_stream
from atsal.projection import solid_angle_weights
from atsal.video.render import PeakTracker, map_levels
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.scene import Maps, Stream

CHUNK_FRAMES = 30
HEADER = struct.Struct("<4s4H")
RECORDED = ModelStream("recorded", "the recorded gaze of all viewers", ())
_MAGIC, _VERSION = b"ATSL", 1
_COMPRESSION = 4  # level 6 takes four times as long, for a tenth of the size


def pack_levels(levels: NDArray[np.uint8]) -> bytes:
    """Return the content of a file with the maps (n, h, 2h)."""
    header = HEADER.pack(_MAGIC, _VERSION, *levels.shape)
    return gzip.compress(header + levels.tobytes(), _COMPRESSION, mtime=0)


class StreamPacker:
    """Writes the maps of one stream into a folder, and measures them; memory holds one file's maps."""

    def __init__(self, name: str, direction: Direction, folder: Path) -> None:
        self._name, self._direction, self._folder = name, direction, folder
        self._peak = PeakTracker()
        self._waiting: list[NDArray[np.uint8]] = []
        self._chunks: list[str] = []
        self._bits: list[float] = []
        self._ratios: list[float] = []

    def add(self, saliency: NDArray[np.float32]) -> None:
        """Take in the next map (h, 2h), finite and >= 0."""
        peak = self._peak.update(saliency)
        mean, bits = measure(saliency)
        self._ratios.append(round(peak / mean, 3) if mean > 0 else 0.0)
        self._bits.append(round(bits, 4))
        self._waiting.append(map_levels(saliency, peak))
        if len(self._waiting) == CHUNK_FRAMES:
            self._write()

    def finish(self) -> Stream:
        """Write what waits, and return what the page needs to know."""
        if self._waiting:
            self._write()
        stream = RECORDED if self._name == RECORDED.name else find_stream(self._name)
        kind, direction = stream.kind, stream.direction or self._direction
        measures = tuple(self._chunks), tuple(self._bits), tuple(self._ratios)
        return Stream(self._name, kind, direction, stream.shows, *measures)

    def _write(self) -> None:
        name = f"maps/{self._name}-{len(self._chunks):05d}.maps"
        path = self._folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(pack_levels(np.stack(self._waiting)))
        self._chunks.append(name)
        self._waiting.clear()


class MapPacker:
    """Writes the maps of all streams, frame by frame; `direction` is that of the model."""

    def __init__(self, streams: Sequence[str], direction: Direction, folder: Path) -> None:
        self._packers = {name: StreamPacker(name, direction, folder) for name in streams}
        self._indices: list[int] = []
        self._times_s: list[float] = []
        self._shape = (0, 0)

    def add(self, frame: FrameMaps) -> None:
        """Take in the maps of the next frame."""
        self._indices.append(frame.frame_index)
        self._times_s.append(round(frame.timestamp_s, 6))
        for name, packer in self._packers.items():
            self._shape = frame.maps[name].shape
            packer.add(frame.maps[name])

    def finish(self) -> Maps:
        """Return what the page needs to know about the maps."""
        streams = tuple(packer.finish() for packer in self._packers.values())
        height, width = self._shape
        return Maps(width, height, CHUNK_FRAMES, tuple(self._indices), tuple(self._times_s), streams)


def measure(saliency: NDArray[np.float32]) -> tuple[float, float]:
    """Return the mean of a map (h, 2h) over the sphere, and how concentrated its gaze is, in bits.

    The concentration is the information that the map has beyond gaze spread evenly: sum of p log2(p / q) over the
    pixels, where q is a pixel's share of the sphere. Gaze that fills 1/8 of the sphere evenly has 3 bits.
    """
    share = solid_angle_weights(len(saliency)).numpy()
    share = share / share.sum() / saliency.shape[1]
    mean = float((saliency * share).sum())
    if mean <= 0:
        return 0.0, 0.0
    density = saliency / mean
    return mean, float((share * density * np.log2(np.maximum(density, 1e-12))).sum())

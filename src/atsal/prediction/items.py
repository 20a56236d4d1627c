"""What there is to predict: inputs on the command line become items, each with a stem that its results keep."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from atsal.errors import ConfigError, InputError
from atsal.video.image import read_image
from atsal.video.probe import probe_video
from atsal.video.reader import Frame, read_frames
from atsal.video.sources import classify, list_media, read_image_sequence
from atsal.video.stereo import StereoChoice

DEFAULT_SEQUENCE_RATE = 30.0  # frames/s of a folder of frames
Size = tuple[int, int]


@dataclass(frozen=True)
class Reading:
    """Which frames of a source to read, and how."""

    stereo: StereoChoice = "auto"
    stride: int = 1
    fps: float | None = None
    start_s: float = 0.0
    duration_s: float | None = None


@dataclass(frozen=True)
class Item:
    """One image, one video, or one folder of frames taken as a clip."""

    path: Path
    kind: Literal["image", "video", "sequence"]

    @property
    def stem(self) -> str:
        """The name its results carry."""
        return self.path.resolve().name if self.kind == "sequence" else self.path.stem

    def identity(self) -> dict[str, object]:
        """What tells this source from another of the same name."""
        status = self.path.stat()
        return {"path": str(self.path), "kind": self.kind, "bytes": status.st_size, "modified_ns": status.st_mtime_ns}

    def frame_rate(self, reading: Reading) -> float:
        """Nominal frames per second of what `frames` delivers."""
        if self.kind != "video":
            return (reading.fps or DEFAULT_SEQUENCE_RATE) / reading.stride
        own = probe_video(self.path, reading.stereo).frame_rate
        return own / reading.stride if reading.fps is None else min(own, reading.fps)

    def expected_frames(self, reading: Reading) -> int | None:
        """How many frames `frames` should deliver, where that is known."""
        if self.kind == "image":
            return 1
        if self.kind == "sequence":
            return -(-len(list_media(self.path)) // reading.stride)
        info = probe_video(self.path, reading.stereo)
        if info.duration_s is None:
            return None
        length = max(0.0, info.duration_s - reading.start_s)
        length = length if reading.duration_s is None else min(length, reading.duration_s)
        return max(1, round(length * self.frame_rate(reading)))

    def frames(self, reading: Reading, size: Size | None) -> Iterator[Frame]:
        """The frames, scaled to `size` (width, height) where given; a still is read at its own size."""
        if self.kind == "image":
            return iter([Frame(0, 0.0, read_image(self.path, stereo=reading.stereo))])
        if self.kind == "sequence":
            return self._sequence_frames(reading, size)
        return read_frames(
            self.path,
            size=size,
            stereo=reading.stereo,
            stride=reading.stride,
            fps=reading.fps,
            start_s=reading.start_s,
            duration_s=reading.duration_s,
        )

    def _sequence_frames(self, reading: Reading, size: Size | None) -> Iterator[Frame]:
        if reading.stride < 1:
            raise ConfigError(f"stride is {reading.stride}; expected 1 or more")
        end = float("inf") if reading.duration_s is None else reading.start_s + reading.duration_s
        rate = reading.fps or DEFAULT_SEQUENCE_RATE
        frames = read_image_sequence(self.path, fps=rate, size=size, stereo=reading.stereo)
        within = (frame for frame in frames if reading.start_s <= frame.timestamp_s < end)
        return itertools.islice(within, 0, None, reading.stride)


def find_items(inputs: Iterable[Path], *, as_frames: bool = False) -> list[Item]:
    """Turn files and folders into items, in order.

    A folder stands for the images and videos in it, or with `as_frames` for one clip. Raises `InputError` where
    two items would write results of the same name.
    """
    items: list[Item] = []
    for path in inputs:
        if path.is_dir() and as_frames:
            items.append(Item(path, "sequence"))
        elif path.is_dir():
            items.extend(Item(file, classify(file)) for file in list_media(path))
        else:
            items.append(Item(path, classify(path)))
    by_stem: dict[str, Item] = {}
    for item in items:
        other = by_stem.setdefault(item.stem, item)
        if other is not item:
            raise InputError(
                f"{other.path} and {item.path} would both write results named {item.stem!r}: run them into different "
                "output folders, or rename one"
            )
    return items

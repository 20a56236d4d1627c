"""360° frames without gaze, from panoramas, videos or synthetic scenes, each with its neighbours in time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atsal.errors import ConfigError, DataError
from atsal.training.config import SourceConfig
from atsal.video.image_reader import read_image
from atsal.video.media_files import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from atsal.video.pixels import scale_image
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from atsal.video.synthetic_scene import Scene

STEP_S, NEIGHBOURS = 0.2, 2  # time between neighbours, and their number on each side
SCENE_S = 20.0  # length of a synthetic scene


class FrameWithNeighbours(NamedTuple):
    """A frame and the frames around it in time; a still has none around it."""

    item: str
    frames: Tensor  # (N, 3, H, 2H) uint8 RGB, in the order of time
    middle: int  # index of the frame itself

    @property
    def frame(self) -> Tensor:
        """The frame itself, (3, H, 2H) uint8."""
        return self.frames[self.middle]


@dataclass(frozen=True)
class FramesWithoutGaze:
    """The frames of a source without gaze: `taught_frames` of each video or scene, evenly spread, or each panorama."""

    config: SourceConfig
    files: dict[str, Path]  # of each item; empty for scenes
    items: tuple[str, ...]

    @classmethod
    def find(cls, config: SourceConfig) -> "FramesWithoutGaze":
        """Find the files of a source. Raise `DataError` if a place has none, `ConfigError` for two of one name."""
        if config.scenes is not None:
            return cls(config, {}, tuple(f"scene {number}" for number in range(config.scenes)))
        suffixes, kind = (VIDEO_SUFFIXES, "video") if config.videos else (IMAGE_SUFFIXES, "image")
        files: dict[str, Path] = {}
        for place in [Path(video) for video in config.videos] or [config.folder]:
            found = [file for file in sorted(place.glob("*")) if file.suffix.lower() in suffixes]
            if config.videos and place.is_file():
                found = [place]
            if not found:
                raise DataError(f"{place}: no {kind} there; expected a folder of 360° {kind}s")
            for file in found:
                if file.stem in files:
                    raise ConfigError(f"{file} and {files[file.stem]}: expected {kind}s of different names")
                files[file.stem] = file
        return cls(config, files, tuple(files))

    def read(self, item: str, height: int) -> Iterator[FrameWithNeighbours]:
        """Read the frames of an item, scaled to `height` rows."""
        if item not in self.files:
            scene = Scene(self.items.index(item))
            for time_s in self._times(SCENE_S):
                times = [time_s + k * STEP_S for k in range(-NEIGHBOURS, NEIGHBOURS + 1)]
                yield FrameWithNeighbours(item, _stacked([scene.render(height, s) for s in times]), NEIGHBOURS)
        elif self.config.videos:
            yield from self._read_video(item, height)
        else:
            yield FrameWithNeighbours(
                item, _stacked([scale_image(read_image(self.files[item]), (2 * height, height))]), 0
            )

    def _times(self, length_s: float, frames: int | None = None) -> list[float]:
        """Return evenly spread times, at most one for each frame."""
        count = min(self.config.taught_frames, frames or self.config.taught_frames)
        return [(k + 0.5) * length_s / count for k in range(count)]

    def _read_video(self, item: str, height: int) -> Iterator[FrameWithNeighbours]:
        file = self.files[item]
        probed = probe_video(file, count=True)
        if probed.duration_s is None:
            raise DataError(f"{file}: has no known length to spread frames over; convert it to MP4")
        for time_s in self._times(probed.duration_s, probed.frame_count):
            before = min(NEIGHBOURS, int(time_s / STEP_S + 1e-6))  # none before the start of the video
            first = max(0.0, time_s - before * STEP_S)
            length = time_s + NEIGHBOURS * STEP_S - first + STEP_S / 2  # a span does not include its end
            size = (2 * height, height)
            found = list(read_frames(file, size=size, fps=1 / STEP_S, start_s=first, duration_s=length))
            middle = min(range(len(found)), key=lambda k: abs(found[k].timestamp_s - time_s))
            yield FrameWithNeighbours(item, _stacked([frame.image for frame in found]), middle)


def _stacked(pictures: list[NDArray[np.uint8]]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)

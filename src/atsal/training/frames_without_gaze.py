"""360° frames without gaze: panoramas, moments of videos, made-up scenes, each with the frames around it in time."""

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

STEP_S, STEPS = 0.2, 2  # the frames around a moment: so many on each side, so far apart
SCENE_S = 20.0  # length of a made-up scene


class Moment(NamedTuple):
    """A frame, and those around it."""

    item: str
    frames: Tensor  # (N, 3, H, 2H) uint8 RGB, in their order; of a still, one
    middle: int  # the frame itself

    @property
    def frame(self) -> Tensor:
        """(3, H, 2H) uint8."""
        return self.frames[self.middle]


@dataclass(frozen=True)
class Moments:
    """What a source without gaze shows: `taught_frames` moments of each video or scene, evenly spread; each panorama.

    `files` holds the file of each item, nothing for scenes. Raises `DataError` where nothing is to be seen.
    """

    config: SourceConfig
    files: dict[str, Path]
    every: tuple[str, ...]  # the names of all items

    @classmethod
    def of(cls, config: SourceConfig) -> "Moments":
        """Look what there is."""
        if config.scenes is not None:
            return cls(config, {}, tuple(f"scene {number}" for number in range(config.scenes)))
        suffixes = VIDEO_SUFFIXES if config.videos else IMAGE_SUFFIXES
        kind = "video" if config.videos else "image"
        places = [Path(video) for video in config.videos] or [config.folder]
        files: dict[str, Path] = {}
        for place in places:
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

    def of_item(self, item: str, height: int) -> Iterator[Moment]:
        """The moments of an item, frames of `height` rows."""
        if item not in self.files:
            yield from self._of_scene(item, height)
        elif self.config.videos:
            yield from self._of_video(item, height)
        else:
            yield Moment(item, _frames([scale_image(read_image(self.files[item]), (2 * height, height))]), 0)

    def _times(self, length_s: float, frames: int | None = None) -> list[float]:
        """Evenly spread; no more than there are frames."""
        count = min(self.config.taught_frames, frames or self.config.taught_frames)
        return [(k + 0.5) * length_s / count for k in range(count)]

    def _of_scene(self, item: str, height: int) -> Iterator[Moment]:
        scene = Scene(self.every.index(item))
        for time_s in self._times(SCENE_S):
            around = [time_s + k * STEP_S for k in range(-STEPS, STEPS + 1)]
            yield Moment(item, _frames([scene.render(height, s) for s in around]), STEPS)

    def _of_video(self, item: str, height: int) -> Iterator[Moment]:
        file = self.files[item]
        probed = probe_video(file, count=True)
        length_s = probed.duration_s
        if length_s is None:
            raise DataError(f"{file}: its length cannot be told, so no moments of it can be chosen; convert it to MP4")
        for time_s in self._times(length_s, probed.frame_count):
            before = min(STEPS, int(time_s / STEP_S + 1e-6))  # none before the video begins
            first = max(0.0, time_s - before * STEP_S)
            last = time_s + STEPS * STEP_S
            found = list(
                read_frames(
                    file,
                    size=(2 * height, height),
                    fps=1 / STEP_S,
                    start_s=first,
                    duration_s=last - first + STEP_S / 2,  # the end is not part of a span
                )
            )
            middle = min(range(len(found)), key=lambda k: abs(found[k].timestamp_s - time_s))
            yield Moment(item, _frames([frame.image for frame in found]), middle)


def _frames(pictures: list[NDArray[np.uint8]]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)

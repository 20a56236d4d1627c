"""Read a 360° video or a folder of images frame by frame: each frame decoded once, with its true number and time."""

import math
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError, MediaError
from atsal.remote.path import as_path
from atsal.video.image_reader import read_image
from atsal.video.isolation import isolatable
from atsal.video.media_files import list_frames
from atsal.video.pixels import scale_image
from atsal.video.probe import VideoInfo, probe_video
from atsal.video.stereo_layout import StereoChoice
from atsal.video.timed_frames import FrameSource, TimedFrame
from atsal.video.view_scaler import ViewScaler


class HasTime(Protocol):
    """Anything that is shown from a time on, in seconds since the video's first frame."""

    @property
    def timestamp_s(self) -> float:
        """The time."""


T = TypeVar("T", bound=HasTime)


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a clip.

    `index` counts the source's frames from the file's first, 0. `timestamp_s` is the presentation time in seconds
    since the source's first frame. It is uneven where the frame rate varies. `image` is (H, W, 3) uint8 RGB.
    """

    index: int
    timestamp_s: float
    image: NDArray[np.uint8]


@isolatable
def read_frames(
    path: Path | str,
    *,
    size: tuple[int, int] | None = None,
    stereo: StereoChoice = "auto",
    stride: int = 1,
    fps: float | None = None,
    start_s: float = 0.0,
    duration_s: float | None = None,
    numbers: Container[int] | None = None,
) -> Iterator[Frame]:
    """Read a video's frames in the order of presentation; memory does not grow with its length.

    Args:
        path: the video file.
        size: (width, height) to scale to inside FFmpeg; by default the size of the view, stretched to 2:1 where it is
            stored in another shape.
        stereo: the layout of the views; "auto" takes what the file states, or judges by the shape. The left view is
            read.
        stride: keep every stride-th frame of the span.
        fps: keep, for each of the times `start_s + k / fps` within the span, the nearest source frame. Each is kept at
            most once: a rate above the source's own keeps every frame. Excludes `stride`.
        start_s: first time to read, in seconds since the file's first frame.
        duration_s: length of the span to read: times in [start_s, start_s + duration_s). By default to the end.
        numbers: keep only the frames with these numbers (`Frame.index`), of those that `stride` or `fps` keep.

    Arguments and file are checked at the call, before the first frame is asked for.

    Raises:
        ConfigError: an argument is out of range.
        MediaError: the file is not a readable 360° video, or `start_s` is not before its end.
        TruncatedMediaError: after the last good frame, if the file is damaged or shorter than it states. Frames that
            the decoder still held when it met damaged data, at most a group of pictures, are not delivered.

    """
    _check_size(size)
    _check_span(stride, fps, start_s, duration_s)
    info = probe_video(path, stereo)
    if info.duration_s is not None and start_s >= info.duration_s:
        raise _past_end_error(info, start_s)
    source = FrameSource(info.path, start_s, None if duration_s is None else start_s + duration_s)
    chosen = keep_frames(source, start_s, stride, fps)
    if numbers is not None:
        chosen = (frame for frame in chosen if frame.index in numbers)
    return _read_video(info, source, chosen, size or info.eye_size)


@isolatable
def read_image_sequence(
    folder: Path | str,
    *,
    fps: float,
    size: tuple[int, int] | None = None,
    stereo: StereoChoice = "auto",
    numbers: Iterable[int] | None = None,
) -> Iterator[Frame]:
    """Read a folder of images as the frames of one clip, in natural order: frame10 comes after frame9.

    Frame i is at i / `fps` seconds. `numbers` are the frames to read, from 0; the others are not opened. `size` and
    `stereo` are as in `read_frames`. Files that are no pictures are skipped. Raises ConfigError for `fps` or `size`
    out of range, and MediaError where there is no folder, no image in it, an unreadable image, or one of another size.
    """
    _check_positive("fps", fps, "frames per second")
    _check_size(size)
    paths = list_frames(as_path(folder))
    chosen = range(len(paths)) if numbers is None else numbers
    return _read_images([(number, paths[number]) for number in chosen], fps, size, stereo)


def keep_frames(frames: Iterable[T], start_s: float, stride: int, fps: float | None) -> Iterator[T]:
    """Keep those of the frames from `start_s` on that `read_frames` keeps with this `stride` and `fps`."""
    return islice(frames, 0, None, stride) if fps is None else nearest_frames(frames, start_s, fps)


def nearest_frames(frames: Iterable[T], start_s: float, fps: float) -> Iterator[T]:
    """Keep, for each of the times `start_s + k / fps`, the nearest of `frames`, each at most once.

    A frame is nearest to all times up to the middle between it and the next one. The last frame is shown for as long
    as the one before it.
    """

    def last_time_until(time_s: float) -> int:
        """Return the greatest k with start_s + k / fps <= time_s, allowing for rounded timestamps."""
        return math.floor((time_s - start_s) * fps + 1e-6)

    previous: T | None = None
    wanted = 0  # the number k of the next time
    step_s = 1 / fps
    for frame in frames:
        if previous is not None:
            step_s = frame.timestamp_s - previous.timestamp_s
            last = last_time_until((previous.timestamp_s + frame.timestamp_s) / 2)
            if last >= wanted:
                yield previous
                wanted = last + 1
        previous = frame
    if previous is not None and last_time_until(previous.timestamp_s + step_s / 2) >= wanted:
        yield previous


def _read_video(
    info: VideoInfo, source: FrameSource, chosen: Iterator[TimedFrame], size: tuple[int, int]
) -> Iterator[Frame]:
    scaler = ViewScaler(info, size)
    frame = None
    for frame in chosen:
        yield Frame(frame.index, frame.timestamp_s, scaler.scale(frame.picture, frame.index))
    source.check_complete()
    if frame is None:
        raise _past_end_error(info, source.start_s)


def _read_images(
    chosen: list[tuple[int, Path]], fps: float, size: tuple[int, int] | None, stereo: StereoChoice
) -> Iterator[Frame]:
    first_shape: tuple[int, ...] | None = None
    for index, path in chosen:
        image = read_image(path, stereo=stereo)
        first_shape = first_shape or image.shape
        if image.shape != first_shape:
            raise MediaError(
                f"{path}: its view is {image.shape[1]}x{image.shape[0]}, but {chosen[0][1].name} has {first_shape[1]}x"
                f"{first_shape[0]}; expected one size throughout a clip. Scale it, or move it elsewhere."
            )
        yield Frame(index, index / fps, image if size is None else scale_image(image, size))


def _check_size(size: tuple[int, int] | None) -> None:
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise ConfigError(f"size is {size}; expected (width, height) in pixels, both at least 1")


def _check_positive(name: str, value: float, unit: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(f"{name} is {value}; expected {unit} greater than 0")


def _check_span(stride: int, fps: float | None, start_s: float, duration_s: float | None) -> None:
    if stride < 1:
        raise ConfigError(f"stride is {stride}; expected a whole number of at least 1")
    if fps is not None:
        _check_positive("fps", fps, "frames per second")
        if stride != 1:
            raise ConfigError(f"both fps ({fps}) and stride ({stride}) are given; choose one of them")
    if not (math.isfinite(start_s) and start_s >= 0):
        raise ConfigError(f"start_s is {start_s}; expected seconds from the first frame, 0 or more")
    if duration_s is not None:
        _check_positive("duration_s", duration_s, "seconds")


def _past_end_error(info: VideoInfo, start_s: float) -> MediaError:
    length = "" if info.duration_s is None else f" (its length is {info.duration_s:.3f} s)"
    return MediaError(
        f"{info.path}: no frame in the span from {start_s:g} s{length}; expected a start before the end. Start earlier."
    )

"""Reading a 360° video frame by frame: streaming, each frame decoded once, with its true number and time."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError, MediaError
from atsal.video.probe import VideoInfo, probe_video
from atsal.video.scaling import ViewScaler
from atsal.video.stereo import StereoChoice, StereoLayout
from atsal.video.timed_frames import FrameSource, TimedFrame

__all__ = ["Frame", "StereoLayout", "VideoInfo", "probe_video", "read_frames"]


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a clip.

    `index` counts the source's frames from the file's first, 0. `timestamp_s` is the presentation time in seconds
    since the source's first frame: the frame's own time stamp less the first frame's, so it is 0 for index 0 whatever
    the file's start, and uneven where the frame rate varies. `image` is (H, W, 3) uint8 RGB.
    """

    index: int
    timestamp_s: float
    image: NDArray[np.uint8]


def read_frames(
    path: Path | str,
    *,
    size: tuple[int, int] | None = None,
    stereo: StereoChoice = "auto",
    stride: int = 1,
    fps: float | None = None,
    start_s: float = 0.0,
    duration_s: float | None = None,
) -> Iterator[Frame]:
    """Read a video's frames in the order of presentation; memory does not grow with its length.

    Args:
        path: the video file.
        size: (width, height) to scale to inside FFmpeg; by default the size of the view, stretched to 2:1 where it is
            stored in another shape.
        stereo: the layout of the views; "auto" takes what the file says, or judges by the shape. The left view is read.
        stride: keep every stride-th frame of the span.
        fps: keep, for each of the times `start_s + k / fps` within the span, the nearest source frame, each at most
            once: a rate above the source's own keeps every frame, and repeats none. Excludes `stride`.
        start_s: first time to read, in seconds since the file's first frame.
        duration_s: length of the span to read: times in [start_s, start_s + duration_s). By default to the end.

    Arguments and file are checked at the call, before the first frame is asked for.

    Raises:
        ConfigError: an argument is out of range.
        MediaError: the file is not a readable 360° video, or `start_s` is not before its end.
        TruncatedMediaError: after the last good frame, if the file is damaged or shorter than it states. Frames that
            the decoder still held when it met damaged data, at most a group of pictures, are not delivered.

    """
    check_size(size)
    _check_numbers(stride, fps, start_s, duration_s)
    info = probe_video(path, stereo)
    if info.duration_s is not None and start_s >= info.duration_s:
        raise MediaError(_past_end_message(info.path, start_s, info.duration_s))
    source = FrameSource(info.path, start_s, None if duration_s is None else start_s + duration_s)
    picked = every(source, stride) if fps is None else nearest(source, start_s, fps)
    return _read(info, source, picked, size or info.eye_size)


def _read(info: VideoInfo, source: FrameSource, picked: Iterator[TimedFrame], size: tuple[int, int]) -> Iterator[Frame]:
    scale = ViewScaler(info.path, (info.width, info.height), info.view.turn, info.view.crop, size)
    count = 0
    for frame in picked:
        count += 1
        yield Frame(frame.index, frame.timestamp_s, scale(frame.picture, frame.index))
    source.check_complete()
    if not count:
        raise MediaError(_past_end_message(info.path, source.start_s, info.duration_s))


def every(frames: Iterable[TimedFrame], stride: int) -> Iterator[TimedFrame]:
    """Keep the first of `frames` and every `stride`-th after it."""
    return (frame for number, frame in enumerate(frames) if number % stride == 0)


def nearest(frames: Iterable[TimedFrame], start_s: float, fps: float) -> Iterator[TimedFrame]:
    """Keep, for each of the times `start_s + k / fps`, the nearest of `frames`, each at most once.

    A frame is nearest to all times up to the middle between it and the next one; the last frame stands for as long as
    the one before it did.
    """
    held: TimedFrame | None = None
    wanted = 0  # the number k of the next time
    step_s = 1 / fps
    for frame in frames:
        if held is not None:
            step_s = frame.timestamp_s - held.timestamp_s
            last = _last_time_until((held.timestamp_s + frame.timestamp_s) / 2, start_s, fps)
            if last >= wanted:
                yield held
                wanted = last + 1
        held = frame
    if held is not None and _last_time_until(held.timestamp_s + step_s / 2, start_s, fps) >= wanted:
        yield held


def _last_time_until(time_s: float, start_s: float, fps: float) -> int:
    """Find the greatest k with start_s + k / fps <= time_s, forgiving the rounding of time stamps."""
    return math.floor((time_s - start_s) * fps + 1e-6)


def check_size(size: tuple[int, int] | None) -> None:
    """Raise ConfigError unless `size` is None or a (width, height) of at least 1 pixel each."""
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise ConfigError(f"size is {size}; expected (width, height) in pixels, both at least 1")


def _check_numbers(stride: int, fps: float | None, start_s: float, duration_s: float | None) -> None:
    if stride < 1:
        raise ConfigError(f"stride is {stride}; expected a whole number of at least 1")
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise ConfigError(f"fps is {fps}; expected frames per second greater than 0")
    if fps is not None and stride != 1:
        raise ConfigError(f"both fps ({fps}) and stride ({stride}) are given; choose one of them")
    if not (math.isfinite(start_s) and start_s >= 0):
        raise ConfigError(f"start_s is {start_s}; expected seconds from the first frame, 0 or more")
    if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
        raise ConfigError(f"duration_s is {duration_s}; expected seconds greater than 0")


def _past_end_message(path: Path, start_s: float, duration_s: float | None) -> str:
    length = "" if duration_s is None else f" (its length is {duration_s:.3f} s)"
    return f"{path}: no frame in the span from {start_s:g} s{length}; expected a start before the end. Start earlier."

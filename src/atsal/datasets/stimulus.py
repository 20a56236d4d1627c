"""Read the stimuli of data sets: their facts, and their pictures one at a time."""

import io
import os
from collections import deque
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.datasets.dataset import RawItem, Stimuli, Stimulus
from atsal.errors import DataError, MediaError, TruncatedMediaError
from atsal.untrusted.archives import Archive
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.pictures import open_picture, picture_errors
from atsal.untrusted.text import escape_controls
from atsal.video.image_reader import read_image
from atsal.video.isolation import isolatable
from atsal.video.media_files import classify, list_frames
from atsal.video.pixels import has_16_bit_channels, scale_image, upright_pixels
from atsal.video.probe import VideoInfo, probe_video
from atsal.video.reader import Frame, read_frames, read_image_sequence
from atsal.video.timed_frames import are_evenly_spaced, frame_times

Picture = NDArray[np.uint8]
_LARGEST_PHOTO = 256 * 2**20  # bytes of a picture in an archive
_LAST_S = 1.0  # of a video, decoded to see that the file is complete
_ANY_RATE = 1.0  # of a folder of pictures: only the numbers of its frames matter


def describe(item: RawItem, stimuli: Stimuli) -> Stimulus:
    """Return the facts about the stimulus of an item. Raises `MediaError` if it cannot be read."""
    if item.stimulus is None:
        return Stimulus()
    if stimuli == "photos":
        height, width = read_photo(item.stimulus, item.member).shape[:2]
        return Stimulus("photo", width, height)
    if item.stimulus.is_dir():
        files = list_frames(item.stimulus)
        height, width = read_image(files[0]).shape[:2]
        return Stimulus("frames", width, height, len(files))
    if classify(item.stimulus) == "image":
        height, width = read_image(item.stimulus).shape[:2]
        return Stimulus("image", width, height)
    info = probe_video(item.stimulus, count=True)
    _check_end(item.stimulus, info)
    times = frame_times(item.stimulus)
    rate = info.frame_rate or None
    uneven = not are_evenly_spaced(times, info.frame_rate)
    return Stimulus(
        "video", *info.eye_size, len(times), rate, info.duration_s, uneven, frame_times_s=times if uneven else None
    )


def _check_end(path: Path, info: VideoInfo) -> None:
    """Raise `TruncatedMediaError` if a video breaks off: the header of a truncated copy may state its full length."""
    start_s = max(0.0, (info.duration_s or 0.0) - _LAST_S)
    try:
        for _ in read_frames(path, size=(32, 16), start_s=start_s):
            pass
    except TruncatedMediaError:
        raise
    except MediaError:
        if start_s == 0:
            raise  # otherwise the pictures just end a little before the sound


def read_picture(
    path: Path,
    stimulus: Stimulus,
    frame_index: int = 0,
    *,
    member: str | None = None,
    size: tuple[int, int] | None = None,
) -> Picture:
    """Read a still, or one frame of a video, (H, W, 3) uint8 RGB; FFmpeg scales that of a video to `size`.

    Raises `DataError` for a frame past the end.
    """
    if stimulus.kind == "photo":
        return read_photo(path, member)
    if stimulus.kind == "image":
        return read_image(path)
    if stimulus.kind == "frames":
        files = list_frames(path)
        if not 0 <= frame_index < len(files):
            raise DataError(f"{path}: no frame {frame_index}; the folder holds {len(files)} pictures")
        return read_image(files[frame_index])
    return next(read_some_frames(path, stimulus, [frame_index], size))


def read_all_frames(path: Path, stimulus: Stimulus, size: tuple[int, int]) -> Iterator[Frame]:
    """Read every frame of a video or of a folder of pictures, scaled to (width, height)."""
    if stimulus.kind == "frames":
        return read_image_sequence(path, fps=_ANY_RATE, size=size)
    return read_frames(path, size=size)


def read_some_frames(
    path: Path, stimulus: Stimulus, frame_indices: Collection[int], size: tuple[int, int] | None
) -> Iterator[Picture]:
    """Read frames of a video, of a folder of pictures, or an image as its only frame, sorted by number.

    Seeks once in a video and reads on from there. Scales each frame to (width, height), if given. Raises `DataError`
    for a frame past the end.
    """
    wanted = sorted(set(frame_indices))
    if stimulus.kind in ("image", "frames"):
        for index in wanted:
            picture = read_picture(path, stimulus, index)
            yield picture if size is None else scale_image(picture, size)
        return
    if not wanted:
        return
    remaining = deque(wanted)
    for frame in read_frames(path, size=size, start_s=_seek_time(stimulus, wanted[0])):
        if frame.index == remaining[0]:
            yield frame.image
            remaining.popleft()
        if not remaining:
            return
    raise DataError(f"{path}: no frame {remaining[0]}; the video is shorter than when it was prepared")


def _seek_time(stimulus: Stimulus, frame_index: int) -> float:
    """Return a time at or just before a frame; 0 if the frames are not evenly spaced."""
    rate = stimulus.frames_per_s or 0
    return max(0.0, (frame_index - 1) / rate) if rate and not stimulus.uneven_rate else 0.0


@isolatable
def read_photo(path: Path, member: str | None = None) -> Picture:
    """Read a flat photo of any shape, (H, W, 3) uint8 RGB, upright by its EXIF; `member` names it inside an archive.

    Raises what `open_picture` and `upright_pixels` raise, and `DataError` for an archive or member that cannot be read.
    """
    name = f"{path}: {escape_controls(member)}" if member else str(path)
    with picture_errors(name):
        content = None if member is None else _read_member(path, member)
        with open_picture(path, content, name=name) as image:
            return upright_pixels(image, name, has_16_bits=has_16_bit_channels(image)).pixels


def _read_member(path: Path, member: str) -> io.BytesIO:
    return io.BytesIO(_open_archive(path, path.stat().st_mtime_ns, os.getpid()).read(member, _LARGEST_PHOTO))


@lru_cache(maxsize=4)
def _open_archive(path: Path, _changed_ns: int, _process: int) -> Archive:
    """Keep archives open, because reading the directory takes longer than a photo; a forked process opens its own."""
    return Archive(path, ErrorFactory(DataError, path, "copy or download it again"))

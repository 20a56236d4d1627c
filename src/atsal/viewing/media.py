"""The video or photo as a browser shows it: the file itself, or a copy that it can play."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image

from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.prediction.formats import next_even
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.video.media_files import VIDEO_SUFFIXES
from atsal.video.probe import VideoInfo, probe_video
from atsal.video.writer import VideoWriter
from atsal.viewing.scene import Media

COPY_WIDTH = 1920  # of a copy of a video; every browser and device plays it
PHOTO_WIDTH = 8192  # what nearly every graphics card takes
_WHOLE = (0.0, 0.0, 1.0, 1.0)
_ANY_VIDEO = ".mp4"  # for other endings: a video that ends in .html would be a page of the web server's
_JPEG_QUALITY = 92


def prepare_media(
    source: Source, reading: ReadOptions, folder: Path, *, copy: bool, on_frame: Callable[[], None] = lambda: None
) -> tuple[Media, Path]:
    """Return what the page needs to know about the source, and the file that it shows.

    A video is shown as it is, or with `copy` as an H.264 copy in `folder`. Copied are also a folder of frames, and a
    video of several video streams, of which a browser may show another one. A photo is copied as JPEG: browsers do not
    read all formats, and the copy holds the left view without metadata. `on_frame` is called for each copied frame.
    """
    if source.kind == "image":
        return _copy_photo(source, reading, folder)
    if copy or source.kind == "sequence" or _has_several_streams(source, reading):
        return _copy_video(source, reading, folder, on_frame)
    info = probe_video(source.path, reading.stereo)
    suffix = source.path.suffix.lower()
    name = f"media{suffix if suffix in VIDEO_SUFFIXES else _ANY_VIDEO}"
    width, height = info.eye_size
    media = Media(
        "video", name, source.path.name, width, height, _crop(info), info.codec, info.frame_rate, info.duration_s or 0.0
    )
    return media, source.path


def _has_several_streams(source: Source, reading: ReadOptions) -> bool:
    return probe_video(source.path, reading.stereo).video_streams > 1


def _crop(info: VideoInfo) -> tuple[float, float, float, float]:
    """Return the left view as shares of the picture, as it is shown after the rotation that the file asks for."""
    swapped = info.view.rotation.swaps_sides
    width, height = (info.height, info.width) if swapped else (info.width, info.height)
    left, top, crop_width, crop_height = info.view.crop
    return left / width, top / height, crop_width / width, crop_height / height


def _copy_photo(source: Source, reading: ReadOptions, folder: Path) -> tuple[Media, Path]:
    picture = Image.fromarray(next(source.frames(reading, None)).image)
    if picture.width > PHOTO_WIDTH:
        picture = picture.resize((PHOTO_WIDTH, PHOTO_WIDTH // 2), Image.Resampling.BOX)
    path = folder / "media.jpg"
    with output_errors(path), atomic_file(path) as part:
        picture.save(part, format="JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return Media("image", path.name, source.path.name, picture.width, picture.height, _WHOLE, "", 0.0, 0.0), path


def _copy_video(source: Source, reading: ReadOptions, folder: Path, on_frame: Callable[[], None]) -> tuple[Media, Path]:
    whole = replace(reading, start_s=0.0, duration_s=None, max_frames=None)
    if source.kind == "video":
        whole = ReadOptions(stereo=reading.stereo)
    width, height = source.view_size(whole)
    scale = min(1.0, COPY_WIDTH / width)
    size = next_even(round(width * scale)), next_even(round(height * scale))
    rate, path = source.output_rate(whole), folder / "media.mp4"
    sound, time_s = source.path if source.kind == "video" else None, 0.0
    with VideoWriter(path, size, rate, audio_from=sound) as writer:
        for frame in source.frames(whole, size):
            time_s = frame.timestamp_s
            writer.write(frame.image, time_s)
            on_frame()
    return Media("video", path.name, source.path.name, *size, _WHOLE, "h264", rate, time_s + 1 / rate), path

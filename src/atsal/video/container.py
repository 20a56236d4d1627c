"""Opening a video file, and choosing the stream of its pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from atsal.errors import MediaError
from atsal.untrusted.files import check_readable

# FFmpeg opens a still picture as a video of one frame, and any text as "ansi" art; neither is meant here.
_STILL_FORMATS = ("image2", "_pipe")
# Titles may be of any bytes. PyAV 19 takes them as they are; those before refuse what is no UTF-8 unless told not to.
_ANY_TITLE: dict[str, Any] = {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "replace"}
_NO_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails
PROGRAM_STREAM = b"\0\0\1\xba"  # how one begins
MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")  # what an MP4 or MOV may begin with, after 4 bytes
_NOT_A_VIDEO_FORMATS = ("tty", "bin", "xbin", "adf", "idf")


@contextmanager
def open_video(path: Path, *, threaded: bool = False) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open `path` and choose its picture stream (never a cover picture); closed on leaving.

    With `threaded`, frames are decoded on all cores, at the price of some packets read ahead.

    Raises:
        MediaError: missing, a folder, empty, unreadable, not a video, cut off before its index, without pictures, or
            of a codec that this FFmpeg cannot decode.

    """
    check_readable(path, "video")
    try:
        container = open_container(path)
    except av.FFmpegError as error:
        raise MediaError(_unopened_message(path, error)) from error
    with container:
        _refuse_other_kinds(path, container.format.name)
        stream = _checked_stream(path, container)
        if threaded:
            stream.codec_context.thread_type = "AUTO"
        yield container, stream


def open_container(path: Path) -> InputContainer:
    """Open a file for reading; raises what PyAV raises.

    Only local files: a playlist must not make this process fetch something from the network.
    """
    with path.open("rb") as file:  # by the name, FFmpeg takes a program stream called .jpg for a picture
        known = "mpeg" if file.read(len(PROGRAM_STREAM)) == PROGRAM_STREAM else None
    container: InputContainer = av.open(
        str(path.absolute()), mode="r", format=known, options={"protocol_whitelist": "file"}, **_ANY_TITLE
    )
    return container


def picture_streams(container: InputContainer) -> list[VideoStream]:
    """The video streams of a file but for cover pictures and thumbnails."""
    return [stream for stream in container.streams.video if not _NO_VIDEO & stream.disposition]


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The stream that is used: the default one, of several the largest; None where there is none."""
    return max(picture_streams(container), key=_rank, default=None)


def picture_size(stream: VideoStream) -> tuple[int, int]:
    """(width, height) as stored; zeros where that cannot be told."""
    return (0, 0) if stream.codec_context is None else (stream.width, stream.height)


def _rank(stream: VideoStream) -> tuple[bool, int]:
    width, height = picture_size(stream)
    return bool(Disposition.default & stream.disposition), width * height


def _checked_stream(path: Path, container: InputContainer) -> VideoStream:
    stream = picture_stream(container)
    if stream is None:
        kinds = sorted(str(s.type) for s in container.streams) or ["nothing"]
        raise MediaError(
            f"{path}: holds no pictures, only {', '.join(dict.fromkeys(kinds))}; expected a video. Choose another file."
        )
    if stream.codec_context is None:
        raise MediaError(
            f"{path}: its pictures are in a codec that this FFmpeg build cannot decode; convert it to H.264 first."
        )
    if not stream.width or not stream.height:
        raise MediaError(
            f"{path}: holds a video stream without a picture size, so no frame can be decoded; expected a complete "
            "video. Copy or download it again."
        )
    return stream


def _refuse_other_kinds(path: Path, format_name: str) -> None:
    if format_name.endswith(_STILL_FORMATS):
        raise MediaError(f"{path}: is a still picture ({format_name}); expected a video. Read it as an image instead.")
    if format_name in _NOT_A_VIDEO_FORMATS:
        raise MediaError(f"{path}: is not a video (it looks like {format_name} text); choose another file.")


def _unopened_message(path: Path, error: av.FFmpegError) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] in MP4_BOXES:
        return (
            f"{path}: is an MP4 or MOV without its index (the 'moov' box): the recording or copy was cut off; expected "
            "a complete file. Copy it again, or repair it with a tool such as untrunc."
        )
    reason = error.strerror or type(error).__name__
    return (
        f"{path}: cannot be read as a video (FFmpeg says: {reason}; the file begins with {head[:8].hex(' ')}); "
        "expected a video such as MP4, MOV, MKV or WebM. Check that it plays elsewhere, or download it again."
    )

"""Opening a video file, and the facts its container states about the picture stream."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from atsal.errors import MediaError

# FFmpeg opens a still picture as a video of one frame, and any text as "ansi" art; neither is meant here.
_STILL_FORMATS = ("image2", "_pipe")
_FORMATS_WITHOUT_TIMES = ("avi", "h264", "hevc", "vvc", "av1", "obu", "m4v", "mpegvideo", "mjpeg")
# Titles may be of any bytes. PyAV 19 takes them as they are; those before refuse what is no UTF-8 unless told not to.
_ANY_TITLE: dict[str, Any] = {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "replace"}
_NOT_A_VIDEO_FORMATS = ("tty", "bin", "xbin", "adf", "idf")


@dataclass(frozen=True)
class StreamFacts:
    """What the container says; every time is in seconds, every `None` means that it does not say."""

    time_base: Fraction
    start_pts: int | None
    frame_rate: Fraction | None  # average
    base_rate: Fraction | None  # the rate of the finest grid on which all timestamps lie
    stated_frames: int | None
    duration_s: float | None
    without_times: bool  # AVI and raw streams: frames follow one another at one rate, and FFmpeg only guesses times

    @property
    def variable_rate(self) -> bool:
        """Whether frames are missing from the grid of the base rate: half a frame or more over the whole clip."""
        if self.frame_rate is None or self.base_rate is None:
            return False
        difference = abs(float(self.base_rate - self.frame_rate))
        return difference * (self.duration_s or 1.0) >= 0.5

    @property
    def expected_frames(self) -> int | None:
        """The number of frames that is stated or, failing that, that length and rate imply."""
        if self.stated_frames is None and self.duration_s and self.frame_rate:
            return round(self.duration_s * float(self.frame_rate))
        return self.stated_frames

    def ends_early(self, last_s: float, frames: int | None = None) -> bool:
        """Tell whether a last frame at `last_s`, seconds after the first, is clearly before the stated length.

        Where `frames`, the number of frames found, is given, it must fall short as well: an edit list hides frames, and
        a last frame may stand for long.
        """
        expected = self.expected_frames
        if not expected or not self.duration_s:
            return False
        if frames is not None and expected - frames <= max(2, expected // 100):
            return False
        frame_s = self.duration_s / expected
        # Without a stated count, the length can include silence or a still end: allow half a second.
        slack_s = max(2 * frame_s, self.duration_s / 100, 0.0 if self.stated_frames else 0.5)
        return last_s + frame_s + slack_s < self.duration_s

    @property
    def grid_is_certain(self) -> bool:
        """Whether a frame's number follows from its time alone: a stated count that fills the grid of one rate."""
        return self.stated_frames is not None and self.start_pts is not None and not self.variable_rate


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
        stream = _picture_stream(path, container)
        if threaded:
            stream.codec_context.thread_type = "AUTO"
        yield container, stream


def open_container(path: Path) -> InputContainer:
    """Open a file for reading; raises what PyAV raises.

    Only local files: a playlist must not make this process fetch something from the network.
    """
    container: InputContainer = av.open(
        str(path.absolute()), mode="r", options={"protocol_whitelist": "file"}, **_ANY_TITLE
    )
    return container


def check_readable(path: Path, kind: str) -> None:
    """Raise MediaError unless `path` is a file with something in it that may be read."""
    if not path.exists():
        raise MediaError(f"{path}: no such file; expected {_an(kind)}. Check the path (seen from {Path.cwd()}).")
    if path.is_dir():
        raise MediaError(f"{path}: is a folder; expected one {kind} file. Name a file inside it.")
    if not os.access(path, os.R_OK):
        raise MediaError(f"{path}: may not be read; expected a readable {kind}. Change its permissions.")
    if path.is_file() and path.stat().st_size == 0:
        raise MediaError(f"{path}: is empty (0 bytes); expected {_an(kind)}. Copy or download it again.")


def _an(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def stream_facts(container: InputContainer, stream: VideoStream) -> StreamFacts:
    """Collect what the container states about `stream`."""
    time_base = stream.time_base or Fraction(1, 90000)  # what is not stated is None, in PyAV 19 a zero
    return StreamFacts(
        time_base=time_base,
        start_pts=stream.start_time,
        frame_rate=stream.average_rate or stream.guessed_rate or None,
        base_rate=stream.base_rate or None,
        stated_frames=stream.frames or None,
        duration_s=_duration_s(container, stream, time_base),
        without_times=container.format.name in _FORMATS_WITHOUT_TIMES,
    )


def _duration_s(container: InputContainer, stream: VideoStream, time_base: Fraction) -> float | None:
    if stream.duration:
        return float(stream.duration * time_base)
    tag = stream.metadata.get("DURATION", "")  # Matroska states it per stream as H:MM:SS.fraction
    parts = tag.strip("\0 ").split(":")
    # Matroska's lengths count from time zero, not from the first frame.
    start_s = float((stream.start_time or 0) * time_base) if "matroska" in container.format.name else 0.0
    if len(parts) == 3 and all(part.replace(".", "", 1).isdigit() for part in parts):
        return int(parts[0]) * 3600 + int(parts[1]) * 60 + float(parts[2]) - start_s
    # The container's length counts the sound too, so it speaks for the pictures only where no other stream is.
    if container.duration and len(container.streams) == 1:
        return container.duration / av.time_base - start_s
    return None


def _picture_stream(path: Path, container: InputContainer) -> VideoStream:
    streams = [s for s in container.streams.video if not Disposition.attached_pic & s.disposition]
    if not streams:
        kinds = sorted(str(s.type) for s in container.streams) or ["nothing"]
        raise MediaError(
            f"{path}: holds no pictures, only {', '.join(dict.fromkeys(kinds))}; expected a video. Choose another file."
        )
    stream = streams[0]
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
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"):
        return (
            f"{path}: is an MP4 or MOV without its index (the 'moov' box): the recording or copy was cut off; expected "
            "a complete file. Copy it again, or repair it with a tool such as untrunc."
        )
    reason = error.strerror or type(error).__name__
    return (
        f"{path}: cannot be read as a video (FFmpeg says: {reason}; the file begins with {head[:8].hex(' ')}); "
        "expected a video such as MP4, MOV, MKV or WebM. Check that it plays elsewhere, or download it again."
    )

"""What a video is, before it is read: size, rate, length, stereo layout, and what is odd about it."""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from atsal.errors import MediaError
from atsal.untrusted.files import check_readable
from atsal.video.camera import refuse_camera_original
from atsal.video.container import open_video, picture_streams
from atsal.video.spherical_tags import has_spherical_tag
from atsal.video.stereo import SMALL_HEIGHT, StereoChoice, StereoLayout
from atsal.video.stream_timing import StreamFacts, stream_facts
from atsal.video.timeline import counted
from atsal.video.video_metadata import read_stated
from atsal.video.view import View, choose_view

_QUICKLY_READ_BYTES = 1 << 25
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}  # ITU-T H.273, transfer characteristics


@dataclass(frozen=True)
class VideoInfo:
    """A video's facts. Sizes are in pixels, times in seconds.

    `frame_count` is how many frames are shown: by the container's index, counted, or else length times rate.
    `frame_rate` is the average. `start_s` is the container's time of the first frame; `Frame.timestamp_s` counts from
    there. `view` is the view that is used and how it is taken out of the picture. `oddities` are sentences for people,
    of which `view.notes` are the first.
    """

    path: Path
    container: str  # FFmpeg's name of it, as "mpegts"
    width: int  # as stored
    height: int
    codec: str
    pixel_format: str
    frame_rate: float
    frame_count: int | None
    duration_s: float | None
    start_s: float
    variable_frame_rate: bool
    has_audio: bool
    spherical_tagged: bool
    view: View
    oddities: tuple[str, ...]

    @property
    def stereo(self) -> StereoLayout:
        """The layout of the views."""
        return self.view.stereo

    @property
    def eye_size(self) -> tuple[int, int]:
        """(width, height) of the view that is used."""
        return self.view.size


def probe_video(path: Path | str, stereo: StereoChoice = "auto", *, count: bool = False) -> VideoInfo:
    """Look at a video: its header, and its first frame as proof that it decodes.

    Small files without an index are read to their end to count their frames; with `count`, large ones too.

    Raises:
        MediaError: the file cannot be opened as a video, holds no frame, or is not a 360° view, by its shape or by what
            it says of itself (see `read_stated`, `choose_view`).
        ConfigError: `stereo` is not a layout.

    """
    path = Path(path)
    check_readable(path, "video")
    found = path.stat()
    return _probe(path, stereo, count, (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))


@lru_cache(maxsize=4)  # a run asks for several things at once, and to count the frames is to read the whole file
def _probe(path: Path, stereo: StereoChoice, count: bool, _version: tuple[int, ...]) -> VideoInfo:
    with open_video(path) as (container, stream):
        facts, jump = _facts(path, stream_facts(container, stream), count=count)
        first = _first_frame(path, container, stream)
        stated = read_stated(path, stream, first)
        refuse_camera_original(path, container, sphere=stated.sphere)
        pixel_shape = Fraction(stream.sample_aspect_ratio or 1)
        view = choose_view(path, (first.width, first.height), pixel_shape, stated, stereo)
        view = replace(view, notes=(*_stream_notes(container, stream), *view.notes))
        tagged = stated.sphere or has_spherical_tag(path)
        rate = float(facts.frame_rate or 0)
        return VideoInfo(
            path=path,
            container=container.format.name,
            width=first.width,
            height=first.height,
            codec=stream.codec_context.codec.canonical_name,
            pixel_format=first.format.name,
            frame_rate=rate,
            frame_count=facts.expected_frames,
            duration_s=facts.duration_s,
            start_s=float((facts.start_pts or 0) * facts.time_base),
            variable_frame_rate=facts.variable_rate,
            has_audio=bool(container.streams.audio),
            spherical_tagged=tagged,
            view=view,
            oddities=(
                *view.notes,
                *_picture_oddities(first, view, tagged, container.format.name),
                *_time_oddities(facts),
                *jump,
            ),
        )


def _facts(path: Path, facts: StreamFacts, *, count: bool) -> tuple[StreamFacts, list[str]]:
    """The facts, counted where that is quick or asked for, and what counting met with."""
    if facts.indexed or not (count or path.stat().st_size <= _QUICKLY_READ_BYTES):
        return facts, []
    try:
        return counted(path, facts), []
    except MediaError as error:
        return facts, [str(error).removeprefix(f"{path}: ")]


def _first_frame(path: Path, container: InputContainer, stream: VideoStream) -> VideoFrame:
    reason = "it has no packets"
    # A damaged beginning is passed over, but a hopeless file is not read to its end.
    for packet in islice(container.demux(stream), 1000):
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            reason = error.strerror or type(error).__name__
            continue
        if frames:
            return frames[0]
    raise MediaError(
        f"{path}: not one frame could be decoded ({reason}); expected a video with pictures. Check that it plays "
        "elsewhere, or download it again."
    )


def _stream_notes(container: InputContainer, stream: VideoStream) -> list[str]:
    others = len(picture_streams(container)) - 1
    if not others:
        return []
    default = "the default one" if Disposition.default & stream.disposition else "the largest"
    which = f"stream {stream.index} ({stream.width}x{stream.height}), {default},"
    return [f"holds {others + 1} video streams; {which} is used"]


def _picture_oddities(first: VideoFrame, view: View, tagged: bool, format_name: str) -> list[str]:
    found = []
    width, height = view.size
    if width != 2 * height:
        found.append(f"the view is {width}x{height}, not exactly 2:1")
    if not tagged and "mp4" in format_name:
        found.append("no spherical tag, so players may show it flat; the shape says it is 360°")
    if width % 2 or height % 2:
        found.append(f"the view's size {width}x{height} is odd; most encoders need even sizes")
    if height < SMALL_HEIGHT:
        found.append(f"only {height} pixels high, lower than most models work at")
    if first.interlaced_frame:
        found.append("interlaced; fields are not separated")
    return found + _colour_oddities(first)


def _colour_oddities(first: VideoFrame) -> list[str]:
    found = []
    bits = max((component.bits for component in first.format.components), default=8)
    if bits > 8:
        found.append(f"{bits} bits per colour; reduced to 8")
    if first.color_trc in _HDR_TRANSFERS:
        found.append(f"high dynamic range ({_HDR_TRANSFERS[first.color_trc]}); not tone-mapped, so it looks pale")
    return found


def _time_oddities(facts: StreamFacts) -> list[str]:
    found = []
    if facts.variable_rate:
        found.append(f"variable frame rate (on average {float(facts.frame_rate or 0):.2f} frames per second)")
    if facts.frame_rate is None:
        found.append("no frame rate is stated")
    start_s = float((facts.start_pts or 0) * facts.time_base)
    if start_s:
        found.append(f"the first frame is at {start_s:.3f} s in the file; timestamps are counted from it")
    if facts.duration_s is None:
        found.append("no length is stated")
    return found

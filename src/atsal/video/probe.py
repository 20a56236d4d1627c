"""What a video is, before it is read: size, rate, length, stereo layout, and what is odd about it."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from atsal.errors import MediaError
from atsal.video.opening import StreamFacts, open_video, stream_facts
from atsal.video.spherical import has_spherical_tag
from atsal.video.stereo import SMALL_HEIGHT, StereoChoice, StereoLayout, View, choose_view

_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}  # ITU-T H.273, transfer characteristics


@dataclass(frozen=True)
class VideoInfo:
    """A video's facts. Sizes are in pixels, times in seconds.

    `frame_count` is the container's own count or, where it states none, length times rate. `frame_rate` is the average.
    `start_s` is the container's time of the first frame; `Frame.timestamp_s` counts from there. `eye_size` is the
    (width, height) of the view that is used. `oddities` are sentences for people.
    """

    path: Path
    width: int
    height: int
    codec: str
    pixel_format: str
    frame_rate: float
    frame_count: int | None
    duration_s: float | None
    start_s: float
    variable_frame_rate: bool
    has_audio: bool
    stereo: StereoLayout
    spherical_tagged: bool
    eye_size: tuple[int, int]
    oddities: tuple[str, ...]


def probe_video(path: Path | str, stereo: StereoChoice = "auto") -> VideoInfo:
    """Look at a video: its header, and its first frame as proof that it decodes.

    Raises:
        MediaError: the file cannot be opened as a video, holds no frame, or is not a 360° view (see `choose_view`).
        ConfigError: `stereo` is not a layout.

    """
    path = Path(path)
    with open_video(path) as (container, stream):
        view = choose_view(path, stream.width, stream.height, stereo)
        facts = stream_facts(container, stream)
        first = _first_frame(path, container, stream)
        tagged = has_spherical_tag(path)
        rate = float(facts.frame_rate or 0)
        return VideoInfo(
            path=path,
            width=stream.width,
            height=stream.height,
            codec=stream.codec_context.codec.canonical_name,
            pixel_format=first.format.name,
            frame_rate=rate,
            frame_count=facts.expected_frames,
            duration_s=facts.duration_s,
            start_s=float((facts.start_pts or 0) * facts.time_base),
            variable_frame_rate=facts.variable_rate,
            has_audio=bool(container.streams.audio),
            stereo=view.stereo,
            spherical_tagged=tagged,
            eye_size=(view.width, view.height),
            oddities=(
                *_picture_oddities(stream, first, view, tagged, container.format.name),
                *_time_oddities(facts),
            ),
        )


def frame_times(path: Path | str) -> NDArray[np.float64]:
    """Seconds of every frame since the first, (F,) ascending, without decoding any: for videos of uneven rate.

    Raises `MediaError` as `probe_video`, and for a file without times.
    """
    with open_video(Path(path)) as (container, stream):
        ticks = [packet.pts for packet in container.demux(stream) if packet.pts is not None and packet.size]
        time_base = stream_facts(container, stream).time_base
    if not ticks:
        raise MediaError(f"{path}: its frames have no times; write it again at a constant rate")
    return (np.sort(np.array(ticks, np.float64)) - min(ticks)) * float(time_base)


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


def _picture_oddities(stream: VideoStream, first: VideoFrame, view: View, tagged: bool, format_name: str) -> list[str]:
    found = []
    if view.width != 2 * view.height:
        found.append(f"the view is {view.width}x{view.height}, not exactly 2:1")
    if view.stereo != "mono":
        found.append(f"two views, {view.stereo}, judged by the shape {stream.width}x{stream.height}; the left is used")
    if not tagged and "mp4" in format_name:
        found.append("no spherical tag, so players may show it flat; the shape says it is 360°")
    if view.width % 2 or view.height % 2:
        found.append(f"the view's size {view.width}x{view.height} is odd; most encoders need even sizes")
    if view.height < SMALL_HEIGHT:
        found.append(f"only {view.height} pixels high, lower than most models work at")
    if stream.sample_aspect_ratio not in (None, 0, 1):
        found.append(f"marked as having pixels of shape {stream.sample_aspect_ratio}; the stored pixels are used as is")
    if getattr(first, "rotation", 0):
        found.append(f"marked as turned by {first.rotation}°; the stored picture is used unturned")
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

"""Describe a video before it is read: size, rate, length, stereo layout, and what is unusual about it."""

from dataclasses import dataclass
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
from atsal.remote.path import as_path
from atsal.untrusted.files import check_readable
from atsal.video.container import open_video, picture_streams, read_packets, refuse_camera_original
from atsal.video.isolation import isolatable
from atsal.video.spherical_tags import has_spherical_tag
from atsal.video.stereo_layout import MediaInfo, StereoChoice, choose_view
from atsal.video.stream_timing import StreamTiming, read_timing
from atsal.video.timed_frames import count_frames
from atsal.video.video_metadata import read_video_metadata

_QUICKLY_READ_BYTES = 1 << 25
_MAX_PACKETS = 1000  # until the first frame: a damaged start is skipped, but a hopeless file is not read to its end
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}  # ITU-T H.273, transfer characteristics


@dataclass(frozen=True)
class VideoInfo(MediaInfo):
    """The facts of a video; times are in seconds.

    `frame_count` is how many frames are shown: by the container's index, counted, or else length times rate.
    `frame_rate` is the average. `start_s` is the container's time of the first frame; `Frame.timestamp_s` counts from
    there. `pixel_aspect` is the width of a stored pixel by its height. `video_streams` counts no covers.
    """

    codec: str
    pixel_format: str
    frame_rate: float
    frame_count: int | None
    duration_s: float | None
    start_s: float
    variable_frame_rate: bool
    has_audio: bool
    spherical_tagged: bool
    pixel_aspect: Fraction
    video_streams: int


@isolatable
def probe_video(path: Path | str, stereo: StereoChoice = "auto", *, count: bool = False) -> VideoInfo:
    """Describe a video by its header, and by its first frame, which proves that it decodes.

    Small files without an index are read to their end to count their frames; with `count`, large ones too. Raises
    MediaError for a file that is not a video, holds no frame, or is not a 360° view (see `read_video_metadata`,
    `choose_view`), and ConfigError for an unknown `stereo`.
    """
    path = as_path(path)
    check_readable(path, "video")
    status = path.stat()
    return _probe(path, stereo, count, (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))


@lru_cache(maxsize=4)  # a run asks several times, and counting the frames reads the whole file
def _probe(path: Path, stereo: StereoChoice, count: bool, _version: tuple[int, ...]) -> VideoInfo:
    with open_video(path) as (container, stream):
        timing, counting_remarks = read_timing(path, container, stream), []
        if not timing.is_indexed and (count or path.stat().st_size <= _QUICKLY_READ_BYTES):
            try:
                timing = count_frames(path, timing)
            except MediaError as error:
                counting_remarks.append(str(error).removeprefix(f"{path}: "))
        first = _first_frame(path, container, stream)
        stated = read_video_metadata(path, stream, first)
        refuse_camera_original(path, container, is_sphere=stated.is_sphere)
        pixel_aspect = Fraction(stream.sample_aspect_ratio or 1)
        view = choose_view(path, (first.width, first.height), pixel_aspect, stated, stereo)
        tagged = stated.is_sphere or has_spherical_tag(path)
        lacks_tag = not tagged and "mp4" in container.format.name
        notes = (*_stream_notes(container, stream), *view.notes)
        remarks = _remarks(first, view.size, timing, lacks_tag=lacks_tag)
        return VideoInfo(
            path=path,
            width=first.width,
            height=first.height,
            codec=stream.codec_context.codec.canonical_name,
            pixel_format=first.format.name,
            frame_rate=float(timing.frame_rate or 0),
            frame_count=timing.expected_frames,
            duration_s=timing.duration_s,
            start_s=timing.start_s,
            variable_frame_rate=timing.variable_rate,
            has_audio=bool(container.streams.audio),
            spherical_tagged=tagged,
            pixel_aspect=pixel_aspect,
            video_streams=len(picture_streams(container)),
            view=view,
            notes=notes,
            remarks=(*notes, *view.remarks(), *remarks, *counting_remarks),
        )


def _first_frame(path: Path, container: InputContainer, stream: VideoStream) -> VideoFrame:
    reason = "it has no packets"
    packets = islice(read_packets(container, stream), _MAX_PACKETS)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                break
            if frames := packet.decode():
                return frames[0]
        except av.FFmpegError as error:  # of the decoder; of the container, after which there are no more packets
            reason = error.strerror or type(error).__name__
    raise MediaError(
        f"{path}: not one frame could be decoded ({reason}); expected a video with pictures. Check that it plays "
        "elsewhere, or download it again."
    )


def _stream_notes(container: InputContainer, stream: VideoStream) -> list[str]:
    notes, count, tracks = [], len(picture_streams(container)), len(container.streams.audio)
    if count > 1:
        reason = "the default one" if Disposition.default & stream.disposition else "the largest"
        size = f"{stream.width}x{stream.height}"
        notes.append(f"holds {count} video streams; stream {stream.index} ({size}), {reason}, is used")
    if tracks > 1:
        notes.append(f"holds {tracks} sound tracks; a video that is written gets the first")
    return notes


def _remarks(first: VideoFrame, size: tuple[int, int], timing: StreamTiming, *, lacks_tag: bool) -> list[str]:
    width, height = size
    bits = max((component.bits for component in first.format.components), default=8)
    transfer, rate = _HDR_TRANSFERS.get(first.color_trc), float(timing.frame_rate or 0)
    remarks = {
        f"the view's size {width}x{height} is odd; most encoders need even sizes": width % 2 or height % 2,
        "no spherical tag, so players may show it flat; the shape says it is 360°": lacks_tag,
        "interlaced; fields are not separated": first.interlaced_frame,
        f"{bits} bits per colour; reduced to 8": bits > 8,
        f"high dynamic range ({transfer}); not tone-mapped, so it looks pale": transfer,
        f"variable frame rate (on average {rate:.2f} frames per second)": timing.variable_rate,
        "no frame rate is stated": timing.frame_rate is None,
        f"the first frame is at {timing.start_s:.3f} s in the file; timestamps are counted from it": timing.start_s,
        "no length is stated": timing.duration_s is None,
    }
    return [remark for remark, applies in remarks.items() if applies]

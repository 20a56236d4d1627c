"""Prepare decoded pictures for an encoder: upright, in a pixel format that it takes, with regions of interest."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.filter import Graph
from av.video.frame import PictureType, VideoFrame

from atsal.encoding.codecs import Codec
from atsal.encoding.guide import Guide, rectangles
from atsal.encoding.offsets import Offsets
from atsal.errors import MediaError
from atsal.video.mp4_writer import Colour
from atsal.video.probe import VideoInfo
from atsal.video.timed_frames import read_pictures

_ANY_TIME_BASE = Fraction(1, 90000)


@dataclass(frozen=True)
class PictureFormat:
    """What the encoded pictures keep of the source's."""

    pixel_format: str
    bits: int
    colour: Colour
    pixel_aspect: Fraction | None  # None: square pixels


def choose_format(info: VideoInfo, codec: Codec) -> PictureFormat:
    """Return the format to encode a video in: its own where the encoder takes it, else 4:2:0 with 8 bits.

    Raises `MediaError` for a bit depth that the encoder does not have, and for an odd size.
    """
    if info.width % 2 or info.height % 2:
        raise MediaError(
            f"{info.path}: is {info.width}x{info.height}; encoders need even sides. Scale it first: ffmpeg -i FILE -vf "
            f"scale={info.width + info.width % 2}:{info.height + info.height % 2} NEW.mp4"
        )
    frame = next(read_pictures(info.path)).picture
    bits = max(component.bits for component in frame.format.components)
    if bits > codec.most_bits:
        raise MediaError(
            f"{info.path}: has {bits} bits per colour; {codec.name} is encoded with at most {codec.most_bits} here. "
            "Choose another codec, or convert the video to 8 bits first"
        )
    taken = {form.name for form in av.Codec(codec.encoder, "w").video_formats or ()}
    keeps = frame.format.name in taken and not frame.format.is_rgb and len(frame.format.components) == 3
    colour = Colour(frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range)
    return PictureFormat(
        frame.format.name if keeps else f"yuv420p{'10le' if bits > 8 else ''}",
        bits,
        colour,
        _pixel_aspect(info),
    )


def _pixel_aspect(info: VideoInfo) -> Fraction | None:
    if info.pixel_aspect == 1:
        return None
    return 1 / info.pixel_aspect if info.view.rotation.swaps_sides else info.pixel_aspect


class PictureFilter:
    """Gives the pictures of a video to an encoder; with a guide, each with the regions of its time."""

    def __init__(self, info: VideoInfo, codec: Codec, form: PictureFormat, guide: Guide | None) -> None:
        self._info, self._codec, self._form, self._guide = info, codec, form, guide
        self._graph: Graph | None = None
        self._built_for: tuple[str, Offsets | None] = ("", None)

    def __iter__(self) -> Iterator[tuple[VideoFrame, float]]:
        """Yield every picture with its time; raise `MediaError` for a damaged video."""
        for timed in read_pictures(self._info.path):
            frame = timed.picture
            if (frame.width, frame.height) != (self._info.width, self._info.height):
                raise MediaError(
                    f"{self._info.path}: frame {timed.index} is {frame.width}x{frame.height} in a video of "
                    f"{self._info.width}x{self._info.height}; expected one size throughout. Convert it to one first."
                )
            yield self._filter(frame, timed.timestamp_s), timed.timestamp_s

    def _filter(self, frame: VideoFrame, timestamp_s: float) -> VideoFrame:
        offsets = None if self._guide is None else self._guide.at(timestamp_s)
        if self._graph is None or self._built_for[0] != frame.format.name or self._built_for[1] is not offsets:
            self._graph, self._built_for = self._build(frame, offsets), (frame.format.name, offsets)
        try:
            self._graph.vpush(frame)
            found = self._graph.vpull()
        except av.FFmpegError as error:  # such as for a colour matrix that is reserved
            raise self._unfilterable(timestamp_s, error.strerror) from error
        if not isinstance(found, VideoFrame):
            raise self._unfilterable(timestamp_s, "no picture came out")
        found.pict_type = PictureType.NONE  # else the encoder would repeat the source's choice of key frames
        return found

    def _unfilterable(self, timestamp_s: float, reason: str | None) -> MediaError:
        place = f"{self._info.path}: the picture at {timestamp_s:.3f} s"
        return MediaError(f"{place} cannot be converted ({reason}); convert the video to H.264 of 8 bits first.")

    def _build(self, frame: VideoFrame, offsets: Offsets | None) -> Graph:
        graph = Graph()
        graph.link_nodes(
            graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=_ANY_TIME_BASE),
            *(graph.add(name, arguments) for name, arguments in self._info.view.rotation.filters),
            graph.add("format", self._form.pixel_format),
            *(graph.add("addroi", arguments) for arguments in self._regions(offsets)),
            graph.add("buffersink"),
        ).configure()
        return graph

    def _regions(self, offsets: Offsets | None) -> Iterator[str]:
        if offsets is None or self._guide is None:
            return
        for x, y, width, height, offset in rectangles(offsets, self._guide.grid):
            yield f"{x}:{y}:{width}:{height}:{self._codec.qoffset(offset, self._form.bits):.5f}"

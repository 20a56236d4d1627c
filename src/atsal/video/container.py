"""Open a video file, choose the stream of its pictures, and refuse what a 360° camera records before it is stitched."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from atsal.errors import MediaError
from atsal.remote.path import RemotePath
from atsal.untrusted.files import check_readable
from atsal.video.index_limits import refuse_huge_index
from atsal.video.media_files import MP4_BOXES, PROGRAM_STREAM, refuse_suffix
from atsal.video.stereo_layout import has_aspect

MAX_PIXELS = 150_000_000  # of a frame, as of 16,384 x 8,192; a decoder holds several
_LIMITS = {"max_pixels": str(MAX_PIXELS)}  # for FFmpeg: a stream can be larger than its container states
# FFmpeg opens a still picture as a video of one frame, and any text as "ansi" art.
_STILL_FORMATS = ("image2", "_pipe")
_TEXT_FORMATS = ("tty", "bin", "xbin", "adf", "idf")
# A title may be of any bytes. PyAV 19 accepts that; earlier ones raise an error unless told to replace them.
_ANY_TITLE: dict[str, Any] = {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "replace"}
_NOT_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails
_INSTA360_END = b"8db42d694ccc418790edff439fe026bf"  # the last bytes of what Insta360 cameras write
_GOPRO_ASPECT = 3.05  # of each of the two streams: 4096x1344, 5888x1920
_FISHEYES = "v360=dfisheye:e:ih_fov=190:iv_fov=190"
Track = TypeVar("Track", VideoStream, AudioStream)


@contextmanager
def open_video(path: Path, *, threaded: bool = False) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open `path` and choose its picture stream, never a cover picture; close it on leaving.

    With `threaded`, frames are decoded on all cores, and some packets are read ahead. Raises MediaError for a file that
    is missing, empty, not a video, cut off before its index, without pictures, or of a codec that is not decoded.
    """
    check_readable(path, "video")
    with ExitStack() as stack:
        try:
            container = stack.enter_context(open_container(path))
        except av.FFmpegError as error:
            raise MediaError(_unopened_message(path, error)) from error
        name = container.format.name
        if name.endswith(_STILL_FORMATS):
            raise MediaError(f"{path}: is a still picture ({name}); expected a video. Read it as an image instead.")
        if name in _TEXT_FORMATS:
            raise MediaError(f"{path}: is not a video (it looks like {name} text); choose another file.")
        stream = _checked_stream(path, container)
        stream.codec_context.options = dict(_LIMITS)
        if threaded:
            stream.codec_context.thread_type = "AUTO"
        yield container, stream


@contextmanager
def open_container(path: Path) -> Iterator[InputContainer]:
    """Open a file for reading and close it on leaving; raises what PyAV raises.

    FFmpeg opens only local files, and none for a remote file: a playlist must not make this process fetch something
    from the network. Raises MediaError for an index that would fill the memory, and on leaving if a part of a remote
    file could not be read.
    """
    with path.open("rb") as file:  # FFmpeg takes a program stream called .jpg for a picture
        name = "mpeg" if file.read(len(PROGRAM_STREAM)) == PROGRAM_STREAM else None
        refuse_huge_index(path, file)
        if not isinstance(path, RemotePath):
            with _open(str(path.absolute()), name, "file") as container:
                yield container
            return
        file.seek(0)
        pieces = _Pieces(file)
        try:
            with _open(pieces, name, "none") as container:
                yield container
        except Exception:
            pieces.check()
            raise
        pieces.check()


def _open(source: "str | _Pieces", format_name: str | None, protocols: str) -> InputContainer:
    container: InputContainer = av.open(
        source, mode="r", format=format_name, options={"protocol_whitelist": protocols, **_LIMITS}, **_ANY_TITLE
    )
    return container


class _Pieces:
    """A remote file for FFmpeg, which takes an error for the end of the file: it is kept, to be raised later."""

    def __init__(self, file: IO[bytes]) -> None:
        self.seek, self.tell = file.seek, file.tell
        self._file = file
        self._problem: MediaError | None = None

    def read(self, size: int) -> bytes:
        """Return the next bytes, none after an error."""
        try:
            return b"" if self._problem else self._file.read(size)
        except MediaError as error:
            self._problem = error
            return b""

    def check(self) -> None:
        """Raise the error that was kept."""
        if self._problem is not None:
            raise self._problem


def read_packets(container: InputContainer, stream: Track) -> "Iterator[Packet[Track]]":
    """Yield the packets of a stream. In a file whose streams appear late, PyAV may fail at the end: that is the end."""
    with suppress(IndexError):
        yield from container.demux(stream)


def picture_streams(container: InputContainer) -> list[VideoStream]:
    """Return the video streams of a file without cover pictures and thumbnails."""
    return [stream for stream in container.streams.video if not _NOT_VIDEO & stream.disposition]


def picture_stream(container: InputContainer) -> VideoStream | None:
    """Return the stream that is read: the default one, of several the largest; None where there is none."""

    def rank(stream: VideoStream) -> tuple[bool, int]:
        width, height = _picture_size(stream)
        return bool(Disposition.default & stream.disposition), width * height

    return max(picture_streams(container), key=rank, default=None)


def refuse_camera_original(path: Path, container: InputContainer, *, is_sphere: bool) -> None:
    """Raise MediaError for pictures straight from the lenses, unless the file states that it is equirectangular."""
    if is_sphere:
        return
    sizes = [_picture_size(stream) for stream in picture_streams(container)]
    width, height = sizes[0] if len(sizes) > 1 and len(set(sizes)) == 1 and min(sizes[0]) > 0 else (0, 1)
    if has_aspect(width / height, _GOPRO_ASPECT):
        raise MediaError(_original_message(path, "a GoPro camera, which holds parts of a cubemap", "GoPro Player", ""))
    if has_aspect(width / height, 1):
        filters = f'-filter_complex "[0:v:0][0:v:1]hstack,{_FISHEYES}"'
        camera = f"a 360° camera: {len(sizes)} streams of {width}x{height}, a fisheye for each lens"
        raise MediaError(_original_message(path, camera, "the camera maker's program", filters))
    refuse_suffix(path)
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - len(_INSTA360_END)))
        if file.read() == _INSTA360_END:
            camera = "an Insta360 camera, whose picture is one or two fisheyes"
            raise MediaError(_original_message(path, camera, "Insta360 Studio", f"-vf {_FISHEYES}"))


def _picture_size(stream: VideoStream) -> tuple[int, int]:
    """Return (width, height) as stored, or zeros where FFmpeg knows no such codec."""
    return (0, 0) if stream.codec_context is None else (stream.width, stream.height)


def _checked_stream(path: Path, container: InputContainer) -> VideoStream:
    stream = picture_stream(container)
    if stream is None:
        kinds = ", ".join(sorted({str(stream.type) for stream in container.streams})) or "nothing"
        raise MediaError(f"{path}: holds no pictures, only {kinds}; expected a video. Choose another file.")
    if stream.codec_context is None:
        raise MediaError(
            f"{path}: its pictures are in a codec that this FFmpeg build cannot decode; convert it to H.264 first."
        )
    if not stream.width or not stream.height:
        raise MediaError(
            f"{path}: holds a video stream without a picture size, or of too many pixels, so no frame can be decoded; "
            f"expected a complete video of at most {MAX_PIXELS / 1e6:.0f} million pixels. Copy or download it again."
        )
    if stream.width * stream.height > MAX_PIXELS:
        raise MediaError(
            f"{path}: has frames of {stream.width}x{stream.height} pixels, {stream.width * stream.height / 1e6:,.0f} "
            f"million; at most {MAX_PIXELS / 1e6:.0f} million are supported, as 16,384x8,192. Scale it down first."
        )
    return stream


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


def _original_message(path: Path, camera: str, program: str, filters: str) -> str:
    command = f', or, if it holds both fisheyes: ffmpeg -i "{path.name}" {filters} equirectangular.mp4'
    return (
        f"{path}: comes straight from {camera}, and does not state that it is equirectangular; expected an "
        f"equirectangular picture of the whole sphere. Export it as such in {program}{command if filters else ''}"
    )

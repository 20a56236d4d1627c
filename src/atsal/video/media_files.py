"""What there is to read: the kind of a file, and a folder of frames as one clip."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from atsal.errors import ConfigError, MediaError
from atsal.untrusted.files import check_readable
from atsal.untrusted.pictures import picture_format, read_head, refuse_unsupported
from atsal.video.camera_formats import VIDEO_ORIGINALS, refuse_original
from atsal.video.container import MP4_BOXES, PROGRAM_STREAM
from atsal.video.folders import IMAGE_SUFFIXES, VIDEO_SUFFIXES, list_frames
from atsal.video.image_reader import read_image
from atsal.video.pixels import scaled
from atsal.video.reader import Frame, check_size
from atsal.video.stereo import StereoChoice

_VIDEO_MAGIC = (b"\x1a\x45\xdf\xa3", b"FLV\x01", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", PROGRAM_STREAM)
_TRANSPORT_PACKETS = ((0, 188), (4, 192))  # where a transport stream's packets begin: the first, and the step


def classify(path: Path | str) -> Literal["image", "video"]:
    """Tell an image from a video by the file's first bytes or, where those say nothing, by the name's ending.

    Raises:
        MediaError: missing, a folder, empty, of a kind that neither the content nor the name tells, a camera's own
            picture (see `originals`), or a picture in a format that is not read. A camera's own video is a video:
            `probe_video` refuses it unless it says that it is equirectangular.

    """
    path = Path(path)
    check_readable(path, "image or video")
    ending = path.suffix.lower()
    if ending not in VIDEO_ORIGINALS:
        refuse_original(path)
    head = read_head(path)
    picture = picture_format(head)
    refuse_unsupported(str(path), picture)
    if picture is not None:
        return "image"
    if ending in VIDEO_SUFFIXES | VIDEO_ORIGINALS or _is_video(path, head):
        return "video"
    if ending in IMAGE_SUFFIXES:
        return "image"
    known = ", ".join(sorted(IMAGE_SUFFIXES | VIDEO_SUFFIXES))
    raise MediaError(f"{path}: is neither an image nor a video by content or name; expected one of {known}.")


def _is_video(path: Path, head: bytes) -> bool:
    if head.startswith(_VIDEO_MAGIC) or head[4:8] in MP4_BOXES or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return True
    with path.open("rb") as file:
        begin = file.read(3 * max(step for _, step in _TRANSPORT_PACKETS))
    return any(begin[start::step][:3] == b"GGG" for start, step in _TRANSPORT_PACKETS)


def read_image_sequence(
    folder: Path | str,
    *,
    fps: float,
    size: tuple[int, int] | None = None,
    stereo: StereoChoice = "auto",
    numbers: Iterable[int] | None = None,
) -> Iterator[Frame]:
    """Read a folder of images as the frames of one clip, in natural order: frame10 comes after frame9.

    Args:
        folder: where the images are; other files are passed over, but for pictures that are not read (`list_frames`).
        fps: frames per second of the clip; frame i is at i / fps seconds.
        size: (width, height) to scale to; by default the stored size of the view.
        stereo: the layout of the views, as in `read_frames`.
        numbers: which frames to read, each from 0 and below their count; the others are not opened. By default all.

    Raises:
        ConfigError: `fps` or `size` is out of range.
        MediaError: no folder, no image in it, an unreadable image, or one of another size than the first that is read.

    """
    if not (math.isfinite(fps) and fps > 0):
        raise ConfigError(f"fps is {fps}; expected frames per second greater than 0")
    check_size(size)
    paths = list_frames(folder)
    chosen = range(len(paths)) if numbers is None else numbers
    return _read_sequence([(number, paths[number]) for number in chosen], fps, size, stereo)


def _read_sequence(
    chosen: list[tuple[int, Path]], fps: float, size: tuple[int, int] | None, stereo: StereoChoice
) -> Iterator[Frame]:
    first_shape: tuple[int, ...] | None = None
    for index, path in chosen:
        image = read_image(path, stereo=stereo)
        first_shape = first_shape or image.shape
        if image.shape != first_shape:
            raise MediaError(
                f"{path}: its view is {image.shape[1]}x{image.shape[0]}, but {chosen[0][1].name} has {first_shape[1]}x"
                f"{first_shape[0]}; expected one size throughout a clip. Scale it, or move it elsewhere."
            )
        yield Frame(index, index / fps, image if size is None else scaled(image, size))

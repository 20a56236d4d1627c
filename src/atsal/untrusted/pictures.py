"""Pictures that others made, opened within bounds: any failure of Pillow is an error of ours with the file's name.

The content tells the format, and Pillow is asked for that one alone. So no format is tried that runs other programs
(EPS), and Pillow's own limit of pixels and the warnings of the program that uses us stay as they are.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

from PIL import ExifTags, Image

from atsal.errors import AtsalError, MediaError
from atsal.untrusted.text import printable

MAX_PIXELS = 400_000_000  # one view of 28,000 x 14,000; each pixel takes about 7 bytes to read
_HEAD_BYTES = 64  # enough to tell a format

_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # of more than 4 GiB
    b"MM\0+": "TIFF",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG2000",
    b"\xff\x4f\xff\x51": "JPEG2000",
    b"\0\0\0\x0cJXL \r\n\x87\n": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"#?RGBE": "Radiance HDR",
    b"8BPS": "Photoshop",
    b"FUJIFILMCCD-RAW": "camera raw",
    b"IIU\0": "camera raw",
    b"IIRO": "camera raw",
}
_NETPBM = re.compile(rb"P[1-6]\s+[\d#]")  # bits, grey or colours, as text or as bytes; then the width, or a comment
# Kinds of still pictures in the boxes of MP4, by the brands of their "ftyp" box.
_STILL_BRANDS = frozenset(b"avif avis heic heix heim heis hevc hevx mif1 msf1 miaf MA1A MA1B".split())
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_LIGHT = "whose values are light, not colours of a screen"
_TONE_MAP = "tone-map it to a JPEG or PNG of 8 bits"
UNREAD = {  # formats that are not read: what such a file is, and what to do first
    "HEIF": ("a picture in the format HEIF", "save it as JPEG, PNG or AVIF (`heif-convert IN.heic OUT.jpg`)"),
    "JPEG XL": ("a picture in the format JPEG XL", "turn it into a JPEG or PNG (`djxl IN.jxl OUT.png`)"),
    "OpenEXR": (f"a picture in the format OpenEXR, {_LIGHT}", _TONE_MAP),
    "Radiance HDR": (f"a picture in the format Radiance HDR, {_LIGHT}", _TONE_MAP),
    "Photoshop": ("a picture in the format Photoshop", "export it as JPEG or PNG"),
    "camera raw": ("a camera's raw picture", "develop it to a JPEG, PNG or TIFF"),
}
_DNG_VERSION = 50706  # the TIFF tag by which a camera's raw picture is known


def read_head(path: Path) -> bytes:
    """The first bytes of a file, for `picture_format`."""
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def picture_format(head: bytes) -> str | None:
    """The format of a picture by its first 64 bytes, also of one that is not read here; None if it is no picture."""
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature):
            return "camera raw" if head[8:10] == b"CR" and name == "TIFF" else name
    if _NETPBM.match(head):
        return "PPM"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    return _in_mp4_boxes(head) if head[4:8] == b"ftyp" else None


def _in_mp4_boxes(head: bytes) -> str | None:
    if head[8:12] == b"crx ":
        return "camera raw"
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[start : start + 4] for start in range(16, end, 4))}
    if head[8:12] not in _STILL_BRANDS:
        return None
    return "AVIF" if brands & _AVIF_BRANDS else "HEIF"


def refuse_unread(name: str, picture: str | None) -> None:
    """Raise MediaError for a format (of `picture_format`) that is not read here, with what to do about it."""
    if picture in UNREAD:
        what, remedy = UNREAD[picture]
        raise MediaError(f"{name}: is {what}, which is not read: {remedy} first.")


@contextmanager
def open_picture(path: Path, content: IO[bytes] | None = None, *, name: str = "") -> Iterator[Image.Image]:
    """Open a picture by its header; pixels are decoded when they are asked for.

    Args:
        path: the file.
        content: the picture's bytes where it lies inside `path`, an archive.
        name: how messages name it; by default the path.

    Raises:
        MediaError: no file, no picture, of a format that is not read, of more than 400 million pixels; and for anything
            that Pillow raises until the picture is closed.

    """
    name = printable(name or str(path))
    with reading(name):
        if content is None and not path.is_file():
            raise MediaError(f"{name}: is no file; expected a picture. Check the path.")
        with content or path.open("rb") as file, _opened(file, name) as image:
            yield image


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn whatever reading a picture raises into `MediaError` with the picture's `name`."""
    try:
        yield
    except AtsalError:
        raise
    except (Image.DecompressionBombError, MemoryError) as error:
        raise MediaError(f"{name}: has too many pixels to read ({error}). Scale it down first.") from error
    except Exception as error:  # Pillow tells a damaged file by errors of many kinds, and by others in each version
        reason = printable(str(error)) or type(error).__name__
        raise MediaError(_unreadable(name, reason)) from error


def _unreadable(name: str, reason: str) -> str:
    return (
        f"{name}: cannot be read as an image ({reason}); expected a complete JPEG, PNG, TIFF, WebP, AVIF, JPEG 2000, "
        "GIF or BMP. Check that it opens elsewhere, or copy it again."
    )


def _opened(file: IO[bytes], name: str) -> Image.Image:
    found = picture_format(file.read(_HEAD_BYTES))
    file.seek(0)
    if found is None:
        raise MediaError(_unreadable(name, "its first bytes are those of no picture"))
    refuse_unread(name, found)
    Image.preinit()
    if found not in Image.OPEN:
        Image.init()  # takes a while
    if found not in Image.OPEN:
        raise MediaError(
            f"{name}: this version of Pillow does not read {found}; update it (pip install --upgrade pillow), or save "
            "the picture as PNG."
        )
    # `Image.open` would check Pillow's own limit, which only the whole program can change, and warn.
    image: Image.Image = Image.OPEN[found][0](file, "")
    width, height = stored_size(image)
    if width * height > MAX_PIXELS:
        _refuse_size(name, width, height)
    if found == "TIFF":
        if _DNG_VERSION in image.tag_v2:  # type: ignore[attr-defined]
            refuse_unread(name, "camera raw")
        # It checks Pillow's limit once more where it makes room for its pixels: here is the room.
        image.im = Image.new(image.mode, (width, height), None).im
    return image


def _refuse_size(name: str, width: int, height: int) -> NoReturn:
    raise MediaError(
        f"{name}: has {width}x{height} pixels, {width * height / 1e6:,.0f} million; at most {MAX_PIXELS / 1e6:,.0f} "
        "million are read, as 28,000x14,000. Scale it down first; the networks look at far smaller pictures."
    )


def stored_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) as stored: Pillow states a TIFF's size turned, as EXIF says, and all others' as stored."""
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        return tags[ExifTags.Base.ImageWidth], tags[ExifTags.Base.ImageLength]
    return image.size

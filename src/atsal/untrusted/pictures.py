"""Pictures from others: opened within limits, and any failure of Pillow becomes a `MediaError` with the file's name.

The format is detected from the content, and only that decoder of Pillow is used. So no format is tried that runs other
programs (EPS), and the calling program's limit of pixels in Pillow and its warnings stay as they are.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from PIL import ExifTags, Image

from atsal.errors import AtsalError, MediaError
from atsal.untrusted.text import escape_controls

MAX_PIXELS = 400_000_000  # one view of 28,000 x 14,000; reading takes about 7 bytes per pixel
_HEAD_BYTES = 64  # enough to detect a format

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
_NETPBM = re.compile(rb"P[1-6]\s+[\d#]")  # then comes the width, or a comment
# Brands in the "ftyp" box of still pictures that are stored in MP4 boxes.
_STILL_BRANDS = frozenset(b"avif avis heic heix heim heis hevc hevx mif1 msf1 miaf MA1A MA1B".split())
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_TONE_MAP = "tone-map it to a JPEG or PNG of 8 bits"
UNSUPPORTED = {  # format -> what such a file is, and how to convert it
    "HEIF": ("a HEIF picture", "save it as JPEG, PNG or AVIF (`heif-convert IN.heic OUT.jpg`)"),
    "JPEG XL": ("a JPEG XL picture", "convert it to JPEG or PNG (`djxl IN.jxl OUT.png`)"),
    "OpenEXR": ("an OpenEXR picture of linear light", _TONE_MAP),
    "Radiance HDR": ("a Radiance HDR picture of linear light", _TONE_MAP),
    "Photoshop": ("a Photoshop picture", "export it as JPEG or PNG"),
    "camera raw": ("a raw picture of a camera", "develop it to a JPEG, PNG or TIFF"),
}
_DNG_VERSION = 50706  # the TIFF tag that marks a raw picture


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file, for `picture_format`."""
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def picture_format(head: bytes) -> str | None:
    """Return the format of a picture, supported or not, from its first 64 bytes; None if it is not a picture."""
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature):
            return "camera raw" if head[8:10] == b"CR" and name == "TIFF" else name
    if _NETPBM.match(head):
        return "PPM"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    return _format_in_mp4_boxes(head) if head[4:8] == b"ftyp" else None


def _format_in_mp4_boxes(head: bytes) -> str | None:
    if head[8:12] == b"crx ":
        return "camera raw"
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[start : start + 4] for start in range(16, end, 4))}
    if head[8:12] not in _STILL_BRANDS:
        return None
    return "AVIF" if brands & _AVIF_BRANDS else "HEIF"


def refuse_unsupported(name: str, found: str | None) -> None:
    """Raise `MediaError` if the format found by `picture_format` is unsupported, and say how to convert the file."""
    if found in UNSUPPORTED:
        what, remedy = UNSUPPORTED[found]
        raise MediaError(f"{name}: is {what}, a format that is not supported; {remedy} first.")


@contextmanager
def open_picture(path: Path, content: IO[bytes] | None = None, *, name: str = "") -> Iterator[Image.Image]:
    """Open a picture by its header; pixels are decoded when they are first used.

    Args:
        path: the file.
        content: the bytes of the picture, if it lies inside `path`, an archive.
        name: the name of the picture in messages; by default the path.

    Raises:
        MediaError: not a file, not a picture, an unsupported format, more than 400 million pixels; and anything that
            Pillow raises until the picture is closed.

    """
    name = escape_controls(name or str(path))
    with picture_errors(name):
        if content is None and not path.is_file():
            raise MediaError(f"{name}: is not a file; expected a picture. Check the path.")
        with content or path.open("rb") as file, _open_image(file, name) as image:
            yield image


@contextmanager
def picture_errors(name: str) -> Iterator[None]:
    """Turn any error in the block into a `MediaError` with the picture's `name`."""
    try:
        yield
    except AtsalError:
        raise
    except PermissionError as error:
        raise MediaError(f"{name}: may not be read; expected a readable picture. Change its permissions.") from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise MediaError(f"{name}: has too many pixels to read ({error}). Scale it down first.") from error
    except Exception as error:  # Pillow raises errors of many types for damaged files, and others in each version
        raise _unreadable(name, escape_controls(str(error)) or type(error).__name__) from error


def _unreadable(name: str, reason: str) -> MediaError:
    return MediaError(
        f"{name}: cannot be read as an image ({reason}); expected a complete JPEG, PNG, TIFF, WebP, AVIF, JPEG 2000, "
        "GIF or BMP. Check that it opens elsewhere, or copy it again."
    )


def _open_image(file: IO[bytes], name: str) -> Image.Image:
    found = picture_format(file.read(_HEAD_BYTES))
    file.seek(0)
    if found is None:
        raise _unreadable(name, "its first bytes are not those of a picture")
    refuse_unsupported(name, found)
    Image.preinit()
    if found not in Image.OPEN:
        Image.init()  # slow: loads the decoders of all formats
    if found not in Image.OPEN:
        raise MediaError(
            f"{name}: this version of Pillow cannot read {found}; update it (pip install --upgrade pillow), or save "
            "the picture as PNG."
        )
    # `Image.open` would apply Pillow's own limit, which is a setting of the whole program, and warn.
    image: Image.Image = Image.OPEN[found][0](file, "")
    width, height = stored_size(image)
    if width * height > MAX_PIXELS:
        raise MediaError(
            f"{name}: has {width}x{height} pixels, {width * height / 1e6:,.0f} million; at most "
            f"{MAX_PIXELS / 1e6:,.0f} million are supported, as 28,000x14,000. Scale it down first; the networks take "
            "far smaller pictures."
        )
    if found == "TIFF":
        if _DNG_VERSION in image.tag_v2:  # type: ignore[attr-defined]
            refuse_unsupported(name, "camera raw")
        # Pillow would apply its limit again when it allocates the pixels of a TIFF: allocate them here.
        image.im = Image.new(image.mode, (width, height), None).im
    return image


def stored_size(image: Image.Image) -> tuple[int, int]:
    """Return (width, height) as stored; for a TIFF, Pillow's own `size` is that after the rotation in its EXIF data."""
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        return tags[ExifTags.Base.ImageWidth], tags[ExifTags.Base.ImageLength]
    return image.size

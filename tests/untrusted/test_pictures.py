"""Pictures of others: told by content, refused by name, within one limit, whatever Pillow raises."""

import struct
import threading
import warnings
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageFile

from atsal.errors import MediaError
from atsal.untrusted import pictures
from atsal.untrusted.pictures import MAX_PIXELS, open_picture, picture_format

FORMATS = {"a.jpg": "JPEG", "a.png": "PNG", "a.tif": "TIFF", "a.webp": "WEBP", "a.gif": "GIF", "a.bmp": "BMP"}
UNREAD = {
    "HEIF": struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic",
    "JPEG XL": b"\xff\x0a",
    "OpenEXR": b"\x76\x2f\x31\x01",
    "Radiance HDR": b"#?RADIANCE\n",
    "Photoshop": b"8BPS",
    "camera raw": struct.pack(">I", 24) + b"ftypcrx \0\0\0\1crx isom",
}


def made(path: Path, **options) -> Path:
    Image.new("RGB", (64, 32), (10, 200, 90)).save(path, **options)
    return path


def png_of(width: int, height: int) -> bytes:
    """A PNG of a few bytes that states this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("name", "expected"), FORMATS.items())
def test_the_content_tells_the_format(tmp_path, name, expected):
    path = made(tmp_path / name).rename(tmp_path / "named.otherwise")
    with open_picture(path) as image:
        assert (image.format, image.size) == (expected, (64, 32))
        assert image.getpixel((3, 3)) is not None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"P6 2 1 255\n" + bytes((9, 9, 9, 7, 7, 7)), ((9, 9, 9), (7, 7, 7))),
        (b"P6\n# made by hand\n2 1\n255\n" + bytes((9, 9, 9, 7, 7, 7)), ((9, 9, 9), (7, 7, 7))),
        (b"P5\r\n2 1\r\n255\n\t\7", (9, 7)),
        (b"P3 2 1 255 9 9 9 7 7 7\n", ((9, 9, 9), (7, 7, 7))),
        (b"P2\t2 1 255 9 7\n", (9, 7)),
        (b"P1 2 1\n1 0\n", (0, 255)),
        (b"P4 2 1\n\x80", (0, 255)),
    ],
)
def test_every_form_of_netpbm_is_read(tmp_path, content, expected):
    (tmp_path / "a.ppm").write_bytes(content)
    with open_picture(tmp_path / "a.ppm") as image:
        assert (image.getpixel((0, 0)), image.getpixel((1, 0))) == expected


def test_a_table_is_no_netpbm():
    assert picture_format(b"P1,0.02,3.5\nP1,0.04,3.6\n") is None
    assert picture_format(b"P5\nis the fifth viewer") is None


@pytest.mark.parametrize(
    ("major", "compatible", "expected"),
    [
        (b"avif", b"mif1miaf", "AVIF"),
        (b"mif1", b"avifmiaf", "AVIF"),
        (b"avis", b"msf1avif", "AVIF"),
        (b"mif1", b"heicmiaf", "HEIF"),
        (b"msf1", b"hevcmsf1", "HEIF"),
        (b"isom", b"iso2avc1mp41", None),
        (b"qt  ", b"", None),
    ],
)
def test_stills_and_videos_in_boxes_of_mp4(major, compatible, expected):
    head = struct.pack(">I", 16 + len(compatible)) + b"ftyp" + major + bytes(4) + compatible + b"avif behind the box"
    assert picture_format(head) == expected


@pytest.mark.parametrize(("kind", "head"), UNREAD.items())
def test_what_is_not_read_is_refused_by_name(tmp_path, kind, head):
    (tmp_path / "a.jpg").write_bytes(head + bytes(100))
    with pytest.raises(
        MediaError, match=rf"a\.jpg: is {pictures.UNSUPPORTED[kind][0]}, a format that is not supported; .* first\."
    ):
        open_picture(tmp_path / "a.jpg").__enter__()


def test_raw_pictures_under_another_name_are_refused(tmp_path):
    path = made(tmp_path / "a.tif", tiffinfo={50706: b"\1\4\0\0"})
    with pytest.raises(MediaError, match="raw picture of a camera"):
        open_picture(path).__enter__()


@pytest.mark.parametrize("error", [zlib.error, struct.error, RecursionError, KeyError, SyntaxError, OSError, TypeError])
def test_any_failure_of_pillow_names_the_file(tmp_path, monkeypatch, error):
    def fail(*_):
        raise error("inside")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with (
        pytest.raises(MediaError, match=r"a\.jpg: cannot be read as an image .*inside"),
        open_picture(made(tmp_path / "a.jpg")) as image,
    ):
        image.load()


def test_control_characters_of_names_are_escaped(tmp_path):
    (tmp_path / "a\x1b[31m.png").write_bytes(b"none")
    with pytest.raises(MediaError, match=r"a\\x1b\[31m\.png"):
        open_picture(tmp_path / "a\x1b[31m.png").__enter__()


def test_one_limit_for_all_formats_before_any_pixel(tmp_path):
    whole = bytearray(made(tmp_path / "a.jpg").read_bytes())
    start = whole.find(b"\xff\xc0") + 5
    whole[start : start + 4] = struct.pack(">HH", 30000, 60000)
    (tmp_path / "a.jpg").write_bytes(whole)
    (tmp_path / "a.png").write_bytes(png_of(40000, 20000))
    (tmp_path / "a.bmp").write_bytes(
        b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 60000, 30000, 1, 24, *[0] * 6)
    )
    for name in ("a.jpg", "a.png", "a.bmp"):
        with pytest.raises(MediaError, match=rf"{name}: has \d0000x\d0000 pixels, .* at most 400 million"):
            open_picture(tmp_path / name).__enter__()
    assert MAX_PIXELS >= 28000 * 14000


def test_a_program_keeps_its_limit_and_its_warnings(tmp_path, monkeypatch):
    """Not even for a moment: other threads may be opening pictures."""
    paths = [made(tmp_path / name) for name in FORMATS]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)  # our pictures have 2048: Pillow would warn
    filters, failed = list(warnings.filters), []

    def read(path):
        try:
            with open_picture(path) as image:
                image.load()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=read, args=(path,)) for path in paths * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert list(warnings.filters) == filters
    assert Image.MAX_IMAGE_PIXELS == 1500

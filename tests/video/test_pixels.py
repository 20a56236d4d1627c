"""Value ranges, transparency, turns: never white, black or lying on its side in silence."""

import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps, features

from atsal.errors import MediaError
from atsal.video import pixels as pixels_module
from atsal.video.image_reader import probe_image, probe_image_header, read_image
from video.conftest import save_picture

AVIF = pytest.param("avif", marks=pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF"))
LEVELS = np.broadcast_to(np.arange(0, 256, 2, dtype=np.uint8)[None, :], (64, 128))


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (LEVELS / np.float32(255), "0 to 0.996078; taken as 0 .* to 1 "),
        (LEVELS.astype(np.float32), "0 to 254; taken as 0 .* to 255 "),
        (LEVELS * np.float32(257), "0 to 65278; taken as 0 .* to 65535 "),
        (LEVELS.astype(np.int32), "0 to 254; taken as 0 .* to 255 "),
        (LEVELS.astype(np.int32) * 257, "0 to 65278; taken as 0 .* to 65535 "),
    ],
)
def test_the_range_of_numbers_is_found_and_told(tmp_path, array, told):
    path = save_picture(tmp_path / "a.tif", array)
    np.testing.assert_array_equal(read_image(path), np.repeat(LEVELS[..., None], 3, 2))
    assert re.search(f"its values run from {told}", probe_image(path).notes[0])
    assert probe_image_header(path).notes == probe_image(path).notes


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (LEVELS * np.float32(3.7 / 255), "nearly black"),  # light values
        (LEVELS / np.float32(128) - 1, "run from -1 to"),
        (LEVELS.astype(np.int32) * 100000, r"expected 0 to 255 or 0 to 65535"),
        (-LEVELS.astype(np.int32), "run from -254 to 0"),
        (LEVELS.astype(np.uint16), "nearly black"),  # 8 bits in 16
        (LEVELS.astype(np.uint16) * 16, "nearly black"),  # 12 bits in 16
        (np.where(LEVELS == 8, np.float32(np.nan), LEVELS), "64 of its 8192 values are NaN or infinite"),
        (np.where(LEVELS == 8, np.float32(np.inf), LEVELS), "NaN or infinite"),
        (np.dstack([LEVELS] * 3 + [LEVELS * 0]), "transparent in 100.0%"),
    ],
)
def test_values_that_would_be_lost_are_refused(tmp_path, array, message):
    path = save_picture(tmp_path / ("a.png" if array.ndim == 3 else "a.tif"), array)
    with pytest.raises(MediaError, match=rf"a\.\w+: .*{message}"):
        read_image(path)


def test_a_little_overshoot_is_cut_and_told(tmp_path):
    values = LEVELS / np.float32(255)
    values[0, 0] = 7.0
    path = save_picture(tmp_path / "a.tif", values)
    assert read_image(path)[0, 0, 0] == 255
    assert "0.01% of them lie outside and are cut" in probe_image(path).notes[0]


@pytest.mark.parametrize("array", [np.zeros((64, 128), np.uint16), np.full((64, 128), 9, np.float32)])
def test_a_frame_of_one_value_is_no_fault(tmp_path, array):
    path = save_picture(tmp_path / "a.tif", array)
    assert (read_image(path) == array[0, 0]).all()
    assert "nearly one value" in probe_image(path).remarks[-1]


def png_of_16_bits(path, colours):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = colours.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colours)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    return path


def test_colours_of_16_bits(tmp_path):
    colours = np.repeat(LEVELS[..., None], 3, 2).astype(np.uint32)
    np.testing.assert_array_equal(read_image(png_of_16_bits(tmp_path / "a.png", colours * 257)), colours)
    with pytest.raises(MediaError, match="no value above 4096 of 65535, so it would be nearly black"):
        read_image(png_of_16_bits(tmp_path / "b.png", colours * 16))
    assert "values of 8 bits only" in probe_image(png_of_16_bits(tmp_path / "c.png", colours)).notes[0]


def test_transparent_parts_are_told(tmp_path):
    pixels = np.full((64, 128, 4), 200, np.uint8)
    pixels[:16, :, 3] = 0
    path = save_picture(tmp_path / "a.png", pixels)
    assert probe_image_header(path).notes == ("25.0% of its pixels are transparent and taken as black",)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp", AVIF])
def test_every_turn_of_every_format(tmp_path, orientation, ending):
    shown = np.zeros((64, 128, 3), np.uint8)
    shown[:32, :64, 0], shown[32:, 64:, 1] = 220, 220
    stored = Image.fromarray(shown)
    if orientation > 1:  # the one that Pillow turns to what is shown
        ways = [stored.transpose(way) for way in Image.Transpose]
        stored = next(way for way in ways if same(ImageOps.exif_transpose(tagged(way, orientation)), shown))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{ending}"
    stored.save(path, exif=exif)
    assert np.abs(read_image(path).astype(int) - shown)[8:-8, 8:-8].mean() < 4
    info = probe_image(path)
    assert (info.width, info.height) == stored.size
    assert any("EXIF orientation" in remark for remark in info.remarks) == (orientation > 1)
    assert probe_image_header(path).remarks == info.remarks


def tagged(image, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.info["exif"] = exif.tobytes()
    return image


def same(image, pixels):
    return np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "LA", "CMYK", "I;16", "F"])
def test_strips_make_no_difference(tmp_path, clips, monkeypatch, mode):
    picture = Image.fromarray(clips.picture(77))
    if mode in ("I;16", "F"):
        grey = np.asarray(picture.convert("L"))
        picture = Image.fromarray(grey.astype(np.uint16) * 257 if mode == "I;16" else grey / np.float32(255))
    path = tmp_path / "a.tif"
    (picture if mode in ("I;16", "F") else picture.convert(mode)).save(path)
    whole = read_image(path)
    monkeypatch.setattr(pixels_module, "_STRIP_PIXELS", 128 * 5)
    np.testing.assert_array_equal(read_image(path), whole)

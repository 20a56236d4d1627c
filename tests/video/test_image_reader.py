"""Stills in every form become RGB, or are refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from atsal.errors import MediaError
from atsal.untrusted import pictures
from atsal.video.image_reader import probe_image, probe_image_header, read_image
from atsal.video.media_files import classify
from video.conftest import save_picture

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "photos"

RAMP = np.broadcast_to(np.arange(0, 256, 2, dtype=np.uint8)[None, :], (64, 128))


def test_rgb_comes_back_exactly(tmp_path, clips):
    image = read_image(save_picture(tmp_path / "a.png", clips.picture(5)))
    assert image.dtype == np.uint8
    assert image.flags.writeable
    np.testing.assert_array_equal(image, clips.picture(5))


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    if mode in ("I;16", "I"):
        path = save_picture(tmp_path / "a.png", (RAMP.astype(np.uint16) << 8) | 0x7F)
    elif mode == "F":
        path = save_picture(tmp_path / "a.tiff", RAMP.astype(np.float32) / 255)
    else:
        path = save_picture(tmp_path / ("a.tiff" if mode == "CMYK" else "a.png"), RAMP, mode)
    image = read_image(path)
    assert image.shape == (64, 128, 3)
    if mode != "1":
        np.testing.assert_allclose(image[10, :, 0], RAMP[10], atol=3)


def test_transparent_pixels_are_black(tmp_path):
    pixels = np.full((64, 128, 4), 200, np.uint8)
    pixels[..., 3] = 255
    pixels[:, :64, 3] = 0
    image = read_image(save_picture(tmp_path / "a.png", pixels))
    assert not image[:, :64].any()
    assert (image[:, 64:] == 200).all()


def test_exif_orientation_is_applied(tmp_path, clips):
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: turn by 90° clockwise to see it
    path = save_picture(tmp_path / "a.png", np.rot90(clips.picture(37)), exif=exif)
    with Image.open(path) as stored:
        assert stored.size == (64, 128)
    assert clips.number(read_image(path)) == 37


@pytest.mark.parametrize(("axis", "layout"), [(0, "top-bottom"), (1, "left-right")])
def test_the_left_view_of_a_stereo_image(tmp_path, clips, axis, layout):
    path = save_picture(tmp_path / "a.png", np.concatenate([clips.picture(3), clips.picture(200)], axis))
    assert clips.number(read_image(path)) == 3
    assert clips.number(read_image(path, stereo=layout)) == 3


@pytest.mark.parametrize(
    ("height", "layout", "guess"),
    [(64, "mono", "taken as one view (mono) by its shape 128x64"), (128, "top-bottom", "by its shape 128x128")],
)
def test_every_guess_of_a_layout_is_told(tmp_path, clips, height, layout, guess):
    path = save_picture(tmp_path / "a.png", np.resize(clips.picture(3), (height, 128, 3)))
    assert guess in " ".join(probe_image(path).remarks)
    assert probe_image_header(path).remarks == probe_image(path).remarks
    assert "by its shape" not in " ".join(probe_image(path, stereo=layout).remarks)


def test_a_layout_that_was_asked_for_may_be_squeezed(tmp_path, clips):
    whole = clips.picture(37)
    height, width = whole.shape[:2]
    square = np.asarray(Image.fromarray(whole).resize((height, height)))
    path = save_picture(tmp_path / "square.png", square)
    assert read_image(path, stereo="mono").shape == whole.shape
    assert "stretched to" in " ".join(probe_image(path, stereo="mono").notes)
    half = np.asarray(Image.fromarray(whole).resize((width, height // 2)))
    views = save_picture(tmp_path / "views.png", np.concatenate([half, 255 - half]))
    assert np.abs(read_image(views, stereo="top-bottom").astype(int) - whole).mean() < 8
    wide = save_picture(tmp_path / "wide.png", np.concatenate([whole, whole], 1))
    with pytest.raises(MediaError, match="left-right"):
        read_image(wide, stereo="mono")


def test_unusable_images_are_refused(tmp_path, clips):
    whole = save_picture(tmp_path / "whole.png", clips.picture(1)).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    jpeg = save_picture(tmp_path / "whole.jpg", clips.picture(1)).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").touch()
    save_picture(tmp_path / "square.png", np.zeros((60, 90, 3), np.uint8))
    save_picture(tmp_path / "dot.png", np.zeros((1, 2, 3), np.uint8))
    cases = {
        "cut.png": "cannot be read as an image",
        "cut.jpg": "cannot be read as an image",
        "text.png": "cannot be read as an image",
        "empty.png": "is empty",
        "missing.png": "no such file",
        ".": "is a folder",
        "square.png": "90x60.*not a 360",
        "dot.png": "only 2x1 pixels",
    }
    for name, message in cases.items():
        with pytest.raises(MediaError, match=message):
            read_image(tmp_path / name)


def test_big_panoramas_are_read_and_bombs_are_not(tmp_path, clips, monkeypatch):
    path = save_picture(tmp_path / "a.png", clips.picture(1))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow alone would refuse 8192 pixels now
    assert clips.number(read_image(path)) == 1
    assert Image.MAX_IMAGE_PIXELS == 1000
    monkeypatch.setattr(pictures, "MAX_PIXELS", 5000)
    with pytest.raises(MediaError, match="128x64 pixels, 0 million; at most 0 million"):
        read_image(path)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif_is_a_picture_under_any_name(tmp_path, clips):
    for name in ("a.avif", "a.jpg", "a.mp4"):
        path = save_picture(tmp_path / "made.avif", clips.picture(9)).rename(tmp_path / name)
        assert classify(path) == "image"
        assert clips.number(read_image(path)) == 9


@pytest.mark.skipif(not (CASES / "grid.avif").is_file(), reason="the shared cases are not here")
def test_a_grid_of_tiles_is_read_whole():
    assert read_image(CASES / "grid.avif").shape == (512, 1024, 3)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.tif", "a.webp", "a.mpo"])
def test_the_first_of_several_pictures(tmp_path, clips, name):
    more = [Image.fromarray(clips.picture(200))]
    path = save_picture(tmp_path / name, clips.picture(3), save_all=True, append_images=more)
    assert clips.number(read_image(path)) == 3
    assert probe_image_header(path).notes == ("holds several pictures (frames, pages or views); the first is used",)

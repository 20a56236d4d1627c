"""Stills in every form, folders of them, and what kind a file is."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from atsal.errors import ConfigError, MediaError
from atsal.untrusted import pictures
from atsal.video.image_reader import probe_image, probe_image_header, read_image
from atsal.video.media_files import classify, folder_remarks, list_media
from atsal.video.probe import probe_video
from atsal.video.reader import read_image_sequence
from fakes import mp4

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "photos"
RAMP = np.broadcast_to(np.arange(0, 256, 2, dtype=np.uint8)[None, :], (64, 128))


def save(path, pixels, mode=None, **options):
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


def test_rgb_comes_back_exactly(tmp_path, clips):
    image = read_image(save(tmp_path / "a.png", clips.picture(5)))
    assert image.dtype == np.uint8
    assert image.flags.writeable
    np.testing.assert_array_equal(image, clips.picture(5))


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    if mode in ("I;16", "I"):
        path = save(tmp_path / "a.png", (RAMP.astype(np.uint16) << 8) | 0x7F)
    elif mode == "F":
        path = save(tmp_path / "a.tiff", RAMP.astype(np.float32) / 255)
    else:
        path = save(tmp_path / ("a.tiff" if mode == "CMYK" else "a.png"), RAMP, mode)
    image = read_image(path)
    assert image.shape == (64, 128, 3)
    if mode != "1":
        np.testing.assert_allclose(image[10, :, 0], RAMP[10], atol=3)


def test_transparent_pixels_are_black(tmp_path):
    pixels = np.full((64, 128, 4), 200, np.uint8)
    pixels[..., 3] = 255
    pixels[:, :64, 3] = 0
    image = read_image(save(tmp_path / "a.png", pixels))
    assert not image[:, :64].any()
    assert (image[:, 64:] == 200).all()


def test_exif_orientation_is_applied(tmp_path, clips):
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: turn by 90° clockwise to see it
    path = save(tmp_path / "a.png", np.rot90(clips.picture(37)), exif=exif)
    with Image.open(path) as stored:
        assert stored.size == (64, 128)
    assert clips.number(read_image(path)) == 37


@pytest.mark.parametrize(("axis", "layout"), [(0, "top-bottom"), (1, "left-right")])
def test_the_left_view_of_a_stereo_image(tmp_path, clips, axis, layout):
    path = save(tmp_path / "a.png", np.concatenate([clips.picture(3), clips.picture(200)], axis))
    assert clips.number(read_image(path)) == 3
    assert clips.number(read_image(path, stereo=layout)) == 3


@pytest.mark.parametrize(
    ("height", "layout", "guess"),
    [(64, "mono", "taken as one view (mono) by its shape 128x64"), (128, "top-bottom", "by its shape 128x128")],
)
def test_every_guess_of_a_layout_is_told(tmp_path, clips, height, layout, guess):
    path = save(tmp_path / "a.png", np.resize(clips.picture(3), (height, 128, 3)))
    assert guess in " ".join(probe_image(path).remarks)
    assert probe_image_header(path).remarks == probe_image(path).remarks
    assert "by its shape" not in " ".join(probe_image(path, stereo=layout).remarks)


def test_a_layout_that_was_asked_for_may_be_squeezed(tmp_path, clips):
    whole = clips.picture(37)
    height, width = whole.shape[:2]
    square = np.asarray(Image.fromarray(whole).resize((height, height)))
    path = save(tmp_path / "square.png", square)
    assert read_image(path, stereo="mono").shape == whole.shape
    assert "stretched to" in " ".join(probe_image(path, stereo="mono").notes)
    half = np.asarray(Image.fromarray(whole).resize((width, height // 2)))
    views = save(tmp_path / "views.png", np.concatenate([half, 255 - half]))
    assert np.abs(read_image(views, stereo="top-bottom").astype(int) - whole).mean() < 8
    wide = save(tmp_path / "wide.png", np.concatenate([whole, whole], 1))
    with pytest.raises(MediaError, match="left-right"):
        read_image(wide, stereo="mono")


def test_unusable_images_are_refused(tmp_path, clips):
    whole = save(tmp_path / "whole.png", clips.picture(1)).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    jpeg = save(tmp_path / "whole.jpg", clips.picture(1)).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").touch()
    save(tmp_path / "square.png", np.zeros((60, 90, 3), np.uint8))
    save(tmp_path / "dot.png", np.zeros((1, 2, 3), np.uint8))
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
    path = save(tmp_path / "a.png", clips.picture(1))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow alone would refuse 8192 pixels now
    assert clips.number(read_image(path)) == 1
    assert Image.MAX_IMAGE_PIXELS == 1000
    monkeypatch.setattr(pictures, "MAX_PIXELS", 5000)
    with pytest.raises(MediaError, match="128x64 pixels, 0 million; at most 0 million"):
        read_image(path)


def test_kinds(tmp_path, clips):
    assert classify(clips.make(frames=3)) == "video"
    assert classify(clips.make("a.mkv", frames=3).rename(tmp_path / "b.png")) == "video"
    assert classify(save(tmp_path / "c.png", clips.picture(1)).rename(tmp_path / "c.mp4")) == "image"
    assert classify(clips.make("d.ts", frames=3)) == "video"
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(MediaError, match=r"neither.*\.mp4"):
        classify(tmp_path / "note.txt")
    with pytest.raises(MediaError, match="no such file"):
        classify(tmp_path / "none.mp4")


@pytest.mark.parametrize("name", ["a.mov", "a.avi", "a.ts", "a.m2ts", "a.mpg"])
def test_a_video_under_a_pictures_name_is_a_video(clips, name):
    path = clips.make(name, frames=5, codec="mpeg2video" if name == "a.mpg" else "libx264")
    path = path.rename(path.with_suffix(".jpg"))
    assert classify(path) == "video"
    assert probe_video(path).eye_size == (128, 64)


def test_a_film_of_old_quicktime_begins_otherwise(clips):
    path = clips.make("a.mov", frames=5, container_options=mp4.BACK)
    begin = path.read_bytes()
    size = int.from_bytes(begin[:4], "big")
    path.write_bytes(begin[:size].replace(b"ftyp", b"wide") + begin[size:])  # of the same length: offsets stay
    assert classify(path.rename(path.with_suffix(".png"))) == "video"
    assert probe_video(path.with_suffix(".png")).stereo == "mono"


def test_a_folder_is_listed_in_natural_order(tmp_path):
    for name in ("b10.PNG", "b9.png", "a.mp4", ".hidden.png", "notes.txt", "b09.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [p.name for p in list_media(tmp_path)] == ["a.mp4", "b09.jpg", "b9.png", "b10.PNG"]
    with pytest.raises(MediaError, match="does not exist"):
        list_media(tmp_path / "none")
    with pytest.raises(MediaError, match="is a file"):
        list_media(tmp_path / "a.mp4")
    with pytest.raises(MediaError, match="holds no"):
        list_media(tmp_path / "folder.png")


def test_camera_originals_are_refused_by_their_endings(tmp_path, clips):
    photo = save(tmp_path / "a.jpg", clips.picture(1)).rename(tmp_path / "IMG_0001.insp")
    film = clips.make("b.mp4", frames=3).rename(tmp_path / "GS010001.360")
    with pytest.raises(MediaError, match=rf"{photo.name}: .*Insta360 Studio"):
        classify(photo)
    assert classify(film) == "video"
    with pytest.raises(MediaError, match=rf"{film.name}: .*GoPro Player"):
        probe_video(film)
    with pytest.raises(MediaError, match="two fisheye pictures"):
        read_image(photo)


@pytest.mark.parametrize(
    ("ending", "head"), [(".HEIC", b"\0\0\0\x18ftypheic"), (".jxl", b"\xff\x0a"), (".psd", b"8BPS"), (".dng", b"IIRO")]
)
def test_an_unread_format_is_told_alike_by_its_ending_and_by_its_content(tmp_path, ending, head):
    told = []
    for path in (tmp_path / f"a{ending}", tmp_path / "b.jpg"):
        path.write_bytes(head + bytes(99))
        with pytest.raises(MediaError) as error:
            classify(path)
        told.append(str(error.value))
    what, remedy = told[1].removeprefix(f"{tmp_path}/b.jpg: is ").split(", a format that is not supported; ")
    assert f"{ending} is {what}: {remedy}" in told[0]


def test_a_camera_original_that_says_it_is_a_whole_sphere_is_read(clips):
    film = clips.make("a.mp4", frames=3, container_options=mp4.BACK)
    film = mp4.put_in_entry(film, mp4.st3d(0) + mp4.sv3d(mp4.equi())).rename(clips.folder / "VID_00.insv")
    assert classify(film) == "video"
    assert probe_video(film).stereo == "mono"


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif_is_a_picture_under_any_name(tmp_path, clips):
    for name in ("a.avif", "a.jpg", "a.mp4"):
        path = save(tmp_path / "made.avif", clips.picture(9)).rename(tmp_path / name)
        assert classify(path) == "image"
        assert clips.number(read_image(path)) == 9


@pytest.mark.skipif(not (CASES / "grid.avif").is_file(), reason="the shared cases are not here")
def test_a_grid_of_tiles_is_read_whole():
    assert read_image(CASES / "grid.avif").shape == (512, 1024, 3)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.tif", "a.webp", "a.mpo"])
def test_the_first_of_several_pictures(tmp_path, clips, name):
    more = [Image.fromarray(clips.picture(200))]
    path = save(tmp_path / name, clips.picture(3), save_all=True, append_images=more)
    assert clips.number(read_image(path)) == 3
    assert probe_image_header(path).notes == ("holds several pictures (frames, pages or views); the first is used",)


def test_what_a_folder_holds_besides_is_named(tmp_path, clips):
    save(tmp_path / "a.png", clips.picture(1))
    save(tmp_path / "b.png", clips.picture(1)).rename(tmp_path / "b")
    for name in ("c.insp", "d.txt", "e.csv", ".hidden", "walk.mp4"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    assert folder_remarks(tmp_path) == [
        "skipped b: a picture by its content, but not by its name's ending",
        "skipped c.insp: .insp is a camera's original of two fisheye pictures, no panorama: export it as an "
        "equirectangular (360°) JPEG with Insta360 Studio first",
        "skipped d.txt, e.csv: not images or videos by their endings",
        "skipped sub: folders in folders are not searched",
    ]
    (tmp_path / "sub" / "x.txt").touch()
    with pytest.raises(MediaError, match=r"holds no images.*skipped x\.txt"):
        list_media(tmp_path / "sub")


@pytest.mark.parametrize("name", ["f3.heic", "f3.insp", "f3", "f3.png.bak"])
def test_a_frame_that_is_not_read_is_refused(tmp_path, clips, name):
    for number in (1, 2, 3, 4):
        save(tmp_path / f"f{number}.png", clips.picture(number))
    (tmp_path / "f3.png").rename(tmp_path / name)
    with pytest.raises(MediaError, match=rf"{name}: looks like a frame, but is not read"):
        read_image_sequence(tmp_path, fps=4)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["000", "001", "003", "004"], "jump in 1 place (after 1 comes 3)"),
        (["f10", "f20", "f30", "f50"], "jump in 1 place (after 30 comes 50)"),
        (["f_0_7", "f_1_7", "f_5_7", "f_6_7", "f_9_7"], "jump in 2 places (after 1 comes 5, after 6 comes 9)"),
        (["1", "01", "2", "3"], "jump in 1 place (after 1 comes 1)"),
        (["f8", "f9", "f10", "f011"], None),
        (["0010", "0020", "0030"], None),
        (["a", "b", "c"], "do not differ in one number alone"),
        (["only"], None),
    ],
)
def test_gaps_in_the_numbers_of_frames_are_told(tmp_path, names, told):
    for name in names:
        (tmp_path / f"{name}.png").touch()
    (tmp_path / "walk.mp4").touch()
    videos, *remarks = folder_remarks(tmp_path, as_frames=True)
    assert videos == "skipped walk.mp4: videos are not frames"
    assert len(remarks) == (told is not None)
    assert all(told in remark for remark in remarks)


def test_only_the_frames_that_are_asked_for_are_opened(tmp_path, clips):
    for number in range(5):
        save(tmp_path / f"f{number}.png", clips.picture(number))
    (tmp_path / "f0.png").write_bytes(b"broken")
    (tmp_path / "f4.png").write_bytes(b"broken")
    frames = list(read_image_sequence(tmp_path, fps=4, numbers=range(1, 4, 2)))
    assert [(f.index, f.timestamp_s, clips.number(f.image)) for f in frames] == [(1, 0.25, 1), (3, 0.75, 3)]


def test_a_folder_of_frames_is_a_clip(tmp_path, clips):
    for number in (0, 1, 2, 10, 11):
        save(tmp_path / f"frame{number}.png", clips.picture(number))
    frames = list(read_image_sequence(tmp_path, fps=4))
    assert [clips.number(f.image) for f in frames] == [0, 1, 2, 10, 11]
    assert [f.index for f in frames] == [0, 1, 2, 3, 4]
    assert [f.timestamp_s for f in frames] == [0, 0.25, 0.5, 0.75, 1.0]
    small = list(read_image_sequence(tmp_path, fps=4, size=(64, 32)))
    assert small[3].image.shape == (32, 64, 3)
    assert clips.number(small[3].image) == 10
    with pytest.raises(ConfigError, match="fps"):
        read_image_sequence(tmp_path, fps=0)
    save(tmp_path / "frame3.png", clips.picture(3, 256, 128))
    with pytest.raises(MediaError, match=r"frame3\.png: its view is 256x128, but frame0\.png has 128x64"):
        list(read_image_sequence(tmp_path, fps=4))

"""The kind of a file, and what is read of a folder."""

import pytest

from atsal.errors import MediaError
from atsal.video.image_reader import read_image
from atsal.video.media_files import classify, folder_remarks, list_media
from atsal.video.probe import probe_video
from atsal.video.reader import read_image_sequence
from fakes import mp4
from video.conftest import save_picture


def test_kinds(tmp_path, clips):
    assert classify(clips.make(frames=3)) == "video"
    assert classify(clips.make("a.mkv", frames=3).rename(tmp_path / "b.png")) == "video"
    assert classify(save_picture(tmp_path / "c.png", clips.picture(1)).rename(tmp_path / "c.mp4")) == "image"
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
    photo = save_picture(tmp_path / "a.jpg", clips.picture(1)).rename(tmp_path / "IMG_0001.insp")
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


def test_what_a_folder_holds_besides_is_named(tmp_path, clips):
    save_picture(tmp_path / "a.png", clips.picture(1))
    save_picture(tmp_path / "b.png", clips.picture(1)).rename(tmp_path / "b")
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
        save_picture(tmp_path / f"f{number}.png", clips.picture(number))
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

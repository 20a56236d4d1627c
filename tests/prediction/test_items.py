import os
from pathlib import Path

import pytest

from atsal.errors import ConfigError, MediaError
from atsal.prediction.items import Item, Reading, find_items


def test_a_folder_stands_for_what_is_in_it(still, clip):
    for name in ("p10.png", "p9.jpg"):
        still(name)
    (clip.parent / "notes.txt").write_text("no picture")
    items, problems = find_items([clip.parent])
    assert [(item.path.name, item.kind, item.stem) for item in items] == [
        ("p9.jpg", "image", "p9"),
        ("p10.png", "image", "p10"),
        ("walk.mp4", "video", "walk"),
    ]
    assert problems == []


def test_what_cannot_be_used_does_not_stop_the_rest(still, tmp_path):
    good = still("good.png")
    (good.parent / "empty.jpg").touch()
    (tmp_path / "bare").mkdir()
    items, problems = find_items([tmp_path / "bare", tmp_path / "missing.mp4", good.parent])
    assert [item.path for item in items] == [good]
    assert [str(problem).split(":")[0] for problem in problems] == [
        str(tmp_path / "bare"),
        str(tmp_path / "missing.mp4"),
        str(good.parent / "empty.jpg"),
    ]


def test_the_same_file_counts_once(still):
    path = still("a.png")
    items, _ = find_items([path, path.parent / ".." / "in" / "a.png", path.parent])
    assert [item.path for item in items] == [path]


def test_a_folder_of_frames_is_one_clip_of_the_folders_name(frame_folder, monkeypatch):
    items, _ = find_items([frame_folder], as_frames=True)
    assert [(item.kind, item.stem) for item in items] == [("sequence", "frames")]
    monkeypatch.chdir(frame_folder)
    assert Item(Path(), "sequence").stem == "frames"
    (frame_folder / "sub").mkdir()
    assert Item(Path("sub/.."), "sequence").stem == "frames"


def test_a_link_keeps_its_own_name(frame_folder, tmp_path):
    (tmp_path / "tour").symlink_to(frame_folder)
    assert Item(tmp_path / "tour", "sequence").stem == "tour"


@pytest.mark.parametrize(
    ("name", "stem"), [("a.b.mp4", "a.b"), ("-x.mp4", "-x"), ("ä ö.mp4", "ä ö"), ("plain", "plain")]
)
def test_results_keep_the_stem(name, stem):
    assert Item(Path(name), "video").stem == stem


def test_an_edited_source_is_another_one(still, frame_folder):
    path = still("a.png")
    before = Item(path, "image").identity()
    assert before == Item(path, "image").identity()
    os.utime(path, ns=(0, 12345))
    assert Item(path, "image").identity() == before  # touched, not edited
    edited = bytearray(path.read_bytes())
    edited[-1] ^= 1
    path.write_bytes(edited)
    assert Item(path, "image").identity() != before

    folder = Item(frame_folder, "sequence")
    before = folder.identity()
    (frame_folder / "out").mkdir()  # results may lie inside
    (frame_folder / "clip.mp4").write_bytes(b"video")
    assert folder.identity() == before
    with (frame_folder / "f3.png").open("ab") as file:
        file.write(b"\\0")
    assert folder.identity() != before


def test_frames_of_a_folder_have_their_places_in_time(frame_folder):
    item = Item(frame_folder, "sequence")
    reading = Reading(fps=10, start_s=0.2, duration_s=0.7, stride=3)
    frames = list(item.frames(reading, (64, 32)))
    assert [frame.index for frame in frames] == [2, 5, 8]
    assert [frame.timestamp_s for frame in frames] == pytest.approx([0.2, 0.5, 0.8])
    assert frames[0].image.shape == (32, 64, 3)
    assert item.expected_frames(reading) == 3
    assert item.frame_rate(reading) == pytest.approx(10 / 3)
    assert item.frame_rate(Reading()) == 30


def test_a_video_beside_frames_is_not_counted(frame_folder):
    (frame_folder / "clip.mp4").write_bytes(b"video")
    assert Item(frame_folder, "sequence").expected_frames(Reading()) == 12


def test_a_span_without_frames_is_refused(frame_folder):
    with pytest.raises(MediaError, match="no frame in the span from 9 s"):
        Item(frame_folder, "sequence").frames(Reading(start_s=9), None)
    with pytest.raises(ConfigError, match="stride"):
        Item(frame_folder, "sequence").frames(Reading(stride=0), None)


def test_expected_frames_are_those_delivered(clip):
    item = Item(clip, "video")
    for reading in (Reading(), Reading(stride=3), Reading(fps=4), Reading(start_s=0.5), Reading(duration_s=0.5)):
        assert item.expected_frames(reading) == len(list(item.frames(reading, (32, 16)))), reading


def test_rates_follow_stride_and_fps(clip):
    item = Item(clip, "video")
    rates = [item.frame_rate(reading) for reading in (Reading(), Reading(stride=2), Reading(fps=4), Reading(fps=50))]
    assert rates == pytest.approx([8, 4, 4, 8])
    assert item.frame_rate(Reading(fps=1e-9)) > 0


def test_the_view_of_a_stereo_source_is_one_eye(tmp_path, frame_folder):
    from PIL import ExifTags, Image

    folder = tmp_path / "stereo"
    folder.mkdir()
    Image.new("RGB", (64, 64)).save(folder / "f.png")
    assert Item(folder, "sequence").stereo_layout(Reading()) == "top-bottom"
    assert Item(frame_folder, "sequence").stereo_layout(Reading()) == "mono"
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (32, 64)).save(folder / "turned.jpg", exif=turned)
    assert Item(folder / "turned.jpg", "image").stereo_layout(Reading()) == "mono"
    assert Item(folder, "sequence").view_size(Reading()) == (64, 32)
    assert Item(frame_folder, "sequence").view_size(Reading()) == (64, 32)

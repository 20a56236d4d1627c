import os
from pathlib import Path

import pytest

from atsal.errors import ConfigError, MediaError
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source, SourceFiles, find_remarks, find_sources
from atsal.prediction.unseen_source import UnseenSource
from atsal.remote.path import as_path


def test_a_folder_stands_for_what_is_in_it(still, clip):
    for name in ("p10.png", "p9.jpg"):
        still(name)
    (clip.parent / "notes.txt").write_text("no picture")
    items, problems = find_sources([clip.parent])
    assert [(item.path.name, item.kind, item.stem) for item in items] == [
        ("p9.jpg", "image", "p9"),
        ("p10.png", "image", "p10"),
        ("walk.mp4", "video", "walk"),
    ]
    assert problems == {}


def test_what_cannot_be_used_does_not_stop_the_rest(still, tmp_path):
    good = still("good.png")
    (good.parent / "empty.jpg").touch()
    (tmp_path / "bare").mkdir()
    items, problems = find_sources([tmp_path / "bare", tmp_path / "missing.mp4", good.parent])
    assert [item.path for item in items] == [good]
    assert list(problems) == [tmp_path / "bare", tmp_path / "missing.mp4", good.parent / "empty.jpg"]
    assert all(str(problem).startswith(f"{path}: ") for path, problem in problems.items())


def test_the_same_file_counts_once(still):
    path = still("a.png")
    items, _ = find_sources([path, path.parent / ".." / "in" / "a.png", path.parent])
    assert [item.path for item in items] == [path]


def test_a_folder_of_frames_is_one_clip_of_the_folders_name(frame_folder, monkeypatch):
    items, _ = find_sources([frame_folder], as_frames=True)
    assert [(item.kind, item.stem) for item in items] == [("sequence", "frames")]
    monkeypatch.chdir(frame_folder)
    assert Source(Path(), "sequence").stem == "frames"
    (frame_folder / "sub").mkdir()
    assert Source(Path("sub/.."), "sequence").stem == "frames"


def test_a_link_keeps_its_own_name(frame_folder, tmp_path):
    (tmp_path / "tour").symlink_to(frame_folder)
    assert Source(tmp_path / "tour", "sequence").stem == "tour"


@pytest.mark.parametrize(
    ("name", "stem"), [("a.b.mp4", "a.b"), ("-x.mp4", "-x"), ("ä ö.mp4", "ä ö"), ("plain", "plain")]
)
def test_results_keep_the_stem(name, stem):
    assert Source(Path(name), "video").stem == stem


@pytest.mark.parametrize(
    "path", ["...mp4", "..mp4", "http://host/%2e%2e", "s3://bucket/clips/..", "s3://bucket/...mp4"]
)
def test_no_name_leads_out_of_the_output_folder(path):
    assert Source(as_path(path), "video").stem == UnseenSource(as_path(path)).stem
    assert Source(as_path(path), "video").stem in ("_.", "_..")


def test_a_loop_of_links_is_a_problem_of_that_path(tmp_path):
    loop = tmp_path / "loop.mp4"
    loop.symlink_to(loop)
    sources, problems = find_sources([loop])
    assert not sources
    assert "symbolic links" in str(problems[loop])


def test_an_edited_source_is_another_one(still, frame_folder):
    path = still("a.png")
    before = Source(path, "image").identity()
    assert before == Source(path, "image").identity()
    os.utime(path, ns=(0, 12345))
    assert Source(path, "image").identity() == before  # touched, not edited
    edited = bytearray(path.read_bytes())
    edited[-1] ^= 1
    path.write_bytes(edited)
    assert Source(path, "image").identity() != before

    folder = Source(frame_folder, "sequence")
    before = folder.identity()
    (frame_folder / "out").mkdir()  # results may lie inside
    (frame_folder / "clip.mp4").write_bytes(b"video")
    assert folder.identity() == before
    with (frame_folder / "f3.png").open("ab") as file:
        file.write(b"\\0")
    assert folder.identity() != before


def test_frames_of_a_folder_have_their_places_in_time(frame_folder):
    item = Source(frame_folder, "sequence")
    reading = ReadOptions(fps=10, start_s=0.2, duration_s=0.7, stride=3)
    frames = list(item.frames(reading, (64, 32)))
    assert [frame.index for frame in frames] == [2, 5, 8]
    assert [frame.timestamp_s for frame in frames] == pytest.approx([0.2, 0.5, 0.8])
    assert frames[0].image.shape == (32, 64, 3)
    assert item.expected_frames(reading) == 3
    assert item.frame_rate(reading) == pytest.approx(10 / 3)
    assert item.frame_rate(ReadOptions()) == 30


def test_the_span_of_a_folder_is_not_shifted_by_rounding(frame_folder):
    """0.1 + 0.2 is more than 0.3, and 3 / 10 is not."""
    item = Source(frame_folder, "sequence")
    found = item.frames(ReadOptions(fps=10, start_s=0.1, duration_s=0.2), None)
    assert [frame.index for frame in found] == [1, 2]
    found = item.frames(ReadOptions(fps=10, start_s=0.1 + 0.2, max_frames=2), None)
    assert [frame.index for frame in found] == [3, 4]


def test_a_number_of_frames_is_one_or_more():
    with pytest.raises(ConfigError, match="max_frames 0: expected"):
        ReadOptions(max_frames=0)


def test_a_broken_frame_outside_the_span_does_no_harm(frame_folder):
    item, reading = Source(frame_folder, "sequence"), ReadOptions(fps=10, start_s=0.1, duration_s=0.3, stride=2)
    for number in (0, 2, 11):
        (frame_folder / f"f{number}.png").write_bytes(b"broken")
    assert [frame.index for frame in item.frames(reading, None)] == [1, 3]
    assert (item.view_size(reading), item.notes(reading)) == ((64, 32), ())
    assert item.expected_frames(reading) == 2


def test_what_folders_hold_besides_is_told(still, tmp_path):
    folder = still("a1.png").parent
    still("a3.png"), still("a4.png"), still("a5.png")
    (folder / "gaze.csv").touch()
    passed = f"{folder}: skipped gaze.csv: not images or videos by their endings"
    assert find_remarks([folder, tmp_path / "none", folder / "a1.png"]) == [passed]
    told = find_remarks([folder], as_frames=True)
    assert told[0] == passed
    assert "after 1 comes 3" in told[1]


def test_a_video_beside_frames_is_not_counted(frame_folder):
    (frame_folder / "clip.mp4").write_bytes(b"video")
    assert Source(frame_folder, "sequence").expected_frames(ReadOptions()) == 12


def test_a_span_without_frames_is_refused(frame_folder):
    with pytest.raises(MediaError, match="no frame in the span from 9 s"):
        Source(frame_folder, "sequence").frames(ReadOptions(start_s=9), None)
    with pytest.raises(ConfigError, match="stride"):
        Source(frame_folder, "sequence").frames(ReadOptions(stride=0), None)


def test_expected_frames_are_those_delivered(clip):
    item = Source(clip, "video")
    for reading in (
        ReadOptions(),
        ReadOptions(stride=3),
        ReadOptions(fps=4),
        ReadOptions(start_s=0.5),
        ReadOptions(duration_s=0.5),
        ReadOptions(max_frames=3),
        ReadOptions(stride=3, max_frames=99),
        ReadOptions(start_s=0.5, max_frames=1),
    ):
        assert item.expected_frames(reading) == len(list(item.frames(reading, (32, 16)))), reading


def test_rates_follow_stride_and_fps(clip):
    item = Source(clip, "video")
    rates = [
        item.frame_rate(reading)
        for reading in (ReadOptions(), ReadOptions(stride=2), ReadOptions(fps=4), ReadOptions(fps=50))
    ]
    assert rates == pytest.approx([8, 4, 4, 8])
    assert item.frame_rate(ReadOptions(fps=1e-9)) > 0


def test_the_view_of_a_stereo_source_is_one_eye(tmp_path, frame_folder):
    from PIL import ExifTags, Image

    folder = tmp_path / "stereo"
    folder.mkdir()
    Image.new("RGB", (64, 64)).save(folder / "f.png")
    assert "taken as two views, top-bottom" in Source(folder, "sequence").notes(ReadOptions())[0]
    assert not Source(frame_folder, "sequence").notes(ReadOptions())
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (32, 64)).save(folder / "turned.jpg", exif=turned)
    assert not Source(folder / "turned.jpg", "image").notes(ReadOptions())
    assert Source(folder, "sequence").view_size(ReadOptions()) == (64, 32)
    assert Source(frame_folder, "sequence").view_size(ReadOptions()) == (64, 32)


def test_inputs_are_known_though_one_of_them_is_none(still, tmp_path):
    (tmp_path / "empty").mkdir()
    path = still("a.png")
    known = SourceFiles([Source(path, "image"), Source(tmp_path / "empty", "sequence")])
    (tmp_path / "link.png").symlink_to(path)
    assert path in known
    assert tmp_path / "link.png" in known
    assert tmp_path / "other.png" not in known

import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from atsal.errors import DataError
from atsal.gaze.readers.avtrack360 import read_avtrack360, read_videos

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "avtrack360" / "head_rotation.tar.xz"


def clip(samples, video="6.mp4", length_s=30.0):
    rows = [{"sec": s, "pitch": p, "yaw": y, "roll": 3} for s, p, y in samples]
    return {"filename": video, "hmd": "vive", "video_length_in_s": length_s, "pitch_yaw_roll_data_hmd": rows}


def viewer(label, *clips):
    return {"label": label, "data": list(clips)}


def one(folder, *clips):
    """What is read of a folder with one viewer."""
    (folder / "1.json").write_text(json.dumps(viewer("1", *clips)))
    return read_avtrack360(folder)


@pytest.fixture
def folder(tmp_path):
    heads, notes = tmp_path / "set" / "Head_rotation", tmp_path / "set" / "SRC_info"
    heads.mkdir(parents=True)
    notes.mkdir()
    (notes / "6.json").write_text('{"streams": []}')
    (heads / "10.json").write_text(json.dumps(viewer("10", clip([(0.5, 0, 20), (2.5, 0, 179)]))))
    first = viewer("1", clip([(0.1, 0, 0), (2.5, -30, 90), (3.0, 45, -180)]), clip([(0.2, 5, -45)], "12.mp4"))
    (heads / "1.json").write_text(json.dumps(first))
    return tmp_path / "set"


def test_looking_up_is_negative_pitch(folder):
    reading = read_avtrack360(folder)
    assert list(reading.records) == ["6", "12"]
    first, second = reading.records["6"]
    assert (first.observer, second.observer) == ("1", "10"), "in order of number, not of text"
    assert first.directions == ("head",)
    assert first.timestamp_s.tolist() == [0.1, 2.5, 3.0]
    lon, lat = np.rad2deg(first.lonlat("head"))
    assert lat == pytest.approx([0, 30, -45])
    assert lon[:2] == pytest.approx([0, 90])
    assert abs(lon[2]) == pytest.approx(180)
    assert first.head[1] == pytest.approx([np.cos(np.pi / 6), 0.5, 0]), "to the right and up"
    assert reading.drops == ()
    assert reading.notes == ()


def test_archives_equal_the_folder(folder, tmp_path):
    with tarfile.open(tmp_path / "set.tar.xz", "w:xz") as archive:
        archive.add(folder, "set")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as packed:
        for file in folder.rglob("*.json"):
            packed.write(file, file.relative_to(tmp_path))
    expected = read_avtrack360(folder).records
    for name in ("set.tar.xz", "set.zip"):
        found = read_avtrack360(tmp_path / name).records
        assert {k: [t.observer for t in v] for k, v in found.items()} == {"6": ["1", "10"], "12": ["1"]}
        assert found["6"][0].head.tolist() == expected["6"][0].head.tolist()


def test_member_names_lead_nowhere(folder, tmp_path):
    content = (folder / "Head_rotation" / "1.json").read_bytes()
    with tarfile.open(tmp_path / "hostile.tar", "w") as archive:
        entry = tarfile.TarInfo("../../escaped/1.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("Head_rotation/2.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    before = sorted(tmp_path.rglob("*"))
    assert [t.observer for t in read_avtrack360(tmp_path / "hostile.tar").records["6"]] == ["1"]
    assert sorted(tmp_path.rglob("*")) == before


def test_broken_values_are_left_out_and_counted(tmp_path):
    good = [(t, 0, 0) for t in (0.1, 0.2, 0.2, 0.3, 9.0, 9.5, 9.6, 9.7)]
    bad = [
        (0.4, 91, 0),
        (9.1, None, 0),
        (9.2, float("nan"), 0),
        (9.3, 0, 181),
        (-0.1, 0, 0),
        (8.9, 0, 0),
        (float("inf"), 0, 0),
    ]
    reading = one(tmp_path, clip([*good[:4], bad[0], good[4], *bad[1:], *good[5:], (30.1, 0, 0)]))
    (track,) = reading.records["6"]
    assert track.timestamp_s[:-1].tolist() == [0.1, 0.2, 0.2, 0.3, 9.0, 9.5, 9.6, 9.7], "a time may repeat"
    assert track.timestamp_s[-1] == 30.1, "past the end of the video: the data set decides"
    assert {drop.reason: drop.count for drop in reading.drops} == {
        "no time": 1,
        "no position (a lost sample)": 2,
        "position outside the frame": 2,
        "time below 0": 1,
        "time that goes back": 1,
    }
    assert reading.drops[2].first == f"{tmp_path / '1.json'}, 6.mp4, sample 5"


def test_drops_are_told_for_each_video(tmp_path):
    one(tmp_path, clip([(1, 0, 0), (2, 0, 0), (3, 95, 0)]), clip([(1, 0, 0)], "7.mp4"), clip([], "8.mp4"))
    videos = read_videos(tmp_path)
    assert [len(videos[name].drops) for name in ("6", "7", "8")] == [1, 0, 1]
    assert videos["8"].records == ()
    assert videos["8"].drops[0].reason == "viewer without a usable sample"


def test_milliseconds_are_told_and_converted(tmp_path):
    reading = one(tmp_path, clip([(t, 0, 0) for t in range(100, 30000, 100)]))
    assert reading.records["6"][0].timestamp_s[[0, -1]].tolist() == [0.1, 29.9]
    assert reading.notes == ("6.mp4: times are in ms, not in s; converted",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "1.json: not an AVTrack360.*'label'"),
        ("[1, 2]", "1.json: not an AVTrack360"),
        ('{"label": "1"}', "no list under 'data'"),
        ('{"label": "1", "data": [3]}', "no str under 'filename'"),
        ('{"label": " ", "data": []}', "no viewer's name"),
        ('{"label": "1", "data": [{"filename": "6.mp4"}]}', "6.mp4.*pitch_yaw_roll_data_hmd"),
        ("not json", "1.json: cannot be read as JSON"),
        ("[" * 100_000, "1.json: cannot be read as JSON"),
        (json.dumps(viewer("1", clip([(1, 0, 0)])))[:-40], "cannot be read as JSON"),
        (json.dumps(viewer("1", clip([(1, 0, 0), (2, "here", 0)]))), "6.mp4, sample 2: .*expected numbers"),
        (json.dumps(viewer("1", clip([(1, 0, True)]))), "sample 1.*expected numbers"),
        (json.dumps(viewer("1", clip([(1, 0, 10**400)]))), "an integer of 401 digits"),
        (json.dumps(viewer("1", clip([], length_s="half"))), "video_length_in_s is 'half'"),
        (json.dumps(viewer("1", clip([], "../.mp4"))), "filename '../.mp4' is not the name of a video"),
        (
            json.dumps(viewer("1", clip([(t, 100, 0) for t in range(9)]))),
            "9 of 9 positions lie outside.*pitch from -90 to 90",
        ),
        (
            json.dumps(viewer("1", clip([(t, 0, 300) for t in range(9)]))),
            "9 of 9 positions lie outside.*yaw from -180 to 180",
        ),
        (json.dumps(viewer("1", clip([(t, 0.1, -1.4) for t in range(9)]))), "as in radians; expected degrees"),
        (json.dumps(viewer("1", clip([(1, 0, 0)]), clip([(1, 0, 0)]))), "viewer 1 is in .* too"),
        (
            json.dumps(viewer("1", clip([(99, 0, 0), (100, 0, 0), (1, 0, 0)]))),
            "2 of 3 samples are not within the length",
        ),
    ],
)
def test_broken_files_are_named(folder, content, message):
    (folder / "Head_rotation" / "1.json").write_text(content)
    with pytest.raises(DataError, match=message):
        read_avtrack360(folder)


@pytest.mark.parametrize("name", ["cut.tar.xz", "cut.zip", "cut.tar"])
def test_broken_archives(folder, tmp_path, name):
    whole = tmp_path / f"whole{name[3:]}"
    if name.endswith("zip"):
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.write(folder / "Head_rotation" / "1.json", "1.json")
        content = bytearray(whole.read_bytes())
        content[60:70] = b"0123456789"
    else:
        with tarfile.open(whole, "w:xz" if name.endswith("xz") else "w") as archive:
            archive.add(folder, "set")
        content = whole.read_bytes()[: 200 if name.endswith("xz") else 2900]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        read_avtrack360(tmp_path / name)


def test_missing_files(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_avtrack360(tmp_path / "none")
    with pytest.raises(DataError, match="no AVTrack360"):
        read_avtrack360(tmp_path)
    (tmp_path / "package.json").write_text("{}")
    with pytest.raises(DataError, match=r"Head_rotation/10\.json"):
        read_avtrack360(tmp_path)
    (tmp_path / "text.zip").write_text("none")
    with pytest.raises(DataError, match="not a tar or zip archive"):
        read_avtrack360(tmp_path / "text.zip")


@pytest.mark.skipif(not REAL.exists(), reason="the real logs are not here")
def test_real_logs():
    reading = read_avtrack360(REAL)
    assert list(reading.records) == [str(number) for number in range(1, 21)]
    tracks = [track for found in reading.records.values() for track in found]
    assert len(tracks) == 960
    assert sum(map(len, tracks)) == 284247
    assert reading.drops == ()
    assert reading.notes == ()
    assert all(9.8 < track.sampling_rate_hz() < 10.1 for track in tracks)
    starts = np.rad2deg([track.lonlat("head")[0][0] for track in tracks])
    assert np.abs(starts).max() <= 1.001, "all start to look ahead"
    assert reading.records["1"][0].observer == "2"


def test_numbers_as_text_and_the_file_of_nobody(tmp_path):
    folder = tmp_path / "Head_rotation"
    folder.mkdir()
    rows = [
        {"sec": "0.2", "pitch": "-45", "yaw": "90.0", "roll": "0"},
        {"sec": "0.3", "pitch": "NaN", "yaw": "1", "roll": "0"},
    ]
    entry = {"filename": "6.MP4", "video_length_in_s": "30.03", "pitch_yaw_roll_data_hmd": rows}
    (folder / "10.JSON").write_text(json.dumps({"label": 10.0, "data": [entry]}))
    (folder / "11.json").write_text("\n")
    reading = read_avtrack360(tmp_path)
    (track,) = reading.records["6"]
    assert (track.observer, track.timestamp_s.tolist()) == ("10", [0.2])
    assert np.rad2deg(track.lonlat("head")).ravel() == pytest.approx([90, 45])
    assert [(drop.reason, drop.count) for drop in reading.drops] == [
        ("no position (a lost sample)", 1),
        ("viewer with an empty file", 1),
    ]


@pytest.mark.parametrize("glances", [10, 50])
def test_a_viewer_who_rests_ahead_is_kept(tmp_path, glances):
    yaws = [0] * 290 if glances == 10 else [0] * 250
    yaws[100:100] = range(11, 11 + glances)
    reading = one(tmp_path, clip([(n / 10, 0, yaw) for n, yaw in enumerate(yaws, 1)]))
    assert len(reading.records["6"][0]) == 300
    assert reading.drops == ()

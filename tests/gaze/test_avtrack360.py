import json
import tarfile

import numpy as np
import pytest

from atsal.errors import InputError
from atsal.gaze.readers.avtrack360 import head_counts, read_avtrack360


def viewer(label, samples, video="6.mp4"):
    rows = [{"sec": s, "pitch": p, "yaw": y, "roll": 0} for s, p, y in samples]
    return {"label": label, "data": [{"filename": video, "hmd": "vive", "pitch_yaw_roll_data_hmd": rows}]}


@pytest.fixture
def folder(tmp_path):
    heads = tmp_path / "set" / "Head_rotation"
    notes = tmp_path / "set" / "SRC_info"
    heads.mkdir(parents=True)
    notes.mkdir()
    (notes / "6.json").write_text('{"streams": []}')
    (heads / "1.json").write_text(json.dumps(viewer("1", [(0.1, 0, 0), (2.5, -30, 90), (3.0, 45, -180)])))
    (heads / "2.json").write_text(json.dumps(viewer("2", [(2.5, 0, 181)])))
    return tmp_path / "set"


def test_looking_up_is_negative_pitch(folder):
    first, second = read_avtrack360(folder)["6"]
    assert (first.observer, second.observer) == ("1", "2")
    assert np.rad2deg(first.lat_rad) == pytest.approx([0, 30, -45])
    assert np.rad2deg(first.lon_rad) == pytest.approx([0, 90, -180])
    assert np.rad2deg(second.lon_rad) == pytest.approx([-179])


def test_archive_equals_folder(folder, tmp_path):
    with tarfile.open(tmp_path / "set.tar.xz", "w:xz") as archive:
        archive.add(folder, "set")
    from_archive, from_folder = read_avtrack360(tmp_path / "set.tar.xz"), read_avtrack360(folder)
    assert [t.lon_rad.tolist() for t in from_archive["6"]] == [t.lon_rad.tolist() for t in from_folder["6"]]


def test_counts_lie_where_the_head_pointed(folder):
    counts = head_counts(read_avtrack360(folder)["6"], 18)
    assert counts.sum() == 3, "the first two seconds are the start position"
    assert counts[6, 27] == 1, "30° up, 90° to the right: just below the row's upper edge"
    assert counts[13, 0] == 1, "45° down, behind"
    assert counts[9, 0] == 1, "straight behind, a degree to the right of the border"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "1.json.*not an AVTrack360"),
        ("not json", "1.json"),
        (json.dumps(viewer("1", [(1, 120, 0)])), "pitch 120"),
        (json.dumps(viewer("1", [(1, float("nan"), 0)])), "not a number"),
    ],
)
def test_broken_files_are_named(folder, content, message):
    (folder / "Head_rotation" / "1.json").write_text(content)
    with pytest.raises(InputError, match=message):
        read_avtrack360(folder)


def test_missing_files(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_avtrack360(tmp_path / "none")
    with pytest.raises(InputError, match="no AVTrack360"):
        read_avtrack360(tmp_path)

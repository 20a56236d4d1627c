import pickle

import numpy as np
import pytest

from atsal.errors import DataError
from atsal.gaze.readers.sport360 import read_sport360
from fakes.sitzmann import python2_pickle


@pytest.fixture
def vinfo(tmp_path):
    def write(document):
        path = tmp_path / "vinfo.pkl"
        path.write_bytes(python2_pickle(document))
        return path

    return write


def test_axes_and_frames(vinfo):
    found = read_sport360(vinfo({"217": {"0003": [(0.25, 0.5)], "0001": [(0.5, 0.25), (0.75, 1.0)], "0002": []}}))
    fixations = found["217"].records
    assert fixations.observer.tolist() == ["all"] * 3
    assert fixations.first_frame.tolist() == fixations.last_frame.tolist() == [0, 0, 2]
    assert np.rad2deg(fixations.lon_rad) == pytest.approx([0, 90, -90])
    assert np.rad2deg(fixations.lat_rad) == pytest.approx([45, -90, 0]), "y counts from the top"
    assert fixations.onset_s is None


def test_arrays_and_numbers_as_names_are_read_alike(tmp_path):
    path = tmp_path / "vinfo.pkl"
    path.write_bytes(pickle.dumps({217: {1: np.array([[0.25, 0.5]], np.float32)}}, 4))
    assert np.rad2deg(read_sport360(path)["217"].records.lon_rad) == pytest.approx([-90])


def test_broken_values_are_dropped_and_counted(vinfo):
    good = {f"{n:04d}": [(0.5, 0.5)] * 3 for n in range(1, 4)}
    frames = {**good, "0004": [(1.5, 0.5), (float("nan"), 0.5)], "0000": [(0.5, 0.5)]}
    reading = read_sport360(vinfo({"217": frames}))["217"]
    assert len(reading.records) == 9
    assert {drop.reason: (drop.count, drop.first[-11:]) for drop in reading.drops} == {
        "position outside the frame": (1, "217, frame 4"[-11:]),
        "no position (a lost sample)": (1, "217, frame 4"[-11:]),
        "frame below 1": (1, "217, frame 0"[-11:]),
    }


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "holds list"),
        ({}, "holds dict"),
        ({"217": [(0.5, 0.5)]}, "video 217: holds list"),
        ({"217": {"first": []}}, "video 217: a frame named 'first'"),
        ({"217": {"0002": [(0.5, 0.5, 1.0)]}}, "video 217, frame 2: holds list"),
        ({"217": {"0002": [(0.5, 0.5), (0.5,)]}}, "video 217, frame 2"),
        ({"217": {"0002": "text"}}, "video 217, frame 2: holds str"),
        ({"217": {"0002": None}}, "video 217, frame 2: holds NoneType"),
        ({"217": {"0002": [(300.0, 200.0)] * 2}}, "video 217, frame 2: .*2 of 2 positions lie outside"),
    ],
)
def test_other_structures_are_refused(vinfo, document, message):
    with pytest.raises(DataError, match=message) as caught:
        read_sport360(vinfo(document))
    assert "vinfo.pkl" in str(caught.value)


def test_frames_named_like_their_pictures_or_as_numbers_and_lost_points(tmp_path):
    path = tmp_path / "vinfo.pkl"
    path.write_bytes(pickle.dumps({217: {"0001.jpg": [(0.75, 0.25), None], 2.0: [(0.25, 0.5)]}}, 2))
    reading = read_sport360(path)["217"]
    assert reading.records.first_frame.tolist() == [0, 1]
    assert np.rad2deg(reading.records.lon_rad) == pytest.approx([90, -90])
    assert [(drop.reason, drop.count) for drop in reading.drops] == [("no position (a lost sample)", 1)]

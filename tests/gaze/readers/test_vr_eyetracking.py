import numpy as np
import pytest

from atsal.errors import DataError, ShapeError
from atsal.gaze.readers.vr_eyetracking import read_vr_eyetracking


@pytest.fixture
def log(tmp_path):
    def write(*rows, name="012._2017-10-13-10-28_ori_0.txt"):
        path = tmp_path / "p007" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(rows) + "\n")
        return path

    return write


def row(frame, head=(0.5, 0.5), gaze=(0.5, 0.5)):
    return f"frame, {frame}, forward, {head[0]}, {head[1]}, eye, {gaze[0]}, {gaze[1]}"


def test_axes_frames_and_observer(log):
    path = log(row(1), row(2, head=(0.75, 0.5), gaze=(0.25, 0.75)), row(4, gaze=(0.5, 0.25)))
    samples = read_vr_eyetracking(path).records
    assert samples.observer == "p007"
    assert samples.frame_index.tolist() == [0, 1, 3]
    assert samples.timestamp_s is None
    lon, lat = samples.lonlat("head")
    assert np.rad2deg(lon) == pytest.approx([0, 90, 0])
    assert np.rad2deg(lat) == pytest.approx([0, 0, 0])
    lon, lat = samples.lonlat("head_eye")
    assert np.rad2deg(lon) == pytest.approx([0, -90, 0])
    assert np.rad2deg(lat) == pytest.approx([0, 45, -45]), "y grows upwards"


def test_times_from_the_rate_of_the_video(log):
    assert read_vr_eyetracking(log(row(1), row(26)), 25).records.timestamp_s.tolist() == [0, 1]
    with pytest.raises(ShapeError, match="frames_per_s 0"):
        read_vr_eyetracking(log(row(1)), 0)


def test_labels_spaces_and_line_ends_do_not_matter(log):
    path = log("x,1,y,.5,.5,z,.5,.5\r", "", "  a , 2 , b , 0.5 , 0.5 , c , 1 , 0.5 ")
    assert len(read_vr_eyetracking(path).records) == 2


def test_broken_values_are_dropped_and_counted(log):
    good = [row(n) for n in range(1, 9)]
    path = log(*good, row(9, gaze=(1.2, 0.5)), row(10, head=("nan", 0.5)), row(0), row(11, gaze=(0.5, 1.0000005)))
    reading = read_vr_eyetracking(path)
    assert reading.records.frame_index.tolist() == [*range(8), 10]
    assert {drop.reason: (drop.count, drop.first.split()[-1]) for drop in reading.drops} == {
        "position outside the frame": (1, "9"),
        "no position (a lost sample)": (1, "10"),
        "frame below 1": (1, "11"),
    }
    assert reading.records.lonlat("head_eye")[1][-1] == pytest.approx(np.pi / 2)


def test_rows_out_of_order_are_sorted_and_said(log):
    reading = read_vr_eyetracking(log(row(2, gaze=(0.75, 0.5)), row(1)), 10)
    assert reading.records.frame_index.tolist() == [0, 1]
    assert np.rad2deg(reading.records.lonlat("head_eye")[0]) == pytest.approx([0, 90])
    assert "sorted" in reading.notes[0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["frame,1,forward,.5,.5,eye,.5"], "line 1: 7 columns, expected 8"),
        (["frame;1;forward;.5;.5;eye;.5;.5"], "separated by semicolons"),
        ([row(1), "frame,2,forward,.5,.5,eye,here,.5"], "line 2: gaze x is 'here'"),
        ([row("1.5")], "line 1: frame is '1.5'"),
        ([""], "is empty"),
        ([row(1, gaze=(180, 90)), row(2, gaze=(170, 80)), row(3)], "2 of 3 positions lie outside"),
    ],
)
def test_other_structures_are_refused(log, rows, message):
    with pytest.raises(DataError, match=message) as caught:
        read_vr_eyetracking(log(*rows))
    assert "012._2017" in str(caught.value)


def test_bytes_are_no_text(tmp_path):
    path = tmp_path / "001.txt"
    path.write_bytes(b"\xff\x00\x00frame")
    with pytest.raises(DataError, match="not a text file"):
        read_vr_eyetracking(path)


def test_a_row_without_a_frame_is_dropped_and_a_comma_at_the_end_does_not_matter(log):
    reading = read_vr_eyetracking(log(row(1) + ",", row("nan") + ",", row("3.0", gaze=("7.5e-01", 0.5)) + ","))
    assert reading.records.frame_index.tolist() == [0, 2]
    assert np.rad2deg(reading.records.lonlat("head_eye")[0]) == pytest.approx([0, 90])
    assert [(drop.reason, drop.count, drop.first[-6:]) for drop in reading.drops] == [("no frame", 1, "line 2")]

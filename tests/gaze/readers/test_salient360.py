import math
from pathlib import Path

import numpy as np
import pytest

from atsal.errors import DataError
from atsal.gaze.readers.salient360 import merge_eyes, read_salient360

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
EXCERPT = SHARED / "format_samples" / "salient360_videos_H_1_PortoRiverside_fixations.excerpt.csv"

HEADER = "# Idx, longitude, latitude, start timestamp, duration, start frame, end frame"
ROWS = [
    "0,0.75,0.25,0.0,200.0,1,5",
    "1,0.25,0.75,200.0,200.0,6,10",
    "0,0.5,0.5,0.0,300.0,1,8",
    "1,1.0,0.0,350.0,100.0,9,11",
    "2,0.0,1.0,500.0,100.0,13,15",
]


@pytest.fixture
def write(tmp_path):
    def write_(*rows, header=HEADER):
        path = tmp_path / "1_PortoRiverside_fixations.csv"
        path.write_text("\n".join([header, *rows, ""]))
        return path

    return write_


def reasons(reading):
    return {drop.reason: (drop.count, drop.first.rpartition(", ")[2]) for drop in reading.drops}


def test_longitude_is_from_the_left_latitude_from_the_top(write):
    fixations = read_salient360(write(*ROWS)).records
    assert np.rad2deg(fixations.lon_rad) == pytest.approx([90, -90, 0, 180, -180])
    assert np.rad2deg(fixations.lat_rad) == pytest.approx([45, -45, 0, 90, -90])


def test_an_index_of_0_begins_the_next_viewer(write):
    reading = read_salient360(write(*ROWS))
    assert reading.records.observer.tolist() == ["1", "1", "2", "2", "2"]
    assert reading.drops == ()
    assert reading.notes == ()


def test_times_are_milliseconds_and_frames_count_from_1(write):
    fixations = read_salient360(write(*ROWS)).records
    assert fixations.onset_s == pytest.approx([0, 0.2, 0, 0.35, 0.5])
    assert fixations.duration_ms == pytest.approx([200, 200, 300, 100, 100])
    assert fixations.first_frame.tolist() == [0, 5, 0, 8, 12]
    assert fixations.last_frame.tolist() == [4, 9, 7, 10, 14]


@pytest.mark.skipif(not EXCERPT.exists(), reason="the excerpt is not beside the repository (shared/data)")
def test_excerpt_of_a_released_file():
    reading = read_salient360(EXCERPT)
    fixations = reading.records
    assert fixations.observers == ["1", "2"]
    assert len(fixations) == 12
    assert np.rad2deg(fixations.lon_rad[[0, 9]]) == pytest.approx([-19.1118, 166.6873], abs=1e-3)
    assert np.rad2deg(fixations.lat_rad[0]) == pytest.approx(-7.7399, abs=1e-3)
    assert fixations.onset_s[1] == pytest.approx(0.2039894)
    assert (fixations.first_frame[4], fixations.last_frame[4]) == (94, 100)
    assert reading.drops == ()
    assert len(reading.notes) == 1
    assert "line 6: fixations are missing before this one" in reading.notes[0]
    assert "(2 x in the file)" in reading.notes[0]


def test_files_of_images_have_four_or_five_columns(write):
    four = read_salient360(write("0,0.5,0.5,0.0", "1,0.6,0.5,300", header="Idx, longitude, latitude, start timestamp"))
    assert four.records.onset_s == pytest.approx([0, 0.3])
    assert four.records.duration_ms is None
    assert four.records.first_frame is None
    header = "  Idx, longitude, latitude, start timestamp, duration"
    five = read_salient360(write("0,0.5,0.5,0.0,250", "1,0.6,0.5,300,100", header=header))
    assert five.records.duration_ms == pytest.approx([250, 100])
    three = read_salient360(write("0,0.5,0.5", "0,0.6,0.5", header="# Idx,longitude,latitude"))
    assert three.records.onset_s is None
    assert three.records.observers == ["1", "2"]


def test_times_in_seconds_are_told_and_converted(write):
    rows = ["0,0.5,0.5,0.0,0.2,1,5", "1,0.5,0.5,0.2,0.25,6,10", "2,0.5,0.5,0.45,0.2,11,15"]
    reading = read_salient360(write(*rows))
    assert reading.records.onset_s == pytest.approx([0, 0.2, 0.45])
    assert reading.records.duration_ms == pytest.approx([200, 250, 200])
    assert [("is in s, not in ms" in note) for note in reading.notes] == [True, True]


def test_times_in_another_unit_are_refused(write):
    with pytest.raises(DataError, match=r"start timestamp.*neither in ms nor in s"):
        read_salient360(write("0,0.5,0.5,0,200,1,5", "1,0.5,0.5,200000,200,6,10"))
    with pytest.raises(DataError, match=r"duration.*neither in ms nor in s"):
        read_salient360(write("0,0.5,0.5,0,200000,1,5"))


def test_a_start_a_hair_before_0_is_taken_as_0(write):
    reading = read_salient360(write("0,0.5,0.5,-0.024057,200,1,5", *ROWS[1:]))
    assert reading.records.onset_s[0] == 0
    assert "less than 1 ms before 0" in reading.notes[0]


def test_broken_values_are_dropped_and_counted(write):
    rows = [
        *ROWS,
        "0,nan,0.5,0.0,200,1,5",
        "1,0.5,,200,200,6,10",
        "2,1.2,0.5,400,200,11,15",
        "3,0.5,-0.1,600,200,16,20",
        "4,0.5,0.5,inf,200,21,25",
        "5,0.5,0.5,1000,-200,26,30",
        "6,0.5,0.5,800,200,31,35",
        "7,0.5,0.5,1400,,36,40",
        "8,0.5,0.5,1600,200,45,41",
        "9,0.25,0.5,1800,200,46,50",
        "0,0.5,0.5,-50,200,1,5",
        "1,0.5,0.5,200,200,0,5",
    ]
    reading = read_salient360(write(*rows))
    assert len(reading.records) == 6
    assert reading.records.observers == ["1", "2", "3"]
    assert reading.records.lon_rad[-1] == pytest.approx(-math.pi / 2)
    assert reasons(reading) == {
        "no position (a lost sample)": (2, "line 7"),
        "position outside the frame": (2, "line 9"),
        "no start timestamp": (1, "line 11"),
        "duration below 0": (1, "line 12"),
        "no duration": (1, "line 14"),
        "end frame before the start frame": (1, "line 15"),
        "start timestamp below 0": (1, "line 17"),
        "frame below 1": (1, "line 18"),
        "start timestamp before that of an earlier fixation": (1, "line 13"),
    }


def test_rounding_beyond_the_border_is_no_error(write):
    reading = read_salient360(write("0,1.0000005,-0.0000005,0,200,1,5"))
    assert np.rad2deg([reading.records.lon_rad[0], reading.records.lat_rad[0]]) == pytest.approx([180, 90])
    assert reading.drops == ()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["3,0.5,0.5,0,200,1,5"], "line 2: Idx is 3 after nothing"),
        (["0,0.5,0.5,0,200,1,5", "1,0.5,0.5,200,200,6,9", "1,0.5,0.5,400,200,6,9"], "line 4: Idx is 1 after 1"),
        (["0,0.5,0.5,0,200,1,5", "7,0.5,0.5,200,200,6,9", "3,0.5,0.5,0,200,1,5"], "line 4: Idx is 3 after 7"),
        (["0,0.5,0.5,0,200,1,5", "-1,0.5,0.5,0,200,1,5"], "line 3: Idx is -1 after 0"),
        (
            ["0,180.0,90.0,0,200,1,5", "1,181.0,80.0,200,200,6,9"],
            "line 2: position 180, 90; 2 of 2 positions lie outside.*another unit",
        ),
        (["0,0.5,90.0,0,200,1,5", "1,0.5,80.0,200,200,6,9"], "line 2: position 0.5, 90; 2 of 2 positions lie outside"),
        (["0,0.5,0.5,0,200,1"], "line 2: 6 columns, expected 7"),
        (["0;0.5;0.5;0;200;1;5"], "separated by semicolons"),
        (["0,here,0.5,0,200,1,5"], "line 2: longitude is 'here'"),
        (["0,0.5,0.5,0,200,1.5,5"], "line 2: start frame is '1.5'"),
        (["x,0.5,0.5,0,200,1,5"], "line 2: idx is 'x'"),
        ([], "header without rows"),
    ],
)
def test_broken_structure_is_refused(write, rows, message):
    with pytest.raises(DataError, match=message):
        read_salient360(write(*rows))


@pytest.mark.parametrize(
    "header",
    [
        "Fix_index, long_Gaze, lat_Gaze, Fix_time_start",
        "Idx, longitude, latitude, start frame",
        "0,0.5,0.5,0",
    ],
)
def test_other_tables_are_refused(write, header):
    with pytest.raises(DataError, match=r"1_PortoRiverside_fixations\.csv"):
        read_salient360(write("0,0.5,0.5,1", header=header))


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "image.csv").write_bytes(b"\x89PNG\xff\xfe\x00")
    (tmp_path / "empty.csv").write_text("")
    for name in ("none.csv", "image.csv", "empty.csv"):
        with pytest.raises(DataError, match=name):
            read_salient360(tmp_path / name)


def test_both_eyes_together_are_one_viewer_in_order_of_time(write):
    left = read_salient360(write("0,0.1,0.5,0,200,1,5", "1,0.2,0.5,400,200,11,15", "0,0.3,0.5,0,200,1,5"))
    right = read_salient360(write("0,0.15,0.5,20,200,1,5", "0,0.35,0.5,10,200,1,5", "1,2,0.5,300,200,6,9"))
    both = merge_eyes(left, right)
    assert both.records.observer.tolist() == ["1", "1", "1", "2", "2"]
    assert both.records.lon_rad / (2 * math.pi) + 0.5 == pytest.approx([0.1, 0.15, 0.2, 0.3, 0.35])
    assert [drop.count for drop in both.drops] == [1]
    assert both.notes == ("both eyes: every look counts twice",)


def test_eyes_of_other_numbers_of_viewers_cannot_be_matched(write):
    left = read_salient360(write("0,0.1,0.5,0,200,1,5"))
    right = read_salient360(write("0,0.1,0.5,0,200,1,5", "0,0.1,0.5,0,200,1,5"))
    with pytest.raises(DataError, match="left eye's file has 1 viewers, the right eye's 2"):
        merge_eyes(left, right)


def test_names_with_underscores_are_the_same_names(tmp_path):
    path = tmp_path / "Hscanpath_1.txt"
    path.write_text("Idx,longitude,latitude,start_timestamp\n0,.5,.5,0\n1,.75,.25,250\n")
    reading = read_salient360(path)
    assert reading.records.onset_s.tolist() == [0, 0.25]
    path.write_text("Idx,longitude,latitude,when\n0,.5,.5,0\n1,.75,.25,250\n")
    reading = read_salient360(path)
    assert reading.records.onset_s is None
    assert "no column 'start timestamp'; read without times" in reading.notes[0]


def test_a_row_that_stands_twice_counts_once(tmp_path):
    path = tmp_path / "Hscanpath_1.txt"
    path.write_text("Idx,longitude,latitude,start timestamp\n0,.5,.5,0\n1,.75,.25,250\n1,.75,.25,250\n2,.5,.5,500\n")
    reading = read_salient360(path)
    assert np.rad2deg(reading.records.lon_rad) == pytest.approx([0, 90, 0])
    assert [(drop.reason, drop.first[-6:]) for drop in reading.drops] == [("the row before once more", "line 4")]


def test_missing_frames_are_dropped_and_a_count_from_0_is_said(tmp_path):
    header = "# Idx, longitude, latitude, start timestamp, duration, start frame, end frame\n"
    path = tmp_path / "1_PortoRiverside_fixations.csv"
    path.write_text(header + "0,.5,.5,0,200,1.0e+00,5.0e+00\n1,.5,.5,200,200,nan,nan\n2,.5,.5,400,200,11,15\n")
    reading = read_salient360(path)
    assert (reading.records.first_frame.tolist(), reading.records.last_frame.tolist()) == ([0, 10], [4, 14])
    assert [(drop.reason, drop.count) for drop in reading.drops] == [("no frame", 1)]
    path.write_text(header + "0,.5,.5,0,200,0,4\n1,.5,.5,200,200,5,9\n")
    reading = read_salient360(path)
    assert reading.records.first_frame.tolist() == [4]
    assert "most viewers begin in frame 0" in reading.notes[0]

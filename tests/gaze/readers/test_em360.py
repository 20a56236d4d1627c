import numpy as np
import pytest

from atsal.errors import DataError
from atsal.gaze.readers.em360 import read_em360

HEADER = """@RELATION gaze_360

%@METADATA distance_mm 0.00
%@METADATA height_px 1080
%@METADATA width_px 1920
%@METADATA fov_height_deg 100.00

% the attributes
@ATTRIBUTE time INTEGER
@ATTRIBUTE x NUMERIC
@ATTRIBUTE y NUMERIC
@ATTRIBUTE confidence NUMERIC
@ATTRIBUTE x_head NUMERIC
@ATTRIBUTE y_head NUMERIC
@ATTRIBUTE angle_deg_head NUMERIC
"""
LABEL = "@ATTRIBUTE labeller_1 {unassigned,fixation,saccade,SP,noise,VOR,OKN}\n"


@pytest.fixture
def arff(tmp_path):
    def write(*rows, header=HEADER):
        path = tmp_path / "003_01_park.arff"
        path.write_text(header + "\n@DATA\n" + "\n".join(rows) + "\n")
        return path

    return write


def test_pixels_become_directions(arff):
    # a quarter of the frame right of its middle and a sixth of its height above it; the head to the left and down
    path = arff("0,1440,360,1.00,480,720,1.22", "8000,960,540,1,0,1080,1.2")
    samples = read_em360(path, "003").records.samples
    lon, lat = samples.lonlat("head_eye")
    assert np.rad2deg(lon) == pytest.approx([90, 0])
    assert np.rad2deg(lat) == pytest.approx([30, 0])
    lon, lat = samples.lonlat("head")
    assert np.rad2deg(lon[0]) == pytest.approx(-90)
    assert np.rad2deg(lat) == pytest.approx([-30, -90])
    assert samples.timestamp_s == pytest.approx([0, 0.008])
    assert samples.observer == "003"
    assert read_em360(path, "003").records.labels == {}


def test_lost_eyes_leave_the_head(arff):
    reading = read_em360(arff("0,0,0,0.49,1440,540,0", "8000,?,?,0,960,540,0", "9000,10,10,0.5,960,540,0"), "1")
    samples = reading.records.samples
    assert samples.valid.tolist() == [False, False, True]
    assert np.isnan(samples.head_eye[:2]).all()
    assert np.rad2deg(samples.lonlat("head")[0]) == pytest.approx([90, 0, 0])
    assert reading.drops == ()


def test_labels_go_with_their_samples(arff):
    rows = ["0,960,540,1,960,540,0,fixation", "8000,960,540,1,2000,540,0,SP", "9000,960,540,1,960,540,0,saccade"]
    reading = read_em360(arff(*rows, header=HEADER + LABEL), "1")
    assert reading.records.labels["labeller_1"].tolist() == ["fixation", "saccade"]
    assert [(drop.reason, drop.count) for drop in reading.drops] == [("head position outside the frame", 1)]


def test_broken_values_are_counted(arff):
    good = [f"{9000 + 8000 * i},960,540,1,960,540,0" for i in range(9)]
    rows = ["-1,960,540,1,960,540,0", "0,-5,540,1,960,540,0", "?,960,540,1,960,540,0", "8000,960,540,1,960,nan,0"]
    reading = read_em360(arff(*rows, *good), "1")
    assert len(reading.records.samples) == 9
    assert {drop.reason: drop.count for drop in reading.drops} == {
        "time below 0": 1,
        "eye position outside the frame": 1,
        "no time": 1,
        "no head position (a lost sample)": 1,
    }
    first = {drop.reason: drop.first.split("park.arff, ")[1] for drop in reading.drops}
    assert first["time below 0"] == "line 18"
    assert first["no head position (a lost sample)"] == "line 21"


@pytest.mark.parametrize(("step", "word"), [(8333, None), (8.333, "time is in ms"), (0.008333, "time is in s")])
def test_other_units_of_time_are_told(arff, step, word):
    reading = read_em360(arff(*[f"{step * i},960,540,1,960,540,0" for i in range(30)]), "1")
    assert reading.records.samples.sampling_rate_hz() == pytest.approx(120, rel=1e-3)
    assert (word in reading.notes[0]) if word else not reading.notes


ROW = "0,960,540,1,960,540,0"


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ([ROW, "8000,960,540"], HEADER, "line 19: 3 columns, expected 7"),
        ([ROW.replace(",", ";")], HEADER, "line 18: 1 column, expected 7.*semicolons"),
        (["0,abc,540,1,960,540,0"], HEADER, "line 18: x is 'abc', expected a number"),
        ([ROW, "8000,960,540,1,960,540,0", "7000,960,540,1,960,540,0"], HEADER, "line 20: time goes back"),
        ([ROW], HEADER.replace("gaze_360", "gaze_fov"), "relation is 'gaze_fov', expected gaze_360"),
        ([ROW], HEADER.replace("@RELATION gaze_360", ""), "relation is 'missing'"),
        ([ROW], HEADER.replace("%@METADATA width_px 1920", ""), "no '%@METADATA width_px'"),
        ([ROW], HEADER.replace("1920", "0"), "line 5: width_px is '0'"),
        ([ROW], HEADER.replace("1920", "wide"), "line 5: width_px is 'wide'"),
        ([ROW], HEADER.replace("x_head", "head_x"), "no column x_head"),
        ([ROW], HEADER.replace("x_head", "x"), "duplicate @ATTRIBUTE"),
        ([ROW], HEADER + "observer,x,y\n", "line 16: found 'observer,x,y', expected the header"),
        (["0,0.5,0.5,1,2500,0.5,0"] * 4, HEADER, "4 of 4 head positions lie outside the frame.*1920 x 1080"),
    ],
)
def test_another_format_is_refused(arff, rows, header, message):
    with pytest.raises(DataError, match=message):
        read_em360(arff(*rows, header=header), "1")


def test_files_that_are_none(tmp_path):
    path = tmp_path / "a.arff"
    for content in (b"", HEADER.encode(), b"\xff\xfe\x00@DATA", b"PK\x03\x04"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.arff"):
            read_em360(path, "1")
    with pytest.raises(DataError, match="no such file"):
        read_em360(tmp_path / "none.arff", "1")


def test_no_samples(arff):
    assert len(read_em360(arff(), "1").records.samples) == 0


def test_names_in_quotes_letters_of_latin_1_and_commas_at_the_end(tmp_path):
    path = tmp_path / "003_01_park.arff"
    header = HEADER.replace(" x_head", " 'x_head'").replace(" time", '\t"time"')
    path.write_bytes(("% M\u00fcnchen\n" + header + "\n@data\n0,1440,270,1,480,810,0,\n").encode("latin-1"))
    samples = read_em360(path, "003").records.samples
    assert np.rad2deg(samples.lonlat("head_eye")).ravel() == pytest.approx([90, 45])
    assert np.rad2deg(samples.lonlat("head")).ravel() == pytest.approx([-90, -45])

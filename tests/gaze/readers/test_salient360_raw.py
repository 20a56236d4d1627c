import gzip
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from atsal.errors import DataError
from atsal.gaze.directions import angle_rad, unit_vectors
from atsal.gaze.readers.salient360_raw import read_salient360_raw
from fakes.salient360_raw import DYNAMIC, STATIC, dynamic_row, static_row, write_salient360_raw

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "salient360_raw"
NAN = [float("nan")] * 3
AHEAD = [0.0, 0.0, 1.0]
RIGHT = [np.sin(np.deg2rad(20)), 0.0, np.cos(np.deg2rad(20))]  # 20° to the right in the head
LEVEL = [0.0, 0.0, 0.0, 1.0]


def turned_right(degrees):
    return [0.0, np.sin(np.deg2rad(degrees) / 2), 0.0, np.cos(np.deg2rad(degrees) / 2)]


@pytest.fixture
def write(tmp_path):
    def write_log(header, rows, name="log.csv"):
        path = tmp_path / name
        text = "\n".join([header, *rows]) + "\n"
        if name.endswith(".gz"):
            path.write_bytes(gzip.compress(text.encode()))
        else:
            path.write_text(text)
        return path

    return write_log


def static(write, rows, **keywords):
    """Rows are pose, left eye, right eye (and flags), 8 ms apart."""
    lines = [static_row(20_000_000 + 8000 * k, *row) for k, row in enumerate(rows)]
    return read_salient360_raw(write(STATIC, lines), **keywords)


def dynamic(write, rows, **keywords):
    """Rows are frame, angles, eye (and flags), 4 ms apart."""
    lines = [dynamic_row(657_000_000_000 + 4_000_000 * k, *row) for k, row in enumerate(rows)]
    return read_salient360_raw(write(DYNAMIC, lines), **keywords)


def lonlat(samples, direction):
    return np.rad2deg(np.stack(samples.lonlat(direction), 1))


def test_static_head_and_eyes(write):
    reading = static(write, [(LEVEL, RIGHT, RIGHT), (turned_right(30), RIGHT, RIGHT)], centre_yaw_deg=0.0)
    samples = reading.records
    assert samples.observer == "log"
    assert samples.timestamp_s == pytest.approx([0, 0.008])
    assert lonlat(samples, "head") == pytest.approx(np.array([[0, 0], [30, 0]]), abs=1e-4)
    assert lonlat(samples, "eye") == pytest.approx(np.array([[20, 0], [20, 0]]), abs=1e-4)
    assert lonlat(samples, "head_eye") == pytest.approx(np.array([[20, 0], [50, 0]]), abs=1e-4)
    assert reading.drops == ()


def test_the_centre_of_the_image_is_where_it_is_said_to_be(write):
    rows = [(turned_right(-90), AHEAD, AHEAD), (turned_right(0), AHEAD, AHEAD)]
    assert lonlat(static(write, rows).records, "head")[:, 0] == pytest.approx([0, 90], abs=1e-4)
    at_30 = static(write, rows, centre_yaw_deg=30.0).records
    assert lonlat(at_30, "head_eye")[:, 0] == pytest.approx([-120, -30], abs=1e-4)


def test_looking_up_is_plus_in_both_formats(write):
    up = [-np.sin(np.deg2rad(5)), 0.0, 0.0, np.cos(np.deg2rad(5))]
    assert lonlat(static(write, [(up, AHEAD, AHEAD)]).records, "head")[0, 1] == pytest.approx(10)
    samples = dynamic(write, [(1, [350, 0, 0, 0], AHEAD), (1, [20, 0, 0, 0], AHEAD)]).records
    assert lonlat(samples, "head")[:, 1] == pytest.approx([10, -20])


def test_dynamic_yaw_is_counted_from_the_turned_sphere(write):
    rows = [(1, [0, 120, 0, 200], AHEAD), (1, [0, 130, 0, 200], RIGHT), (2, [0, 10, 0, 275], AHEAD)]
    samples = dynamic(write, rows, observer="viewer 7").records
    assert samples.observer == "viewer 7"
    # yaw - sphere + 90
    assert lonlat(samples, "head")[:, 0] == pytest.approx([10, 20, -175])
    assert lonlat(samples, "head_eye")[:, 0] == pytest.approx([10, 40, -175])
    assert samples.frame_index.tolist() == [0, 0, 1]


def test_a_head_that_leans_left_looks_up_with_its_right(write):
    samples = dynamic(write, [(1, [0, 0, 90, 90], RIGHT)]).records
    assert lonlat(samples, "head_eye") == pytest.approx(np.array([[0, 20]]), abs=1e-4)


def test_euler_angles_are_yaw_then_pitch_then_roll(write):
    rng = np.random.default_rng(0)
    angles = rng.uniform(0, 360, (20, 3))
    rows = [(1, [pitch, yaw, roll, 90], RIGHT) for pitch, yaw, roll in angles]
    expected = Rotation.from_euler("YXZ", angles[:, [1, 0, 2]] + [0, 0, 0], degrees=True).apply(RIGHT)
    samples = dynamic(write, rows).records
    assert angle_rad(samples.head_eye, expected) == pytest.approx(np.zeros(20), abs=1e-6)


def test_before_the_video_nothing_counts(write):
    rows = [(503, [0, 0, 0, 90], AHEAD), *[(0, [0, 0, 0, 90], AHEAD)] * 3, *[(1, [0, 0, 0, 90], AHEAD)] * 2]
    reading = dynamic(write, rows)
    assert reading.records.timestamp_s == pytest.approx([0, 0.004])
    assert reading.records.frame_index.tolist() == [0, 0]
    assert [(drop.reason, drop.count) for drop in reading.drops] == [("before the first frame of the video", 4)]
    assert reading.drops[0].first.endswith("log.csv, line 2")


def test_one_eye_is_enough(write):
    rows = [
        (LEVEL, RIGHT, AHEAD),
        (LEVEL, RIGHT, NAN, ("True", "False")),
        (LEVEL, NAN, AHEAD, ("False", "True")),
        (LEVEL, NAN, NAN, ("False", "False")),
    ]
    samples = static(write, rows, centre_yaw_deg=0.0).records
    assert lonlat(samples, "eye")[:3, 0] == pytest.approx([10, 20, 0], abs=1e-6)
    assert samples.is_valid.tolist() == [True, True, True, False]
    assert np.isnan(samples.head_eye[3]).all()
    angles = [0, 90, 0, 0]
    flags = [("True", "False"), ("False", "True"), ("False", "False")]
    samples = dynamic(write, [(1, angles, AHEAD if "True" in flag else NAN, flag) for flag in flags]).records
    assert samples.is_valid.tolist() == [True, True, False]


def test_a_flag_is_believed_over_a_direction(write):
    rows = [(LEVEL, RIGHT, AHEAD, ("False", "True")), (LEVEL, RIGHT, AHEAD, ("False", "False"))]
    samples = static(write, rows, centre_yaw_deg=0.0).records
    assert lonlat(samples, "eye")[0, 0] == pytest.approx(0)
    assert samples.is_valid.tolist() == [True, False]


def test_rows_that_cannot_be_are_dropped_and_counted(write):
    poses = [LEVEL, LEVEL, [0, 0, 0, 0.5], LEVEL, LEVEL]
    times = [0, 8000, 16000, 4000, 24000]
    lines = [static_row(20_000_000 + t, pose, AHEAD, AHEAD) for t, pose in zip(times, poses, strict=True)]
    reading = read_salient360_raw(write(STATIC, lines))
    assert reading.records.timestamp_s == pytest.approx([0, 0.008, 0.024])
    assert [(drop.reason, drop.count, drop.first.split()[-1]) for drop in reading.drops] == [
        ("head pose that is no unit quaternion", 1, "4"),
        ("time that goes back", 1, "5"),
    ]
    frames = [(1, [0] * 4, AHEAD), (2, [0] * 4, AHEAD), (1, [0] * 4, AHEAD), (3, [400, 90, 0, 0], AHEAD)]
    reading = dynamic(write, frames)
    assert reading.records.frame_index.tolist() == [0, 1]
    assert [drop.reason for drop in reading.drops] == [
        "frame number that goes back",
        "head pose that is not in degrees",
    ]


def test_a_direction_that_is_none_is_lost_and_noted(write):
    reading = static(write, [(LEVEL, AHEAD, AHEAD), (LEVEL, AHEAD, AHEAD), (LEVEL, [0, 0, 3], [0, 0, 3])])
    assert reading.records.is_valid.tolist() == [True, True, False]
    assert "1 valid samples whose leftEyeDirection is no unit vector" in reading.notes[0]


def test_times_that_came_in_a_burst_are_spread_over_the_stall(write):
    times = [0, 8000, 16000, 56000, 56060, 56120, 56180, 56300, 64000, 72000]
    lines = [static_row(20_000_000 + t, LEVEL, AHEAD, AHEAD) for t in times]
    reading = read_salient360_raw(write(STATIC, lines))
    spread = 16 + np.arange(1, 6) * 40.3 / 5
    assert 1000 * reading.records.timestamp_s == pytest.approx([0, 8, 16, *spread, 64, 72])
    assert "4 samples arrived in bursts" in reading.notes[0]


def test_a_burst_at_the_start_keeps_the_first_time(write):
    lines = [static_row(20_000_000 + t, LEVEL, AHEAD, AHEAD) for t in [0, 60, 120, 8120, 16120, 24120]]
    times = 1000 * read_salient360_raw(write(STATIC, lines)).records.timestamp_s
    assert times == pytest.approx([0, 0.06, 0.12, 8.12, 16.12, 24.12])


@pytest.mark.parametrize(("per_s", "unit"), [(1e9, "ns"), (1e3, "ms"), (1, "s")])
def test_times_in_another_unit_are_told_and_noted(write, per_s, unit):
    rows = [static_row(0, LEVEL, AHEAD, AHEAD).split(",", 1)[1] for _ in range(4)]
    lines = [f"{0.01 * k * per_s!r},{row}" for k, row in enumerate(rows)]
    reading = read_salient360_raw(write(STATIC, lines))
    assert reading.records.timestamp_s == pytest.approx([0, 0.01, 0.02, 0.03])
    assert f"OcutimeStamp is in {unit}, not in µs" in reading.notes[0]


@pytest.mark.parametrize("name", ["rawDataStatic1.csv.gz", "rawDataStatic1.csv"])
def test_the_observer_is_the_stem(write, name):
    assert read_salient360_raw(write(STATIC, [static_row(0, LEVEL, AHEAD, AHEAD)], name)).records.observer == (
        "rawDataStatic1"
    )


def test_a_log_without_rows_is_empty(write):
    assert len(read_salient360_raw(write(STATIC, [])).records) == 0


GOOD = [static_row(8000 * k, LEVEL, AHEAD, AHEAD) for k in range(3)]
MOVING = [dynamic_row(4e6 * k, 1, [350, 100, 0, 90], AHEAD) for k in range(3)]


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (STATIC, [*GOOD, GOOD[0][:60]], r"line 5: \d+ columns, expected 40 separated by commas"),
        (STATIC, [row.replace(",", ";") for row in GOOD], "line 2: 1 column, expected 40.*semicolons"),
        (STATIC, [*GOOD, GOOD[0].replace("0,0,1", "0,zero,1", 1)], "line 5: .* is 'zero', expected a number"),
        (
            STATIC,
            [GOOD[0].replace("True,True", "True,maybe")],
            "line 2: valR is 'maybe', expected 1 or 0, true or false",
        ),
        (STATIC.replace("valR", "valQ"), GOOD, "not a Salient360! raw file: no column valR"),
        ("a,b", ["1,2"], "no column OcutimeStamp"),
        (
            STATIC,
            [static_row(100 * k, LEVEL, AHEAD, AHEAD) for k in range(3)],
            "OcutimeStamp: a median step or duration of 100 is neither in µs",
        ),
        (STATIC, [static_row(8000 * k, [0, 0, 0, 2], AHEAD, AHEAD) for k in range(3)], "3 of 3 rows have no usable"),
        (STATIC, [static_row(8000 * k, LEVEL, [500, 300, 0], AHEAD) for k in range(3)], "expected unit vectors"),
        (DYNAMIC, [row.replace("True,", "True,9,", 1) for row in MOVING], "line 2: Lval is '9', expected 1 or 0"),
        (DYNAMIC, [row.replace("557.4True", "557.4") for row in MOVING], "line 2: 29 columns"),
        (DYNAMIC, [MOVING[0].replace(",1,", ",1.5,", 1)], "currFrame is '1.5', expected a whole number"),
        (DYNAMIC, [dynamic_row(4e6 * k, 0, [350, 100, 0, 90], AHEAD) for k in range(3)], "currFrame is never 1"),
        (DYNAMIC, [dynamic_row(4e6 * k, 1, [6, 1, 0, 2], AHEAD) for k in range(3)], "convert them from radians"),
    ],
)
def test_broken_logs_are_named(write, header, rows, message):
    with pytest.raises(DataError, match=message) as caught:
        read_salient360_raw(write(header, rows))
    assert "log.csv" in str(caught.value)


def test_files_that_are_none(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_salient360_raw(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DataError, match=r"empty\.csv"):
        read_salient360_raw(tmp_path / "empty.csv")
    whole = gzip.compress("\n".join([STATIC, *GOOD * 50]).encode())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot be read to its end"):
        read_salient360_raw(tmp_path / "cut.csv.gz")


def test_fake_logs_look_at_their_targets(tmp_path):
    targets = write_salient360_raw(tmp_path, items=2, observers=2)
    assert list(targets) == ["P1", "V2"]
    for item, target in targets.items():
        logs = sorted((tmp_path / item).glob("*.csv"))
        assert len(logs) == 2
        for log in logs:
            reading = read_salient360_raw(log)
            samples = reading.records
            still = [samples.frame_index is None] * len(samples)
            seen = [target.lonlat(0.0 if s else t) for s, t in zip(still, samples.timestamp_s, strict=True)]
            off = np.rad2deg(angle_rad(samples.head_eye, unit_vectors(*np.array(seen).T)))
            assert off.max() < 9
            assert np.median(off) < 3


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real logs are not here")
@pytest.mark.parametrize(
    ("name", "count", "rate_hz", "valid"),
    [
        ("rawDataStatic1", 1412, 120, 1412),
        ("rawDataStatic2", 616, 120, 616),
        ("rawDataStatic3", 784, 120, 762),
        ("rawDataDyn1", 5021, 250, 4872),
        ("rawDataDyn2", 5019, 250, 4901),
        ("rawDataDyn3", 5020, 250, 4973),
    ],
)
def test_real_logs(name, count, rate_hz, valid):
    samples = read_salient360_raw(SHARED / f"{name}.csv.gz").records
    assert (len(samples), samples.is_valid.sum()) == (count, valid)
    assert samples.sampling_rate_hz() == pytest.approx(rate_hz, rel=0.01)
    assert np.diff(samples.timestamp_s).max() < 0.02
    if "Dyn" in name:
        assert samples.frame_index[[0, -1]].tolist() == [0, 501], "20 s at 25 frames a second"
        assert samples.timestamp_s[-1] == pytest.approx(20.07, abs=0.01)
        assert abs(lonlat(samples, "head")[0, 0]) > 168, "starts at the border"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real logs are not here")
@pytest.mark.parametrize("name", ["rawDataStatic2", "rawDataStatic3", "rawDataDyn1", "rawDataDyn2", "rawDataDyn3"])
def test_real_gaze_holds_still_while_the_head_turns(name):
    samples = read_salient360_raw(SHARED / f"{name}.csv.gz").records
    steps = 12

    def speed(direction):
        vectors, times = samples.vectors(direction), samples.timestamp_s
        valid = samples.is_valid[steps:] & samples.is_valid[:-steps]
        return np.median((angle_rad(vectors[steps:], vectors[:-steps]) / (times[steps:] - times[:-steps]))[valid])

    assert speed("head_eye") < 0.7 * speed("eye")
    assert speed("head_eye") < 0.95 * speed("head")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", ",\n"),
        lambda text: text.replace("\n", ",\n").replace(",\n", "\n", 1),
        lambda text: text.replace("True", "TRUE"),
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),
    ],
)
def test_what_spreadsheets_do_to_a_log_does_not_matter(write, change):
    static_lines = [static_row(20_000_000 + 8000 * k, turned_right(30), RIGHT, RIGHT) for k in range(3)]
    dynamic_lines = [dynamic_row(657_000_000_000 + 4_000_000 * k, 1, (0, 30, 0, 0), RIGHT) for k in range(3)]
    for header, lines in ((STATIC, static_lines), (DYNAMIC, dynamic_lines)):
        path = write(header, lines)
        plain = read_salient360_raw(path).records
        path.write_text(change(path.read_text()))
        found = read_salient360_raw(path).records
        assert lonlat(found, "head_eye") == pytest.approx(lonlat(plain, "head_eye"))
        assert found.is_valid.all()
        assert len(found) == 3


def test_flags_may_be_numbers(write):
    rows = [(LEVEL, RIGHT, RIGHT, ("1", "0")), (LEVEL, RIGHT, RIGHT, ("0", "0.0"))]
    assert static(write, rows).records.is_valid.tolist() == [True, False]

import numpy as np
import pytest

from atsal.errors import DataError
from atsal.gaze.readers.table import read_columns
from atsal.gaze.readers.table_columns import TableColumns
from atsal.gaze.readers.table_fields import HORIZONTAL, VERTICAL
from atsal.gaze.records import Fixations

HEAD = TableColumns({"observer": "who", "timestamp_s": "t", "lon_deg": "x", "lat_deg": "y"})


@pytest.fixture
def table(tmp_path):
    def write(text, name="scene.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def lonlat_deg(track, direction="head_eye"):
    lon, lat = track.lonlat(direction)
    return np.rad2deg(lon).round(9).tolist(), np.rad2deg(lat).round(9).tolist()


def only(reading, item="scene"):
    assert list(reading.records) == [item]
    return reading.records[item]


@pytest.mark.parametrize(
    ("horizontal", "x"),
    [
        ("lon_deg", 90),
        ("lon_rad", np.pi / 2),
        ("yaw_deg", 90),
        ("yaw_deg", 450),
        ("yaw_deg", -270),
        ("yaw_rad", np.pi / 2 - 2 * np.pi),
        ("yaw_left_deg", -90),
        ("yaw_left_deg", 270),
        ("yaw_left_rad", -np.pi / 2),
        ("from_left_deg", 270),
        ("from_left_rad", 1.5 * np.pi),
        ("u", 0.75),
        ("x_px", 2880),
    ],
)
@pytest.mark.parametrize(
    ("vertical", "y"),
    [
        ("lat_deg", 30),
        ("lat_rad", np.pi / 6),
        ("pitch_deg", -330),
        ("pitch_rad", np.pi / 6),
        ("pitch_down_deg", -30),
        ("pitch_down_deg", 330),
        ("pitch_down_rad", -np.pi / 6),
        ("from_top_deg", 60),
        ("from_top_rad", np.pi / 3),
        ("from_bottom_deg", 120),
        ("from_bottom_rad", 2 * np.pi / 3),
        ("v", 1 / 3),
        ("v_up", 2 / 3),
        ("y_px", 640),
        ("y_up_px", 1280),
    ],
)
def test_every_position_means_the_same_place(table, horizontal, x, vertical, y):
    path = table(f"who,t,x,y\nann,0,{x!r},{y!r}\n")
    sizes = {"width_px": "3840"} if horizontal == "x_px" else {}
    sizes |= {"height_px": "1920"} if vertical.endswith("px") else {}
    columns = TableColumns({"observer": "who", "timestamp_s": "t", horizontal: "x", vertical: "y", **sizes})
    (track,) = only(read_columns(path, columns))
    assert lonlat_deg(track) == ([90], [30])
    assert track.observer == "ann"


def test_every_horizontal_and_vertical_field_is_tested():
    marks = {mark.args[0]: mark.args[1] for mark in test_every_position_means_the_same_place.pytestmark}
    assert {name for name, _ in marks["horizontal", "x"]} == set(HORIZONTAL)
    assert {name for name, _ in marks["vertical", "y"]} == set(VERTICAL)


@pytest.mark.parametrize(
    ("field", "texts"),
    [
        ("timestamp_s", ("0", "0.25")),
        ("timestamp_ms", ("0", "250")),
        ("timestamp_us", ("0", "250000")),
        ("timestamp_ns", ("0", "250000000")),
        ("clock_s", ("1700000000.5", "1700000000.75")),
        ("clock_ms", ("1700000000500", "1700000000750")),
        ("clock_us", ("7", "250007")),
        ("clock_ns", ("9", "250000009")),
        ("clock_iso", ("2024-05-31T14:05:01.9", "2024-05-31 14:05:02.150")),
        ("clock_iso", ("2024-05-31T14:05:01.9+02:00", "2024-05-31T12:05:02.15Z")),
        ("clock_iso", ("14:05:01.900", "14:05:02.15")),
    ],
)
def test_every_time_is_seconds_since_the_start(table, field, texts):
    path = table(f"who,t,x,y\nann,{texts[0]},1,1\nann,{texts[1]},2,1\nbob,{texts[1]},3,1\n")
    reading = read_columns(path, TableColumns({"observer": "who", field: "t", "lon_deg": "x", "lat_deg": "y"}))
    ann, bob = only(reading)
    assert ann.timestamp_s.tolist() == [0, 0.25]
    assert bob.timestamp_s.tolist() == [0 if field.startswith("clock") else 0.25]
    assert bool(reading.notes) == field.startswith("clock"), "what is assumed is said"


def test_a_date_that_is_none(table):
    columns = TableColumns({"observer": "who", "clock_iso": "t", "lon_deg": "x", "lat_deg": "y"})
    with pytest.raises(DataError, match="line 3: t is 'noon', expected a date and time"):
        read_columns(table("who,t,x,y\na,14:00:00,1,1\na,noon,1,1\n"), columns)


def test_lost_samples_stay_and_are_no_position(table):
    rows = ["0,1,5,1", "0.1,,,1", "0.2,nan,3,1", "0.3,9999,9999,1", "0.4,2,6,0", "0.5,2,6,1"]
    path = table("who,t,x,y,ok\n" + "".join(f"a,{row}\n" for row in rows))
    reading = read_columns(path, TableColumns({**HEAD.columns, "valid": "ok"}), "head")
    (track,) = only(reading)
    assert track.valid.tolist() == [True, False, False, False, False, True]
    assert np.isnan(track.head[1:5]).all()
    assert reading.drops == ()
    assert reading.notes == (f"3 samples without a position (first: {path}, line 3)",)
    path = table("who,t,x,y,blink\na,0,1,5,\na,0.1,1,5,1\n")
    (track,) = only(read_columns(path, TableColumns({**HEAD.columns, "lost": "blink"})))
    assert track.valid.tolist() == [True, False]


@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
def test_times_frames_validity_and_items(table, separator):
    text = "video;who;ms;n;x;y;ok\nb;1;0;1;10;5;true\na;1;0;1;20;5;True\nb;1;40;2;nan;nan;0\nb;2;0;1;30;-5;1\n"
    names = {"observer": "who", "timestamp_ms": "ms", "frame_number": "n", "item": "video", "valid": "ok"}
    columns = TableColumns({**names, "lon_deg": "x", "lat_deg": "y"})
    reading = read_columns(table(text.replace(";", separator)), columns)
    assert list(reading.records) == ["b", "a"]
    first, second = reading.records["b"]
    assert (first.observer, second.observer) == ("1", "2")
    assert first.timestamp_s.tolist() == [0, 0.04]
    assert first.frame_index.tolist() == [0, 1]
    assert first.valid.tolist() == [True, False]
    assert np.isnan(first.head_eye[1]).all()
    assert lonlat_deg(second) == ([30], [-5])
    assert reading.drops == ()


def test_without_a_column_of_observers_a_table_is_about_one(table):
    path = table("video,t,x,y\na,0,1,1\n,0,1,1\n", "viewer 7.csv")
    reading = read_columns(path, TableColumns({"item": "video", "timestamp_s": "t", "lon_deg": "x", "lat_deg": "y"}))
    assert only(reading, "a")[0].observer == "viewer 7"
    assert [(drop.reason, drop.count) for drop in reading.drops] == [("no item", 1)]


def test_a_duration_makes_fixations(table):
    path = table(
        "who,t,x,y,d\n2,0.5,0,0,200\n1,1,90,0,300\n1,0.2,-90,45,150\n1,0.3,,0,150\n1,0.4,0,0,-1\n1,2,200,0,9\n"
    )
    reading = read_columns(path, TableColumns({**HEAD.columns, "duration_ms": "d"}))
    found = only(reading)
    assert isinstance(found, Fixations)
    assert found.observer.tolist() == ["2", "1", "1"], "each observer's in order of time"
    assert found.onset_s.tolist() == [0.5, 0.2, 1]
    assert found.duration_ms == pytest.approx([200, 150, 300])
    assert np.rad2deg(found.lon_rad) == pytest.approx([0, -90, 90])
    assert [(drop.reason.split(" (")[0], drop.count, drop.first[-6:]) for drop in reading.drops] == [
        ("duration below 0", 1, "line 6"),
        ("no position", 1, "line 5"),
        ("position outside the frame", 1, "line 7"),
    ]


def test_broken_values_are_counted(table):
    rows = "".join(f"ann,{i},0,0\n" for i in range(5))
    path = table(f"who,t,x,y\n{rows},9,0,0\nann,-1,0,0\nann,,0,0\nann,9,nan,0\nann,9,0,91\nann,10,180.0000001,0\n")
    reading = read_columns(path, HEAD, "head")
    (track,) = only(reading)
    assert len(track) == 7, "a hair beyond the border is rounding"
    assert lonlat_deg(track, "head")[0][-1] == 180
    assert {drop.reason.split(" (")[0]: drop.count for drop in reading.drops} == {
        "no observer": 1,
        "time is negative": 1,
        "no time": 1,
        "position outside the frame": 1,
    }


def test_frames_before_the_first_are_dropped(table):
    columns = TableColumns({"observer": "who", "lon_deg": "x", "lat_deg": "y", "frame_number": "n"})
    reading = read_columns(table("who,n,x,y\na,0,1,1\na,1,1,1\n"), columns)
    assert only(reading)[0].frame_index.tolist() == [0]
    assert reading.drops[0].reason == "frame below 1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("who,t,x,lat\na,0,0,0\n", "no column 'y', declared as lat_deg; expected one of lat"),
        ("Who,t,x,y\na,0,0,0\n", "no column 'who', declared as observer; did you mean 'Who'"),
        ("who;t;x;lat\na;0;0;0\n", "no column 'y', declared as lat_deg; expected one of lat"),
        ("who;time;x;y\na;0;0;0\n", "no column 't', declared as timestamp_s; .*time"),
        ("who,t,x,y\n" + "a,0,200,0\n" * 3 + "a,0,9,0\n" * 5, "3 of 8 positions lie outside"),
        ("who,t,x,y\na,0,0,zero\n", "line 2: y is 'zero', expected a number"),
        ("who,t,x,y\na,0,0\n", "line 2: 3 columns, expected 4"),
        ("who,t,x,y\na,1,0,0\na,0,0,0\n", "line 3: time goes back from 1 to 0 s for observer 'a'"),
        (
            "who,t,x,y\n" + "a,0,200,0\n" * 3 + "a,0,0,0\n",
            "position 200, 0; 3 of 4 positions lie outside.*x from -180 to 180.*another unit",
        ),
        (
            "who,t,x,y\n" + "".join(f"a,{i},{i / 20},{i / 50}\n" for i in range(60)),
            "all 60 positions lie within ±3.14.*radians",
        ),
        ("who,t,x,y\n" + "".join(f"a,{i * 8},{i},0\n" for i in range(60)), "a sample every 8 s.*another unit of time"),
        ("", "is empty"),
    ],
)
def test_tables_that_do_not_fit(table, text, message):
    with pytest.raises(DataError, match=message):
        read_columns(table(text), HEAD)


def test_pixels_of_another_frame_are_told_the_remedy(table):
    columns = TableColumns(
        {"observer": "who", "x_px": "x", "y_px": "y", "width_px": "320", "height_px": "160"},
    )
    with pytest.raises(DataError, match=r"x from 0 to 320 and y from 0 to 160 .*declare width_px and height_px"):
        read_columns(table("who,x,y\n" + "a,1900,900\n" * 3), columns)


def test_durations_in_another_unit(table):
    path = table("who,t,x,y,d\n" + "".join(f"a,{i},{i},0,0.2\n" for i in range(60)))
    with pytest.raises(DataError, match=r"fixations last 0\.0002 s.*'d' is duration_ms"):
        read_columns(path, TableColumns({**HEAD.columns, "duration_ms": "d"}))
    found = only(read_columns(path, TableColumns({**HEAD.columns, "duration_s": "d"})))
    assert found.duration_ms[0] == pytest.approx(200)


def test_frames_and_flags_that_are_none(table):
    with pytest.raises(DataError, match=r"line 2: n is '1\.5', expected a whole number"):
        read_columns(
            table("who,n,x,y\na,1.5,1,1\n"),
            TableColumns({"observer": "who", "lon_deg": "x", "lat_deg": "y", "frame_index": "n"}),
        )
    with pytest.raises(DataError, match="line 2: ok is 'perhaps'"):
        read_columns(table("who,t,x,y,ok\na,1,1,1,perhaps\n"), TableColumns({**HEAD.columns, "valid": "ok"}))


def test_quoted_cells_gzip_and_parquet_are_the_same(table, tmp_path):
    import gzip

    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    csv = table('who,t,x,y,note\n"Smith, A",0,10,20,"two\nlines"\n7,1,30,40,\n')
    (tmp_path / "scene.csv.gz").write_bytes(gzip.compress(csv.read_bytes()))
    cells = {"who": ["Smith, A", "7"], "t": [0, 1], "x": [10.0, 30.0], "y": [20, 40], "note": [["a"], []]}
    parquet.write_table(arrow.table(cells), tmp_path / "scene.parquet")
    for path in (csv, tmp_path / "scene.csv.gz", tmp_path / "scene.parquet"):
        first, second = only(read_columns(path, HEAD, "head"))
        assert (first.observer, second.observer) == ("Smith, A", "7")
        assert lonlat_deg(second, "head") == ([30], [40])


def test_a_frame_beyond_all_bounds_is_dropped_not_made_the_first(tmp_path):
    path = tmp_path / "scene.csv"
    path.write_text("who,u,v,f\na,.75,.25,1e30\na,.25,.25,2\n")
    columns = TableColumns({"observer": "who", "u": "u", "v": "v", "frame_number": "f"})
    reading = read_columns(path, columns)
    assert reading.records["scene"][0].frame_index.tolist() == [1]
    assert [(drop.reason, drop.count) for drop in reading.drops] == [("frame that no video has", 1)]

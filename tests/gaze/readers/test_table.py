import numpy as np
import pytest

from atsal.errors import ConfigError, DataError
from atsal.gaze.readers.table import TableColumns, read_columns
from atsal.gaze.records import Fixations

HEAD = TableColumns("who", "x", "y", time="t", direction="head")


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
    ("columns", "x", "y"),
    [
        ({"unit": "deg"}, 90, 30),
        ({"unit": "rad"}, np.pi / 2, np.pi / 6),
        ({"unit": "deg", "longitude_from": "left", "latitude_from": "top"}, 270, 60),
        ({"unit": "deg", "latitude_from": "bottom"}, 90, 120),
        ({"unit": "unit"}, 0.75, 1 / 3),
        ({"unit": "unit", "latitude_from": "bottom"}, 0.75, 2 / 3),
        ({"unit": "px", "size_px": (3840, 1920)}, 2880, 640),
        ({"unit": "px", "size_px": (3840, 1080), "latitude_from": "bottom"}, 2880, 720),
    ],
)
def test_every_unit_and_origin(table, columns, x, y):
    path = table(f"who,t,x,y\nann,0,{x!r},{y!r}\n")
    (track,) = only(read_columns(path, TableColumns("who", "x", "y", time="t", **columns)))
    assert lonlat_deg(track) == ([90], [30])
    assert track.observer == "ann"


def test_times_frames_validity_and_items(table):
    path = table("video;who;ms;n;x;y;ok\nb;1;0;1;10;5;true\na;1;0;1;20;5;True\nb;1;40;2;;;0\nb;2;0;1;30;-5;1\n")
    columns = TableColumns(
        "who", "x", "y", time="ms", time_unit="ms", frame="n", first_frame=1, item="video", valid="ok", separator=";"
    )
    reading = read_columns(path, columns)
    assert list(reading.records) == ["b", "a"]
    first, second = reading.records["b"]
    assert (first.observer, second.observer) == ("1", "2")
    assert first.timestamp_s.tolist() == [0, 0.04]
    assert first.frame_index.tolist() == [0, 1]
    assert first.valid.tolist() == [True, False]
    assert np.isnan(first.head_eye[1]).all()
    assert lonlat_deg(second) == ([30], [-5])
    assert reading.drops == ()


def test_a_duration_makes_fixations(table):
    path = table(
        "who,t,x,y,d\n2,0.5,0,0,200\n1,1,90,0,300\n1,0.2,-90,45,150\n1,0.3,,0,150\n1,0.4,0,0,-1\n1,2,200,0,9\n"
    )
    reading = read_columns(path, TableColumns("who", "x", "y", time="t", duration="d"))
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
    reading = read_columns(path, HEAD)
    (track,) = only(reading)
    assert len(track) == 6, "a hair beyond the border is rounding"
    assert lonlat_deg(track, "head")[0][-1] == 180
    assert {drop.reason.split(" (")[0]: drop.count for drop in reading.drops} == {
        "no observer": 1,
        "time below 0": 1,
        "no time": 1,
        "no position": 1,
        "position outside the frame": 1,
    }


def test_frames_before_the_first_are_dropped(table):
    columns = TableColumns("who", "x", "y", frame="n", first_frame=1)
    reading = read_columns(table("who,n,x,y\na,0,1,1\na,1,1,1\n"), columns)
    assert only(reading)[0].frame_index.tolist() == [0]
    assert reading.drops[0].reason == "frame below 1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("who,t,x,lat\na,0,0,0\n", "no column 'y', declared as latitude; expected one of who, t, x, lat"),
        ("Who,t,x,y\na,0,0,0\n", "no column 'who', declared as observer; did you mean 'Who'"),
        ("who,t,x,y\na,0,0,zero\n", "line 2: y is 'zero', expected a number"),
        ("who,t,x,y\na,0,0\n", "line 2: 3 columns, expected 4"),
        ("who;t;x;y\na;0;0;0\n", "line 1: one column.*separated by semicolons; expected commas"),
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


def test_durations_in_another_unit(table):
    path = table("who,t,x,y,d\n" + "".join(f"a,{i},{i},0,0.2\n" for i in range(60)))
    with pytest.raises(DataError, match=r"fixations last 0\.0002 s.*d is in 'ms'"):
        read_columns(path, TableColumns("who", "x", "y", time="t", duration="d"))
    found = only(read_columns(path, TableColumns("who", "x", "y", time="t", duration="d", duration_unit="s")))
    assert found.duration_ms[0] == pytest.approx(200)


def test_frames_and_flags_that_are_none(table):
    with pytest.raises(DataError, match=r"line 2: n is '1\.5', expected a whole number"):
        read_columns(table("who,n,x,y\na,1.5,1,1\n"), TableColumns("who", "x", "y", frame="n"))
    with pytest.raises(DataError, match="line 2: ok is 'perhaps'"):
        read_columns(table("who,t,x,y,ok\na,1,1,1,perhaps\n"), TableColumns("who", "x", "y", time="t", valid="ok"))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "declare time or frame"),
        ({"time": "t", "separator": ", "}, "separator ', '"),
        ({"time": "t", "unit": "px"}, "size_px"),
        ({"time": "t", "size_px": (2, 1)}, "size_px"),
        ({"time": "t", "unit": "px", "size_px": (0, 1)}, "positive width"),
        ({"frame": "n", "duration": "d"}, "no frame with a duration"),
    ],
)
def test_declarations_that_contradict_themselves(columns, message):
    with pytest.raises(ConfigError, match=message):
        TableColumns("who", "x", "y", **columns)


def test_quoted_cells_gzip_and_parquet_are_the_same(table, tmp_path):
    import gzip

    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    csv = table('who,t,x,y,note\n"Smith, A",0,10,20,"two\nlines"\n7,1,30,40,\n')
    (tmp_path / "scene.csv.gz").write_bytes(gzip.compress(csv.read_bytes()))
    cells = {"who": ["Smith, A", "7"], "t": [0, 1], "x": [10.0, 30.0], "y": [20, 40], "note": [["a"], []]}
    parquet.write_table(arrow.table(cells), tmp_path / "scene.parquet")
    for path in (csv, tmp_path / "scene.csv.gz", tmp_path / "scene.parquet"):
        first, second = only(read_columns(path, HEAD))
        assert (first.observer, second.observer) == ("Smith, A", "7")
        assert lonlat_deg(second, "head") == ([30], [40])


def test_a_frame_beyond_all_bounds_is_dropped_not_made_the_first(tmp_path):
    path = tmp_path / "scene.csv"
    path.write_text("who,u,v,f\na,.75,.25,1e30\na,.25,.25,2\n")
    columns = TableColumns(observer="who", longitude="u", latitude="v", unit="unit", frame="f", first_frame=1)
    reading = read_columns(path, columns)
    assert reading.records["scene"][0].frame_index.tolist() == [1]
    assert [(drop.reason, drop.count) for drop in reading.drops] == [("frame that no video has", 1)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("unit", "pixel"),
        ("longitude_from", "right"),
        ("latitude_from", "centre"),
        ("time_unit", "min"),
        ("direction", "eye"),
    ],
)
def test_a_choice_that_is_none_is_refused(name, value):
    with pytest.raises(ConfigError, match=f"{name} '{value}'"):
        TableColumns(observer="who", longitude="lon", latitude="lat", time="t", **{name: value})

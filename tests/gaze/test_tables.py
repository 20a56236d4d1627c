import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atsal.errors import DataError, MissingDependencyError, OutputError, ShapeError
from atsal.gaze.directions import unit_vectors
from atsal.gaze.records import Fixations, GazeSamples, PlanarFixations
from atsal.gaze.tables import read_fixations, read_gaze, read_samples, write_fixations, write_samples

FORMS = (".csv", ".parquet")
names = st.text(min_size=1, max_size=6).filter(lambda text: "\0" not in text) | st.sampled_from(
    ["a,b", 'a"b', "a\nb", "a\rb", " a ", "nan", "ß漢"]
)


def angles(limit):
    return st.floats(-limit, limit) | st.sampled_from([-limit, limit, 0.0, -0.0, limit * (1 - 1e-12)])


def degrees(*values):
    return np.deg2rad(np.array(values, float))


@st.composite
def fixations(draw):
    count = draw(st.integers(0, 5))

    def column(of):
        return draw(st.lists(of, min_size=count, max_size=count))

    first = np.array(column(st.integers(0, 500)), np.int64) if draw(st.booleans()) else None
    return Fixations(
        np.array(column(names), np.str_),
        np.array(column(angles(np.pi)), float),
        np.array(column(angles(np.pi / 2)), float),
        np.array(column(st.floats(-1, 1e4)), float) if draw(st.booleans()) else None,
        np.array(column(st.floats(0, 1e5)), float) if draw(st.booleans()) else None,
        first,
        None if first is None else first + np.array(column(st.integers(0, 9)), np.int64),
    )


@st.composite
def samples(draw):
    tracks = []
    for name in draw(st.lists(names, unique=True, max_size=3)):
        count = draw(st.integers(1, 4))
        valid = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
        lon, lat = (
            np.array(draw(st.lists(angles(limit), min_size=count, max_size=count))) for limit in (np.pi, np.pi / 2)
        )
        vectors = np.where(valid[:, None], unit_vectors(lon, lat), np.nan)
        times = np.sort(draw(st.lists(st.floats(0, 1e3), min_size=count, max_size=count)))
        tracks.append(GazeSamples(name, np.array(times), np.arange(count), head=vectors, valid=valid))
    return tracks


def same(left, right, tolerance):
    if left is None or right is None:
        return left is right
    if left.dtype.kind in "Uib":
        return left.tolist() == right.tolist()
    return np.allclose(left, right, rtol=0, atol=tolerance, equal_nan=True)


slow_disk = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("form", FORMS)
@slow_disk
@given(table=fixations())
def test_fixations_come_back(form, table, tmp_path):
    path = tmp_path / f"t{form}"
    write_fixations(path, table)
    back = read_fixations(path)
    close = 6e-7 if form == ".csv" else 1e-14
    assert isinstance(back, Fixations)
    for name in ("observer", "first_frame", "last_frame"):
        assert same(getattr(back, name), getattr(table, name), 0), name
    for name in ("onset_s", "duration_ms", "lon_rad", "lat_rad"):
        assert same(getattr(back, name), getattr(table, name), close), name


@pytest.mark.parametrize("form", FORMS)
@slow_disk
@given(tracks=samples())
def test_samples_come_back(form, tracks, tmp_path):
    path = tmp_path / f"t{form}"
    write_samples(path, tracks)
    back = read_samples(path)
    assert [track.observer for track in back] == [track.observer for track in tracks]
    for old, new in zip(tracks, back, strict=True):
        assert new.directions == ("head",)
        assert same(new.timestamp_s, old.timestamp_s, 6e-7)
        assert same(new.frame_index, old.frame_index, 0)
        assert same(new.valid, old.valid, 0)
        assert same(new.head, old.head, 2e-8 if form == ".csv" else 1e-15)


def test_csv_as_written_by_hand(tmp_path):
    path = tmp_path / "a.csv"
    table = Fixations(
        np.array(["ann", 'b,"c"']),
        degrees(90, -179.99999996),
        degrees(-30, 0),
        np.array([0.5, 1]),
        np.array([200.25, 0]),
    )
    write_fixations(path, table)
    assert path.read_bytes() == (
        b'observer,onset_s,duration_ms,lon_deg,lat_deg\nann,0.5,200.25,90,-30\n"b,""c""",1,0,-180,0\n'
    )
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"], "nothing half-written is left"


def test_lost_samples_have_empty_cells(tmp_path):
    path = tmp_path / "a.csv"
    head = unit_vectors(degrees(10, 20), degrees(5, -5))
    eyes = np.array([[0.0, 0, 1], [np.nan] * 3])
    write_samples(path, [GazeSamples("1", np.array([0, 0.1]), head=head, head_eye=eyes, valid=np.array([True, False]))])
    assert path.read_text().splitlines() == [
        "observer,timestamp_s,head_lon_deg,head_lat_deg,head_eye_lon_deg,head_eye_lat_deg,valid",
        "1,0,10,5,0,0,1",
        "1,0.1,20,-5,,,0",
    ]
    (back,) = read_samples(path)
    assert back.directions == ("head", "head_eye")
    assert np.isnan(back.head_eye[1]).all()
    assert np.rad2deg(back.lonlat("head")[0]) == pytest.approx([10, 20])


def test_photos_keep_u_and_v(tmp_path):
    for form in FORMS:
        path = tmp_path / f"p{form}"
        write_fixations(path, PlanarFixations(np.array(["1", "2"]), np.array([0, 0.25]), np.array([1, 0.75])))
        back = read_fixations(path)
        assert isinstance(back, PlanarFixations)
        assert (back.u.tolist(), back.v.tolist()) == ([0, 0.25], [1, 0.75])
        assert back.onset_s is None


def test_a_lost_sample_may_have_a_direction_out_of_range(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(LOG + "1,1,9999,9999,0\n1,2,5,5,1\n")
    (track,) = read_samples(path)
    assert track.is_valid.tolist() == [True, False, True]
    assert np.isnan(track.head[1]).all()


def test_same_bytes_each_time(tmp_path):
    table = Fixations(np.array(["1"]), degrees(1 / 3), degrees(2 / 3))
    for name in ("a.csv", "b.csv"):
        write_fixations(tmp_path / name, table)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_table_of_several_stimuli(tmp_path):
    path = tmp_path / "gaze.csv"
    path.write_text("item,observer,lon_deg,lat_deg\nb,1,10,20\na,1,-10,0\nb,2,30,0\n")
    found = read_gaze(path)
    assert list(found) == ["b", "a"]
    assert np.rad2deg(found["b"].lon_rad) == pytest.approx([10, 30])
    with pytest.raises(DataError, match="several stimuli"):
        read_fixations(path)


FIX = "observer,onset_s,duration_ms,lon_deg,lat_deg,first_frame,last_frame\n1,0,200,10,20,0,5\n"
LOG = "observer,timestamp_s,head_lon_deg,head_lat_deg,valid\n1,0,10,20,1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FIX + "1,1,200,190,20,0,5\n", r"line 3: lon_deg is '190', expected a number from -180 to 180"),
        (FIX + "1,1,200,10,-90.1,0,5\n", "line 3: lat_deg"),
        (FIX + "1,1,200,,0,0,5\n", "line 3: lon_deg is 'empty'"),
        (FIX + "1,1,200,abc,0,0,5\n", "line 3: lon_deg is 'abc', expected a number"),
        (FIX + "1,inf,200,10,0,0,5\n", "line 3: onset_s"),
        (FIX + "1,1,-200,10,0,0,5\n", "line 3: duration_ms is '-200', expected 0 or more"),
        (FIX + "1,1,200,10,0,-1,5\n", "line 3: first_frame"),
        (FIX + "1,1,200,10,0,1.5,5\n", "line 3: first_frame is '1.5', expected a whole number"),
        (FIX + "1,1,200,10,0,6,5\n", "line 3: last_frame"),
        (FIX + ",1,200,10,0,0,5\n", "line 3: observer is 'empty', expected a name"),
        (FIX + "1,1,200,10\n", "line 3: 4 columns, expected 7"),
        (FIX + "1;1;200;10;0;0;5\n", "line 3.*separated by semicolons"),
        (FIX + '1,1,200,"10,0,0,5\n', "line 3: not a table.*quote"),
        (FIX.replace("lon_deg", "lon_dge"), "no table of gaze: found.*lon_dge"),
        (FIX.replace("duration_ms", "duration"), "unknown column 'duration'; did you mean 'duration_ms'"),
        ("observer,lon_deg,lat_deg,first_frame\n1,0,0,0\n", "go together"),
        (LOG + "1,1,,,1\n", "line 3: head_lon_deg is 'empty'"),
        (LOG + "1,1,5,,0\n1,2,5,,1\n", "line 4: head_lat_deg is 'empty'"),
        (LOG + "1,1,5,5,maybe\n", "line 3: valid is 'maybe', expected 1 or 0"),
        (LOG + "1,2,5,5,1\n2,0,5,5,1\n1,1,5,5,1\n", "line 5: time goes back from 2 to 1 s for observer '1'"),
        ("observer,timestamp_s,head_lon_deg\n1,0,5\n", "head_lon_deg and head_lat_deg go together"),
        ("observer,timestamp_s\n1,0\n", "samples need"),
        ("observer,head_lon_deg,head_lat_deg,valid\n1,0,0,1\n", "samples need timestamp_s or frame_index"),
        ("", "is empty"),
        ("d,b,c,a\n1,2,3,4\n", "no table of gaze: found d, b, c, a;"),
        (FIX.replace("lat_deg", "lon_deg"), "line 1: a duplicate column name"),
    ],
)
def test_wrong_edits_are_named(text, message, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_gaze(path)


@pytest.mark.parametrize("form", FORMS)
def test_damaged_files(form, tmp_path):
    path = tmp_path / f"t{form}"
    with pytest.raises(DataError, match=r"t\."):
        read_fixations(path)
    write_fixations(path, Fixations(np.full(500, "1"), np.linspace(-3, 3, 500), np.zeros(500)))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 - 3])
    with pytest.raises(DataError, match=r"t\."):
        read_fixations(path)
    path.write_bytes(bytes(range(256)) * 8)
    with pytest.raises(DataError, match=r"t\."):
        read_fixations(path)


def test_parquet_counts_rows(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "t.parquet"
    parquet.write_table(arrow.table({"observer": [7, 8], "lon_deg": [1.0, 200.0], "lat_deg": [0, 0]}), path)
    with pytest.raises(DataError, match="row 2: lon_deg is '200'"):
        read_fixations(path)
    parquet.write_table(arrow.table({"observer": [7, 8], "lon_deg": [1.0, None], "lat_deg": [[1], [2]]}), path)
    with pytest.raises(DataError, match="row 2: lon_deg is 'empty'"):
        read_fixations(path)


def test_what_cannot_be_written(tmp_path):
    table = Fixations.empty()
    with pytest.raises(OutputError, match=r"as \.csv or \.parquet"):
        write_fixations(tmp_path / "t.txt", table)
    with pytest.raises(OutputError, match="folder does not exist"):
        write_fixations(tmp_path / "none" / "t.csv", table)
    track = GazeSamples("1", np.array([0.0]), head=np.array([[0, 0, 1.0]]))
    with pytest.raises(ShapeError, match="duplicate"):
        write_samples(tmp_path / "t.csv", [track, track])
    other = GazeSamples("2", np.array([0.0]), head_eye=np.array([[0, 0, 1.0]]))
    with pytest.raises(ShapeError, match="different directions"):
        write_samples(tmp_path / "t.csv", [track, other])
    assert not list(tmp_path.iterdir())


def test_one_kind_is_not_the_other(tmp_path):
    write_fixations(tmp_path / "f.csv", Fixations.empty())
    write_samples(tmp_path / "s.csv", [GazeSamples("1", np.array([0.0]), head=np.array([[0, 0, 1.0]]))])
    with pytest.raises(DataError, match="expected samples"):
        read_samples(tmp_path / "f.csv")
    with pytest.raises(DataError, match="expected fixations"):
        read_fixations(tmp_path / "s.csv")


def test_parquet_names_its_package(tmp_path, monkeypatch):
    def refuse(name, *args, **kwargs):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return found(name, *args, **kwargs)

    import importlib

    found = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MissingDependencyError, match=r'pip install "atsal\[data\]"'):
        write_fixations(tmp_path / "t.parquet", Fixations.empty())

import gzip
from pathlib import Path

import numpy as np
import pytest

from atsal.errors import DataError
from atsal.gaze.readers.fixations2d import read_density_maps, read_fixations2d

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "fixations2d"
HEADER = "image,observer,fixation,u,v,duration_ms\n"


@pytest.fixture
def write(tmp_path):
    def write_table(*rows, header=HEADER):
        (tmp_path / "fixations.csv").write_text(header + "".join(f"{row}\n" for row in rows))
        return tmp_path / "fixations.csv"

    return write_table


def test_columns_and_order(write):
    path = write("b,2,0,.5,.25,200", "a,x,0,.1,.9,100", "b,1,1,.7,.75,300", "b,2,2,.6,.5,50", "b,1,0,0,.999,80")
    reading = read_fixations2d(path)
    assert list(reading.records) == ["b", "a"]
    found = reading.records["b"]
    assert found.observer.tolist() == ["2", "2", "1", "1"], "each observer's together"
    assert found.u.tolist() == [0.5, 0.6, 0, 0.7], "by number"
    assert found.v.tolist() == [0.25, 0.5, 0.999, 0.75]
    assert found.duration_ms.tolist() == [200, 50, 80, 300]
    assert found.onset_s is None
    assert reading.drops == ()


def test_number_zero_can_be_left_out(write):
    """Also where it is not there: then nothing is left out in its place."""
    path = write("a,1,0,.1,.1,200", "a,1,1,.2,.2,200", "a,2,1,.3,.3,200", "a,2,2,.4,.4,200", "b,1,0,.5,.5,100")
    reading = read_fixations2d(path, first_fixation=1)
    assert reading.records["a"].u.tolist() == [0.2, 0.3, 0.4]
    assert list(reading.records) == ["a"]
    assert reading.drops == ()


def test_gzip_is_read(tmp_path):
    (tmp_path / "fixations.csv.gz").write_bytes(gzip.compress((HEADER + "a,1,0,.1,.2,3e2\n").encode()))
    assert read_fixations2d(tmp_path / "fixations.csv.gz").records["a"].duration_ms.tolist() == [300]


def test_broken_values_are_left_out_and_counted(write):
    good = [f"a,1,{n},.5,.5,200" for n in range(8)]
    bad = [
        "a,2,0,1,.5,200",
        "a,2,1,-.001,.5,200",
        "a,2,2,nan,.5,200",
        "a,2,3,.5,,200",
        ",2,4,.5,.5,200",
        "a,,5,.5,.5,200",
        "a,2,-1,.5,.5,200",
        "a,2,6,.5,.5,",
        "a,2,7,.5,.5,-3",
    ]
    reading = read_fixations2d(write(*good, *bad))
    assert len(reading.records["a"]) == 8
    assert {drop.reason: drop.count for drop in reading.drops} == {
        "position outside the frame": 2,
        "no position (a lost sample)": 2,
        "no image": 1,
        "no observer": 1,
        "fixation number below 0": 1,
        "no duration": 1,
        "duration below 0": 1,
    }
    assert {drop.first.rsplit(", ", 1)[1] for drop in reading.drops} == {
        "line 10", "line 12", "line 14", "line 15", "line 16", "line 17", "line 18"
    }  # fmt: skip


def test_durations_in_seconds_are_told(write):
    reading = read_fixations2d(write("a,1,0,.5,.5,.25", "a,1,1,.5,.5,1.5"))
    assert reading.records["a"].duration_ms.tolist() == [250, 1500]
    assert "duration_ms is in seconds" in reading.notes[0]


def test_no_durations_at_all(write):
    reading = read_fixations2d(write("a,1,0,.5,.5,", "a,1,1,.5,.5,"))
    assert reading.records["a"].duration_ms is None
    assert len(reading.records["a"]) == 2


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (["a,1,0,.5,.5"], HEADER, "line 2: 5 columns, expected 6"),
        (["a;1;0;.5;.5;200"], HEADER, "line 2.*semicolons"),
        (["a,1,0,left,.5,200"], HEADER, "line 2: u is 'left'"),
        (["a,1,first,.5,.5,200"], HEADER, "line 2: fixation is 'first'"),
        (["a,1,0.5,.5,.5,200"], HEADER, "whole number"),
        (["a,1,0,400,300,200", "a,1,1,500,20,200"], HEADER, "2 of 2 positions lie outside"),
        (["a,1,0,.5,.5,200"], HEADER.replace("u,v", "x,y"), "no column u, v"),
        ([], "", "empty"),
    ],
)
def test_broken_tables_are_named(write, rows, header, message):
    with pytest.raises(DataError, match=message):
        read_fixations2d(write(*rows, header=header))


def test_missing_and_cut_tables(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_fixations2d(tmp_path / "none.csv")
    content = gzip.compress((HEADER + "a,1,0,.1,.2,300\n" * 1000).encode())
    (tmp_path / "cut.csv.gz").write_bytes(content[:-20])
    with pytest.raises(DataError, match=r"cut\.csv\.gz"):
        read_fixations2d(tmp_path / "cut.csv.gz")


def test_density_maps(tmp_path):
    maps = np.zeros((3, 4, 6), np.uint8)
    maps[0, 1, 2], maps[2, 3, 5] = 255, 7
    np.savez(tmp_path / "maps.npz", names=np.array(["b", "blank", "a"]), maps=maps)
    reading = read_density_maps(tmp_path / "maps.npz")
    assert list(reading.records) == ["b", "a"]
    assert reading.records["a"].tolist() == maps[2].tolist()
    assert str(reading.drops[0]).startswith("1 x density map of zeros (first: ")
    assert "blank" in reading.drops[0].first


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"names": np.array(["a"])}, "maps"),
        ({"names": np.array(["a"]), "maps": np.ones((2, 4, 4), np.uint8)}, r"names \(1,\)"),
        ({"names": np.array(["a"]), "maps": np.ones((1, 4, 4))}, "float64"),
        ({"names": np.array([1]), "maps": np.ones((1, 4, 4), np.uint8)}, "int64"),
        ({"names": np.array(["a", "a"]), "maps": np.ones((2, 4, 4), np.uint8)}, "duplicate name"),
        ({"names": np.array(["a", None]), "maps": np.ones((2, 4, 4), np.uint8)}, "expected plain numbers"),
    ],
)
def test_other_arrays_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "maps.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read_density_maps(tmp_path / "maps.npz")


def test_broken_map_files(tmp_path):
    np.savez_compressed(tmp_path / "maps.npz", names=np.array(["a"]), maps=np.ones((1, 99, 99), np.uint8))
    whole = (tmp_path / "maps.npz").read_bytes()
    broken = bytearray(whole)
    broken[300:320] = b"\xff" * 20
    np.save(tmp_path / "array.npy", np.ones(3))
    array = (tmp_path / "array.npy").read_bytes()
    for content in (b"", b"text", whole[:200], bytes(broken), array, b"\x80\x04N."):
        (tmp_path / "maps.npz").write_bytes(content)
        with pytest.raises(DataError, match=r"maps\.npz"):
            read_density_maps(tmp_path / "maps.npz")
    with pytest.raises(DataError, match=r"none\.npz"):
        read_density_maps(tmp_path / "none.npz")


@pytest.mark.skipif(not REAL.exists(), reason="the real tables are not here")
@pytest.mark.parametrize(("name", "photos", "fixations"), [("osie", 700, 98321), ("scene", 500, 40473)])
def test_real_tables(name, photos, fixations):
    reading = read_fixations2d(REAL / name / "fixations.csv.gz")
    assert (len(reading.records), sum(map(len, reading.records.values()))) == (photos, fixations)
    assert reading.drops == ()
    assert reading.notes == ()


@pytest.mark.skipif(not REAL.exists(), reason="the real maps are not here")
def test_real_maps():
    reading = read_density_maps(REAL / "tasks" / "maps.npz")
    assert len(reading.records) == 192
    assert reading.records["10682"].shape == (48, 64)
    assert reading.drops == ()


def test_a_fixation_without_a_number_is_dropped(tmp_path):
    path = tmp_path / "fixations.csv"
    path.write_text("image,observer,fixation,u,v,duration_ms\na,1,0,.5,.5,200\na,1,,.25,.5,200\na,1,2.0,.75,.5,200,\n")
    reading = read_fixations2d(path)
    assert reading.records["a"].u.tolist() == [0.5, 0.75]
    assert [(drop.reason, drop.count) for drop in reading.drops] == [("no fixation number", 1)]

import importlib

import numpy as np
import pytest

from atsal.errors import DataError, MissingDependencyError
from atsal.gaze.readers.pvs_hm import pvs_hm_rows, read_pvs_hm

io = pytest.importorskip("scipy.io")


def matrix(lon_deg, lat_deg, *, longitude_first, viewers=58):
    """Every viewer looks at the same places; longitudes as in the file, + left."""
    pair = (lon_deg, lat_deg) if longitude_first else (lat_deg, lon_deg)
    return np.tile(np.stack(pair, -1).astype(float), (1, viewers))


LON = [0.0, 10, 100, -170, 180, -60, 95, -95]
LAT = [0.0, 5, -20, 30, 0, 45, -89, 90]


@pytest.fixture
def mat(tmp_path):
    def write(name="FULLdata_per_video_frame.mat", compressed=True, **content):
        path = tmp_path / name
        io.savemat(path, content, do_compression=compressed)
        return path

    return write


@pytest.mark.parametrize("longitude_first", [True, False])
@pytest.mark.parametrize("compressed", [True, False])
def test_either_order_of_columns_is_told(mat, longitude_first, compressed):
    path = mat(compressed=compressed, A380=matrix(LON, LAT, longitude_first=longitude_first))
    reading = read_pvs_hm(path, "A380", 25.0)
    assert len(reading.records) == 58
    assert [track.observer for track in reading.records[:2]] == ["01", "02"]
    lon, lat = reading.records[57].lonlat("head")
    assert np.abs(np.rad2deg(lon)) == pytest.approx([0, 10, 100, 170, 180, 60, 95, 95])
    assert np.rad2deg(lon[[1, 2, 3, 5]]) == pytest.approx([-10, -100, 170, 60]), "+ is left in the file"
    assert np.rad2deg(lat) == pytest.approx(LAT), "+ is up"
    expected = "longitude, latitude" if longitude_first else "latitude, longitude"
    assert reading.notes == (f"each viewer's columns are {expected}, detected from the data",)
    assert reading.drops == ()


def test_two_rows_a_frame(mat):
    path = mat(A380=matrix(LON, LAT, longitude_first=True))
    track = read_pvs_hm(path, "A380", 25.0).records[0]
    assert track.timestamp_s == pytest.approx([0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14])
    assert track.frame_index.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    track = read_pvs_hm(path, "A380", 25.0, rows_per_frame=1).records[0]
    assert track.frame_index.tolist() == list(range(8))
    track = read_pvs_hm(path, "A380", None).records[0]
    assert track.timestamp_s is None
    assert track.frame_index.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_video_of_small_movements_learns_from_another(mat):
    calm = matrix([5.0, 6, 7], [1.0, 2, 3], longitude_first=False)
    path = mat(Lion=calm, A380=matrix(LON, LAT, longitude_first=False))
    lon, lat = read_pvs_hm(path, "Lion", 25.0).records[0].lonlat("head")
    assert np.rad2deg(lon) == pytest.approx([-5, -6, -7])
    assert np.rad2deg(lat) == pytest.approx([1, 2, 3])
    with pytest.raises(DataError, match=r"cannot tell latitudes from longitudes.*up to 3.*up to 7"):
        read_pvs_hm(mat("calm.mat", Lion=calm), "Lion", 25.0)


@pytest.mark.parametrize(
    ("lon", "lat"), [(LON, LON), (np.deg2rad(LON), np.deg2rad(LAT)), (np.array(LON) * 10, LAT), (LAT, LAT)]
)
def test_what_cannot_be_told_is_refused(mat, lon, lat):
    path = mat(A380=matrix(lon, lat, longitude_first=True))
    with pytest.raises(DataError, match="cannot tell latitudes from longitudes"):
        read_pvs_hm(path, "A380", 25.0)


def test_broken_values_are_counted(mat):
    values = matrix(LON, LAT, longitude_first=True)
    values[2, 0] = np.nan  # viewer 1
    values[3, 3] = 95  # latitude of viewer 2
    values[:, 4:6] = 0  # viewer 3
    reading = read_pvs_hm(mat(A380=values), "A380", 25.0)
    assert [track.observer for track in reading.records[:3]] == ["01", "02", "04"]
    assert [len(track) for track in reading.records[:3]] == [7, 7, 8]
    assert reading.records[0].frame_index.tolist() == [0, 0, 1, 2, 2, 3, 3], "the others keep their frames"
    assert [(drop.reason, drop.count) for drop in reading.drops] == [
        ("no position (a lost sample)", 1),
        ("position outside the frame", 1),
        ("viewer without a recording (only zeros)", 8),
    ]
    assert reading.drops[0].first.endswith("A380, viewer 01, row 3")


def test_fewer_viewers_are_noted(mat):
    reading = read_pvs_hm(mat(A380=matrix(LON, LAT, longitude_first=True, viewers=40)), "A380", 25.0)
    assert reading.notes[1] == "40 viewers; the whole set has 58"


def test_only_matrices_of_numbers_are_taken(mat):
    path = mat(
        A380=matrix(LON, LAT, longitude_first=True),
        text="hello",
        struct={"a": 1},
        cell=np.array([[1, 2], [3, 4]], object),
        odd=np.zeros((4, 3)),
        cube=np.zeros((2, 2, 2)),
        imaginary=np.ones((3, 4)) * 1j,
    )
    assert pvs_hm_rows(path).keys() == {"A380", "imaginary"}
    for name, found in (
        ("text", "char"),
        ("struct", "struct"),
        ("cell", "cell"),
        ("odd", "4 x 3"),
        ("cube", "2 x 2 x 2"),
    ):
        with pytest.raises(DataError, match=f"{name} is a .*{found}.*expected a matrix of numbers"):
            read_pvs_hm(path, name, 25.0)
    with pytest.raises(DataError, match="real numbers"):
        read_pvs_hm(path, "imaginary", 25.0)
    with pytest.raises(DataError, match="no video 'A830'; did you mean 'A380'"):
        read_pvs_hm(path, "A830", 25.0)


def test_damaged_and_foreign_files(mat, tmp_path):
    path = mat(A380=matrix(LON, LAT, longitude_first=True))
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    broken = [b"", b"no", whole[:100], whole[:140], whole[:-50], b"id,x\n1,2\n" * 50]
    for _ in range(20):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[rng.integers(124, len(damaged), 8)] ^= 0xFF
        broken.append(damaged.tobytes())
    for content in broken:
        path.write_bytes(content)
        with pytest.raises(DataError, match="FULLdata"):
            read_pvs_hm(path, "A380", 25.0)
    with pytest.raises(DataError, match="no such file"):
        read_pvs_hm(tmp_path / "none.mat", "A380", 25.0)


def test_version_7_3_says_how_to_convert(tmp_path):
    path = tmp_path / "new.mat"
    for content in (b"MATLAB 7.3 MAT-file, Platform" + b" " * 500, b"\0" * 512 + b"\x89HDF\r\n\x1a\n" + b"\0" * 99):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"version 7\.3.*save"):
            read_pvs_hm(path, "A380", 25.0)


def test_scipy_is_named(mat, monkeypatch):
    path = mat(A380=matrix(LON, LAT, longitude_first=True))

    def refuse(name, package=None):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MissingDependencyError, match=r'pip install "atsal\[data\]"'):
        read_pvs_hm(path, "A380", 25.0)

"""From densities to offsets, and from offsets to rectangles and files."""

import csv

import numpy as np
import pytest

from atsal.encoding import BlockGrid, Guide, codec_named
from atsal.encoding.guide import rectangles
from atsal.encoding.offsets import LEAST_QP, MOST_QP, OffsetMaker
from atsal.encoding.roi_files import FORMATS, format_named, write_roi
from atsal.errors import ConfigError, DataError
from atsal.prediction.map_track import track_maps
from atsal.projection import solid_angle_weights
from encoding.conftest import right_half

GRID = BlockGrid((256, 128), (0, 0, 256, 128), 16)


def test_an_even_density_gives_three_qp_for_each_halving_of_the_solid_angle():
    offsets = OffsetMaker(GRID, 45)(np.ones((45, 90)))
    assert (offsets == offsets[:, :1]).all()
    assert (offsets == offsets[::-1]).all()
    colatitude = (np.arange(8) + 0.5) / 8 * np.pi
    expected = -3 * np.log2(np.sin(colatitude) / np.sin(colatitude).mean())
    assert offsets[:, 0].tolist() == np.rint(expected.clip(LEAST_QP, MOST_QP)).astype(int).tolist()


def test_the_offset_follows_the_density_that_is_in_view():
    density = np.full((45, 90), 1e-3)
    density[22, 60] = 1.0  # a point on the equator, 61° to the right
    density /= (density * solid_angle_weights(45).numpy()).sum() / (4 * np.pi)
    offsets = OffsetMaker(GRID, 45)(density)
    row, column = np.unravel_index(offsets.argmin(), offsets.shape)
    assert abs((column + 0.5) / 16 - 60.5 / 90) < 0.05
    assert row in (3, 4)
    near, far = offsets[row, (column + 1) % 16], offsets[row, (column + 8) % 16]
    assert near <= -4  # what is beside it is in view, too
    assert far >= near + 4


def test_offsets_have_limits_steps_and_strength():
    density = right_half().at(0.0)
    full, half, even = (
        OffsetMaker(GRID, 45, **options)(density) for options in ({}, {"strength": 0.5}, {"step_qp": 2})
    )
    assert LEAST_QP <= full.min() < 0 < full.max() <= MOST_QP
    assert np.abs(half).sum() < 0.7 * np.abs(full).sum()
    assert set(even.ravel()) <= {-8, -6, -4, -2, 0, 2, 4, 6}  # the eight segments of VP9


def test_rectangles_cover_each_block_once():
    random = np.random.default_rng(3)
    grid = BlockGrid((200, 104), (0, 0, 200, 104), 16)  # the last column and row are cut off
    offsets = random.integers(-1, 2, grid.shape).astype(np.int8)
    offsets[2:5, 3:9] = 4
    found = np.zeros((104, 200), int)
    covered = np.zeros((104, 200), int)
    for x, y, width, height, offset in rectangles(offsets, grid):
        assert x + width <= 200
        assert y + height <= 104
        found[y : y + height, x : x + width] += offset
        covered[y : y + height, x : x + width] += 1
    wanted = np.repeat(np.repeat(offsets, 16, 0), 16, 1)[:104, :200]
    assert (found == wanted).all()
    assert covered.max() == 1


def test_maps_are_gathered_and_smooth():
    jump = [(k / 30, np.where(np.arange(128) < 64, 1.0, 0.01 if k < 30 else 5.0) * np.ones((64, 1))) for k in range(60)]
    track = track_maps(jump)
    assert track.times_s.tolist() == pytest.approx([0.2 * k for k in range(10)])
    assert track.densities.shape == (10, 45, 90)
    right = track.densities[:, 22, 80].astype(float)
    assert (np.diff(right) >= 0).all()
    assert np.diff(right).max() < 0.4 * (right[-1] - right[0])  # over a second, not at once
    mean = (track.at(1.1) * solid_angle_weights(45).numpy()).sum() / (4 * np.pi)
    assert mean == pytest.approx(1, abs=0.01)


def test_maps_without_attention_are_an_error():
    with pytest.raises(DataError, match=r"the map at 0.20 s is zero everywhere"):
        track_maps([(0.0, np.ones((8, 16))), (0.2, np.zeros((8, 16)))])
    with pytest.raises(DataError, match="no map"):
        track_maps([])


@pytest.fixture
def guide():
    return Guide(right_half(5), BlockGrid((256, 128), (0, 0, 256, 128), 64), step_qp=2)


TIMES = [0.0, 0.1, 0.2, 0.3, 0.4]


def test_kvazaar_gets_a_matrix_for_each_frame(guide, tmp_path):
    write_roi(tmp_path / "roi.txt", FORMATS["kvazaar"], guide, TIMES)
    numbers = [int(word) for word in (tmp_path / "roi.txt").read_text().split()]
    frames = np.array(numbers).reshape(5, 2 + 8)
    assert (frames[:, :2] == (4, 2)).all()
    assert (frames[0, 2:].reshape(2, 4) == guide.at(0.0)).all()


def test_svt_av1_gets_a_line_for_each_change(guide, tmp_path):
    write_roi(tmp_path / "roi.txt", FORMATS["svtav1"], guide, TIMES)
    (line,) = (tmp_path / "roi.txt").read_text().splitlines()  # the density stays
    first, *offsets = map(int, line.split())
    assert first == 0
    assert offsets == (8 * guide.at(0.0).astype(int)).ravel().tolist()
    assert len(set(offsets)) <= 8


def test_tables_and_arrays_hold_the_same_offsets(guide, tmp_path):
    write_roi(tmp_path / "roi.npy", FORMATS["npy"], guide, TIMES)
    write_roi(tmp_path / "roi.csv", FORMATS["csv"], guide, TIMES)
    values = np.load(tmp_path / "roi.npy")
    assert values.shape == (5, 2, 4)
    rows = list(csv.DictReader((tmp_path / "roi.csv").read_text().splitlines()))
    drawn = np.zeros((128, 256), int)
    for row in rows:
        x, y, width, height, offset = (int(row[name]) for name in ("x", "y", "width", "height", "offset_qp"))
        drawn[y : y + height, x : x + width] = offset
    assert (drawn[32::64, 32::64] == values[0]).all()


def test_encoders_that_ignore_regions_are_refused_by_name():
    with pytest.raises(ConfigError, match="SVT-AV1 ignores regions"):
        codec_named("SVT-AV1")
    with pytest.raises(ConfigError, match="did you mean 'x26"):
        codec_named("x246")
    with pytest.raises(ConfigError, match="no place for blocks"):
        format_named("x265-zones")

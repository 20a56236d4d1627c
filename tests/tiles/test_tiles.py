"""Tiles: exact sums over the sphere, chances worked out by hand, rates that add up."""

import math

import numpy as np
import pytest

from atsal.errors import ConfigError, DataError
from atsal.gaze.records import GazeSamples
from atsal.gaze.shares import gaze_shares
from atsal.projection import erp_directions, solid_angle_weights
from atsal.projection.perspective import Perspective
from atsal.tiles.grid import TileGrid
from atsal.tiles.hits import hit_rates
from atsal.tiles.rates import split_rate
from atsal.tiles.segments import Segmenter
from atsal.tiles.viewports import ROWS, nearest_direction, viewport_table

GRID = TileGrid(8, 5, 1920, 960)
SQUARE = Perspective(90, 1.0)


def test_tiles_cover_the_view_without_gaps_at_even_pixels():
    grid = TileGrid(7, 3, 1000, 500)
    covered = np.zeros((500, 1000), int)
    for tile in grid.tiles:
        assert tile.x % 2 == tile.y % 2 == 0
        covered[tile.y : tile.y + tile.h, tile.x : tile.x + tile.w] += 1
    assert (covered == 1).all()
    assert grid.tiles[1].x == grid.tiles[0].w
    assert grid.tiles[7].y == grid.tiles[0].h


def test_integrals_are_exact():
    assert GRID.solid_angles.sum() == pytest.approx(4 * math.pi)
    top = 2 * math.pi / 8 * (1 - math.sin(math.radians(54)))  # from 54° to the pole, an eighth of a turn
    assert GRID.solid_angles[:8] == pytest.approx([top] * 8)
    density = np.random.default_rng(0).random((90, 180))
    whole = (density * solid_angle_weights(90).numpy()).sum()
    assert GRID.integrate(density).sum() == pytest.approx(whole)
    fine = np.kron(density, np.ones((16, 16)))  # 10 x 11.25 pixels a tile are whole pixels here
    weighted = fine * solid_angle_weights(1440).numpy()
    by_tile = [weighted[r * 288 : (r + 1) * 288, c * 360 : (c + 1) * 360].sum() for r in range(5) for c in range(8)]
    assert GRID.integrate(density) == pytest.approx(np.array(by_tile), rel=1e-9)


def test_a_viewer_sees_the_tiles_ahead():
    table = viewport_table(TileGrid(4, 2, 800, 400), SQUARE)
    ahead = int(nearest_direction(np.array([[0.02, 0.02, 1.0]]))[0])
    assert table.seen[ahead].reshape(2, 4).tolist() == [[0, 1, 1, 0], [0, 1, 1, 0]]
    assert table.parts[ahead].reshape(2, 4)[:, 1:3] == pytest.approx(np.full((2, 2), 0.25), abs=0.06)
    behind = int(nearest_direction(np.array([[0.02, 0.02, -1.0]]))[0])
    assert table.seen[behind].reshape(2, 4).tolist() == [[1, 0, 0, 1], [1, 0, 0, 1]]
    up = int(nearest_direction(np.array([[0.0, 1.0, 0.01]]))[0])
    assert table.seen[up].reshape(2, 4).tolist() == [[1, 1, 1, 1], [0, 0, 0, 0]]


def test_the_table_agrees_with_counting_directions():
    table = viewport_table(GRID, SQUARE)
    vectors, weights = erp_directions(360).numpy(), solid_angle_weights(360).numpy()
    for row, column in [(20, 3), (2, 60), (18, 71)]:
        yaw, pitch = -180 + 5 * (column + 0.5), 90 - 5 * (row + 0.5)
        inside = SQUARE.contains(vectors, yaw, pitch) * weights
        tiles = inside.reshape(5, 72, 8, 90).sum((1, 3)).ravel()
        index = row * 2 * ROWS + column
        assert table.parts[index] == pytest.approx(tiles / tiles.sum(), abs=0.01)
        clear = np.abs(tiles / GRID.solid_angles - 0.1) > 0.02
        assert (table.seen[index] == (tiles >= 0.1 * GRID.solid_angles))[clear].all()


def test_chances_are_means_over_the_directions():
    table = viewport_table(GRID, SQUARE)
    shares = np.zeros((ROWS, 2 * ROWS))
    shares[17, 36], shares[17, 0] = 0.75, 0.25
    chances = table.chances(shares)
    assert set(np.round(chances, 6)) <= {0.0, 0.25, 0.75, 1.0}
    assert chances[2 * 8 + 4] == pytest.approx(0.75)
    assert table.expected_parts(shares).sum() == pytest.approx(1, abs=1e-5)


def one_tile(number):
    """A map whose gaze is in one tile."""
    saliency = np.zeros((40, 80))
    saliency[8 * (number // 8) : 8 * (number // 8) + 8, 10 * (number % 8) : 10 * (number % 8) + 10] = 1
    return saliency


def test_segments_average_the_maps_that_begin_in_them():
    segmenter = Segmenter(GRID, SQUARE, 1.0)
    maps = [(0, 0.0, one_tile(20)), (1, 0.5, one_tile(21)), (2, 1.0, one_tile(3)), (3, 3.2, 7 * one_tile(4))]
    segments = list(segmenter.segments(maps, lambda last_s: last_s + 0.5))
    assert [(s.start_s, round(s.duration_s, 6)) for s in segments] == [(0, 1), (1, 1), (2, 1), (3, 0.7)]
    assert segments[0].share[[20, 21]] == pytest.approx([0.5, 0.5])
    assert segments[1].share[3] == pytest.approx(1)
    assert segments[2].share[3] == pytest.approx(1)  # no map of its own: the one before
    assert segments[3].share[4] == pytest.approx(1)


def test_a_short_rest_belongs_to_the_last_segment_and_a_missing_start_is_refused():
    segmenter = Segmenter(GRID, SQUARE, 2.0, start_s=4.0)
    segments = list(segmenter.segments([(0, 4.0, one_tile(1))], lambda _last: 8.01))
    assert [(s.start_s, round(s.duration_s, 6)) for s in segments] == [(4, 2), (6, 2.01)]
    with pytest.raises(DataError, match="no map between 4 and 6 s"):
        list(segmenter.segments([(0, 7.0, one_tile(1))], lambda _last: 8.0))


def test_rates_add_up_and_follow_the_use():
    rng = np.random.default_rng(0)
    for total in (400, 401, 7919, 100_000):
        rates = split_rate(GRID, rng.random(40) ** 3, total, 10)
        assert rates.sum() == total
        assert rates.min() >= 10
    viewport = np.zeros(40)
    viewport[[3, 9]] = 0.2, 0.6
    rates = split_rate(GRID, viewport, 1200, 10)
    assert rates[[3, 9]].tolist() == [10 + 200, 10 + 600]
    with pytest.raises(ConfigError, match="expected at least 400"):
        split_rate(GRID, viewport, 399, 10)


def test_hit_rates_of_viewers_who_look_where_it_was_predicted():
    segmenter = Segmenter(GRID, SQUARE, 1.0)
    ahead, behind = one_tile(20) + one_tile(19), one_tile(16) + one_tile(23)
    segments = list(segmenter.segments([(0, 0.0, ahead), (1, 1.0, behind)], lambda _last: 2.0))
    times = np.arange(0, 2, 0.1)
    turned = np.where(times[:, None] < 1, [0.01, 0.01, 1.0], [0.01, 0.01, -1.0])
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    viewers = [GazeSamples("a", times, head=turned), GazeSamples("late", times + 60, head=turned)]
    fixed = segments[0].expected_part
    (rates,) = hit_rates(segmenter, segments, viewers, [12], fixed)
    assert rates.predicted > 0.9
    assert rates.equator == pytest.approx(rates.predicted / 2, abs=0.05)  # right for half of the time
    assert rates.uniform == 12 / 40
    assert hit_rates(segmenter, segments, viewers[1:], [12], fixed) == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TileGrid(0, 5, 100, 50), "a grid of 0x5 tiles"),
        (lambda: TileGrid(80, 80, 10000, 5000), "at most 4096 tiles"),
        (lambda: TileGrid(8, 30, 100, 50), "tiles of at least 2x2 pixels"),
        (lambda: Segmenter(GRID, SQUARE, 0.01), "segments of 0.01 s"),
        (lambda: gaze_shares(np.zeros((4, 8)), 2), "zero everywhere"),
        (lambda: gaze_shares(np.ones((4, 9)), 2), r"expected \(H, 2H\)"),
    ],
)
def test_mistakes_are_explained(make, message):
    with pytest.raises(ConfigError, match=message):
        make()

import numpy as np
import pytest

from atsal.gaze.readers.parsing.position_checks import find_placeholders, look_exchanged, look_tiny

RNG = np.random.default_rng(3)
INSIDE = np.ones(200, bool)


def looks(where, value, whole=False):
    x, y = RNG.uniform(-170, 170, 200), RNG.uniform(-80, 80, 200)
    x, y = (x.round(), y.round()) if whole else (x, y)
    x[where] = y[where] = value
    return x, y


@pytest.mark.parametrize("value", [0, -1])
def test_the_same_value_again_and_again(value):
    found = find_placeholders(*looks(slice(5, None, 4), value), INSIDE)
    assert np.flatnonzero(found).tolist() == list(range(5, 200, 4))


@pytest.mark.parametrize("where", [slice(0, 40), [10, 20, 30]])
def test_where_viewers_start_or_rarely_look_is_a_position(where):
    assert not find_placeholders(*looks(where, 0), INSIDE).any()


def test_each_recording_has_its_start():
    x, y = looks([*range(10), *range(100, 110)], 0)
    recording = np.repeat([0, 1], 100)
    assert not find_placeholders(x, y, INSIDE, recording).any()
    assert find_placeholders(x, y, INSIDE).sum() == 20


def test_logs_in_whole_degrees_look_ahead_often():
    x, y = np.tile([0.0, 1, 0, 2, 1], 40), np.tile([0.0, 0, 1, 0, 1], 40)
    assert not find_placeholders(x, y, INSIDE).any()


def glancing():
    """A viewer who rests at 0, 0 and turns to the side five times and back, and where it rests."""
    x = np.zeros(300)
    for first in range(10, 300, 60):
        x[first : first + 10] = 70.3 * np.sin(np.linspace(0.1, np.pi - 0.1, 10)) + 0.01 * first
    return x, x / 10, x == 0


def test_a_viewer_who_rests_at_the_placeholder_moves_to_it():
    x, y, rests = glancing()
    assert rests.sum() == 250
    assert not find_placeholders(x, y, np.ones(300, bool)).any()
    x[rests] += RNG.normal(20, 0.3, 250)
    y[rests] += 9
    x[::4] = y[::4] = 0
    assert np.flatnonzero(find_placeholders(x, y, np.ones(300, bool))).tolist() == list(range(0, 300, 4)), "it jumps"


def test_neighbours_are_those_of_the_same_recording():
    x, y, _ = glancing()
    both = [np.stack([values, np.full(300, 90.5) + np.arange(300)], 1).ravel() for values in (x, y)]
    assert not find_placeholders(*both, np.ones(600, bool), np.tile([0, 1], 300)).any()


def test_whole_degrees_are_positions():
    x, y = looks(slice(5, None, 4), 0, whole=True)
    assert not find_placeholders(x, y, INSIDE).any()
    assert find_placeholders(x + 200, y + 100, INSIDE).sum() == 0
    x, y = np.abs(x), np.abs(y)
    assert find_placeholders(x, y, INSIDE).sum() == 49, "pixels: 0, 0 is a corner"


def test_out_of_range_one_is_enough():
    x, y = looks([7], 9999)
    assert np.flatnonzero(find_placeholders(x, y, np.abs(x) <= 180)).tolist() == [7]
    x[8], y[8] = 500, 500
    assert not find_placeholders(x, y, np.abs(x) <= 180)[8]


def test_exchanged_columns():
    lon, lat = RNG.uniform(-170, 170, 100), RNG.uniform(-60, 60, 100)
    assert look_exchanged(lat, lon, (-90, 90))
    assert not look_exchanged(lon, lat, (-90, 90))
    lat[3] = 120
    assert not look_exchanged(lat * 0, lat, (-90, 90)), "one slip of the tracker"


def test_radians_and_parts_of_the_frame():
    lon, lat = RNG.uniform(-170, 170, 100), RNG.uniform(-60, 60, 100)
    assert look_tiny(np.deg2rad(lon), np.deg2rad(lat), (np.pi, np.pi / 2, 0.5))
    assert look_tiny(lon / 360 + 0.5, lat / 180 + 0.5, (np.pi, np.pi / 2, 0.5))
    assert not look_tiny(lon, lat, (np.pi, np.pi / 2, 0.5))
    assert not look_tiny(lon * 0 + 1, lat * 0, (np.pi, np.pi / 2, 0.5)), "a target that is looked at"

import numpy as np
import pytest

from atsal.gaze.readers.placeholders import look_exchanged, look_like_parts, placeholders

RNG = np.random.default_rng(3)
INSIDE = np.ones(200, bool)


def looks(where, value, whole=False):
    x, y = RNG.uniform(-170, 170, 200), RNG.uniform(-80, 80, 200)
    x, y = (x.round(), y.round()) if whole else (x, y)
    x[where] = y[where] = value
    return x, y


@pytest.mark.parametrize("value", [0, -1])
def test_the_same_value_again_and_again(value):
    found = placeholders(*looks(slice(5, None, 4), value), INSIDE)
    assert np.flatnonzero(found).tolist() == list(range(5, 200, 4))


@pytest.mark.parametrize("where", [slice(0, 40), [10, 20, 30]])
def test_where_viewers_start_or_rarely_look_is_a_position(where):
    assert not placeholders(*looks(where, 0), INSIDE).any()


def test_each_recording_has_its_start():
    x, y = looks([*range(10), *range(100, 110)], 0)
    recording = np.repeat([0, 1], 100)
    assert not placeholders(x, y, INSIDE, recording).any()
    assert placeholders(x, y, INSIDE).sum() == 20


def test_logs_in_whole_degrees_look_ahead_often():
    x, y = np.tile([0.0, 1, 0, 2, 1], 40), np.tile([0.0, 0, 1, 0, 1], 40)
    assert not placeholders(x, y, INSIDE).any()


def test_out_of_range_one_is_enough():
    x, y = looks([7], 9999)
    assert np.flatnonzero(placeholders(x, y, np.abs(x) <= 180)).tolist() == [7]
    x[8], y[8] = 500, 500
    assert not placeholders(x, y, np.abs(x) <= 180)[8]


def test_exchanged_columns():
    lon, lat = RNG.uniform(-170, 170, 100), RNG.uniform(-60, 60, 100)
    assert look_exchanged(lat, lon, -90, 90)
    assert not look_exchanged(lon, lat, -90, 90)
    lat[3] = 120
    assert not look_exchanged(lat * 0, lat, -90, 90), "one slip of the tracker"


def test_radians_and_parts_of_the_frame():
    lon, lat = RNG.uniform(-170, 170, 100), RNG.uniform(-60, 60, 100)
    assert look_like_parts(np.deg2rad(lon), np.deg2rad(lat))
    assert look_like_parts(lon / 360 + 0.5, lat / 180 + 0.5)
    assert not look_like_parts(lon, lat)
    assert not look_like_parts(lon * 0 + 1, lat * 0), "a target that is looked at"

"""Records refuse what cannot be, and select, join and time what can."""

import math

import numpy as np
import pytest

from atsal.errors import DataError, ShapeError
from atsal.gaze.directions import angle_rad, lonlat_from_uv, lonlat_from_vectors, unit_vectors, wrap_longitude
from atsal.gaze.records import Fixations, GazeSamples, PlanarFixations, fixations_from_samples
from atsal.gaze.tables import read_fixations, write_fixations


def looking(lon_deg, lat_deg):
    return unit_vectors(np.deg2rad(np.atleast_1d(lon_deg)), np.deg2rad(np.atleast_1d(lat_deg)))


def three(**columns) -> Fixations:
    base = {
        "observer": np.array(["a", "a", "b"]),
        "lon_rad": np.array([0.0, 1, -1]),
        "lat_rad": np.array([0.0, 0.5, -0.5]),
    }
    return Fixations(**(base | columns))


def test_the_axes():
    """Right is +x and + longitude, up is +y and + latitude, ahead is +z; v counts from the top."""
    np.testing.assert_allclose(looking([0, 90, 0], [0, 0, 90]), [[0, 0, 1], [1, 0, 0], [0, 1, 0]], atol=1e-15)
    lon, lat = lonlat_from_uv([0.5, 0.75, 0.0], [0.5, 0.25, 1.0])
    np.testing.assert_allclose(np.rad2deg(lon), [0, 90, -180])
    np.testing.assert_allclose(np.rad2deg(lat), [0, 45, -90])


def test_vectors_and_angles_are_inverse():
    lon, lat = np.deg2rad([-179.0, -90, 0, 12, 180]), np.deg2rad([-89.0, 0, 45, 89.99, 1])
    back = lonlat_from_vectors(3 * unit_vectors(lon, lat))
    np.testing.assert_allclose(back, [lon, lat], atol=1e-12)
    assert np.rad2deg(wrap_longitude(np.deg2rad([190.0, -190, 180]))) == pytest.approx([-170, 170, -180])


def test_small_angles_are_exact():
    first, second = looking(10, 89.5)[0], looking(10, 89.5 + 1e-7)[0]
    assert math.degrees(angle_rad(first, second)) == pytest.approx(1e-7, rel=1e-6)


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"lon_rad": np.array([0.0, 1, 4])}, "longitude .*229"),
        ({"lat_rad": np.array([0.0, 1, np.nan])}, "latitude"),
        ({"lat_rad": np.array([0.0, 1])}, "lat_rad has 2 entries, expected 3"),
        ({"observer": np.array(["a", "", "b"])}, "has no name"),
        ({"duration_ms": np.array([1.0, -2, 3])}, "duration of -2"),
        ({"onset_s": np.array([1.0, np.nan, 3])}, "onset_s"),
        ({"first_frame": np.array([1, 2, 3])}, "only one of first_frame"),
        ({"first_frame": np.array([1, 2, 3]), "last_frame": np.array([1, 1, 3])}, "reversed"),
    ],
)
def test_impossible_fixations_are_refused(columns, match):
    with pytest.raises(ShapeError, match=match):
        three(**columns)


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"head": looking([0, 1], [0, 0])}, "neither timestamp_s nor frame_index"),
        ({"timestamp_s": np.array([0.0, 1])}, "no direction"),
        ({"timestamp_s": np.array([1.0, 0]), "head": looking([0, 1], [0, 0])}, "time goes back after 1.000 s"),
        ({"timestamp_s": np.array([0.0, 1]), "head": 2 * looking([0, 1], [0, 0])}, "not unit vectors"),
        ({"timestamp_s": np.array([0.0]), "head": looking([0, 1], [0, 0])}, "timestamp_s has 1 entries"),
        ({"frame_index": np.array([-1, 0]), "head": looking([0, 1], [0, 0])}, "count from 0"),
    ],
)
def test_impossible_samples_are_refused(columns, match):
    with pytest.raises(ShapeError, match=match):
        GazeSamples("a", **columns)


def test_a_lost_sample_needs_no_direction():
    head = looking([0, 1], [0, 0])
    head[1] = np.nan
    samples = GazeSamples("a", np.array([0.0, 0.1]), head=head, valid=np.array([True, False]))
    found = fixations_from_samples([samples], "head")
    assert len(found) == 1
    assert samples.directions == ("head",)
    with pytest.raises(DataError, match="no head_eye direction; it has head"):
        samples.vectors("head_eye")


def test_samples_last_as_long_as_the_log_waits_for_the_next():
    samples = GazeSamples("a", np.array([0.0, 0.1, 0.2]), head=looking([0, 1, 2], [0, 0, 0]))
    found = fixations_from_samples([samples], "head").with_frames(30)
    assert samples.sampling_rate_hz() == pytest.approx(10)
    assert found.first_frame.tolist() == [0, 3, 6]
    assert found.last_frame.tolist() == [2, 5, 8]


def test_frames_of_fixations():
    found = three(onset_s=np.array([0.0, 0.1, 0.15]), duration_ms=np.array([100.0, 100, 0])).with_frames(10)
    assert found.first_frame.tolist() == [0, 1, 1]
    assert found.last_frame.tolist() == [0, 1, 1]
    assert found.in_frames(0, 0).observer.tolist() == ["a"]
    assert found.in_frames(1, 3).observer.tolist() == ["a", "b"]
    with pytest.raises(DataError, match="have no frames"):
        three().in_frames(0, 1)
    with pytest.raises(DataError, match="have no times"):
        three().with_frames(30)


def test_scanpaths_by_observer():
    first, second = three(onset_s=np.array([0.0, 1, 0])).scanpaths()
    assert (first.observer, len(first), second.observer) == ("a", 2, "b")
    expected = angle_rad(unit_vectors(0, 0), unit_vectors(1, 0.5))
    assert first.amplitudes_rad() == pytest.approx([expected])


def test_joining_keeps_what_all_have():
    with_times = three(onset_s=np.array([0.0, 1, 0]))
    both = Fixations.concatenate([with_times, three(), Fixations.empty()])
    assert len(both) == 6
    assert both.onset_s is None
    assert Fixations.concatenate([with_times, Fixations.empty()]).onset_s is not None
    assert len(Fixations.concatenate([])) == 0
    assert len(PlanarFixations.concatenate([])) == 0


def test_a_photo_has_borders():
    with pytest.raises(ShapeError, match=r"u outside \[0, 1\]"):
        PlanarFixations(np.array(["a"]), np.array([1.2]), np.array([0.5]))


@pytest.mark.parametrize("rate", [24, 30000 / 1001, 30, 60, 120])
def test_frames_survive_rounded_times(rate, tmp_path):
    """Times in whole milliseconds, or rounded in a table, belong to the frame that they were taken from."""
    frame = np.arange(300)
    observer, zeros = np.full(300, "a"), np.zeros(300)
    for digits in (3, 6):
        onset_s = np.round(frame / rate, digits)
        write_fixations(tmp_path / "t.csv", Fixations(observer, zeros, zeros, onset_s, np.full(300, 1000 / rate)))
        found = read_fixations(tmp_path / "t.csv").with_frames(rate)
        np.testing.assert_array_equal(found.first_frame, frame)
        np.testing.assert_array_equal(found.last_frame, frame)

"""Fixation maps and saliency maps on the sphere."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from atsal.errors import ConfigError
from atsal.gaze.directions import angle_rad, unit_vectors, wrap_longitude
from atsal.gaze.maps import (
    Window,
    fixation_map,
    frames_per_window,
    saliency_density,
    saliency_map,
    saliency_maps,
    windows,
)
from atsal.gaze.records import Fixations
from atsal.projection import SphericalGaussian, solid_angle_weights

HEIGHT = 64


def fixations(lon_deg, lat_deg, **columns) -> Fixations:
    """Fixations of one observer."""
    lon, lat = np.deg2rad(np.atleast_1d(lon_deg).astype(float)), np.deg2rad(np.atleast_1d(lat_deg).astype(float))
    return Fixations(np.full(len(lon), "a"), lon, lat, **columns)


def scattered(count: int, seed: int = 0) -> Fixations:
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Fixations(np.full(count, "a"), np.arctan2(vectors[:, 0], vectors[:, 2]), np.arcsin(vectors[:, 1]))


def brute_force(points: Fixations, height: int, sigma_deg: float) -> np.ndarray:
    """The definition, pixel by pixel: angles between unit vectors."""
    lat = math.pi / 2 - (np.arange(height) + 0.5) / height * math.pi
    lon = (np.arange(2 * height) + 0.5) / height * math.pi - math.pi
    pixels = unit_vectors(*np.broadcast_arrays(lon[None, :], lat[:, None]))
    total = np.zeros((height, 2 * height))
    for vector in unit_vectors(points.lon_rad, points.lat_rad):
        total += np.exp(-0.5 * (angle_rad(pixels, vector) / math.radians(sigma_deg)) ** 2)
    return total


def test_a_fixation_falls_on_the_pixel_that_holds_it():
    # 4 rows of 45°, 8 columns of 45°
    found = fixation_map(fixations([-170, 0, 0, 100, 179.9], [80, 1, -1, -89, 10]), 4)
    rows, columns = np.nonzero(found)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 0), (1, 4), (1, 7), (2, 4), (3, 6)]


def test_both_signs_of_the_border_and_the_poles_are_on_the_map():
    found = fixation_map(fixations([180, -180, 0, 0], [1, 1, 90, -90]), 4)
    assert found[1, 0] == 2
    assert found[0, 4] == found[3, 4] == 1
    assert found.sum() == 4


@pytest.mark.parametrize("sigma_deg", [0.7, 2.0, 3.34, 9.35, 30.0, 100.0])
def test_the_map_is_the_sum_of_gaussians_of_the_angle(sigma_deg):
    points = scattered(40)
    poles_and_border = fixations([0, 30, 180, -180, 179.99], [90, -90, 0, 40, -89.9])
    points = Fixations.concatenate([points, poles_and_border])
    expected = brute_force(points, HEIGHT, sigma_deg)
    found = saliency_map(points, HEIGHT, sigma_deg)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * expected.max())


@pytest.mark.parametrize("height", [1, 7, 33, 90])
@pytest.mark.parametrize("sigma_deg", [2.0, 9.35])
def test_any_size_of_map(height, sigma_deg):
    points = scattered(20, seed=3)
    expected = brute_force(points, height, sigma_deg)
    np.testing.assert_allclose(saliency_map(points, height, sigma_deg), expected, atol=1e-6 * expected.max())


def test_the_full_size_of_the_published_maps():
    points = scattered(5, seed=1)
    found = saliency_map(points, 1024, 9.35)
    rows = np.arange(3, 1024, 73)
    expected = brute_force(points, 1024, 9.35)[rows]
    np.testing.assert_allclose(found[rows], expected, rtol=1e-4, atol=1e-7)


def test_a_fixation_at_a_pole_makes_rows_of_one_value():
    found = saliency_map(fixations(25, 90), HEIGHT, 9.35)
    assert np.ptp(found, axis=1).max() < 1e-6
    assert found[0, 0] == pytest.approx(math.exp(-0.5 * (90 / HEIGHT / 9.35) ** 2), abs=1e-6)


def test_up_is_up_and_right_is_right():
    found = saliency_map(fixations(60, 30), HEIGHT, 5)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert (row, column) == (pytest.approx(60 / 180 * HEIGHT, abs=1), pytest.approx(240 / 360 * 2 * HEIGHT, abs=1))


def test_another_implementation_agrees():
    """Smoothing the counts as a dense map, by sums over pairs of rows."""
    points = scattered(30, seed=2)
    at_pixels = Fixations(  # moved to the centres of their pixels, which is what the counts know
        points.observer,
        (np.floor((points.lon_rad / (2 * np.pi) + 0.5) * 2 * HEIGHT) + 0.5) / HEIGHT * np.pi - np.pi,
        np.pi / 2 - (np.floor((0.5 - points.lat_rad / np.pi) * HEIGHT) + 0.5) / HEIGHT * np.pi,
    )
    per_area = torch.from_numpy(fixation_map(points, HEIGHT) / solid_angle_weights(HEIGHT).numpy())
    dense = SphericalGaussian(HEIGHT, 9.35)(per_area[None, None].float())[0, 0].double().numpy()
    found = saliency_map(at_pixels, HEIGHT, 9.35).astype(float)
    np.testing.assert_allclose(found / found.sum(), dense / dense.sum(), rtol=5e-3)


@settings(max_examples=20)
@given(shift=st.integers(-200, 200), sigma=st.sampled_from([1.5, 9.35]))
def test_turning_the_viewers_turns_the_map(shift, sigma):
    points = scattered(10, seed=4)
    turned = Fixations(points.observer, wrap_longitude(points.lon_rad + shift * math.pi / HEIGHT), points.lat_rad)
    expected = np.roll(saliency_map(points, HEIGHT, sigma), shift, axis=1)
    np.testing.assert_allclose(saliency_map(turned, HEIGHT, sigma), expected, atol=1e-5)


def test_a_density_sums_to_one_over_the_sphere():
    density = saliency_density(saliency_map(scattered(10), HEIGHT, 9.35))
    assert (density * solid_angle_weights(HEIGHT).numpy()).sum() == pytest.approx(1)
    with pytest.raises(ConfigError, match="without any value above 0"):
        saliency_density(np.zeros((4, 8)))


def test_without_fixations_the_map_is_zero():
    assert not saliency_map(Fixations.empty(), 8, 9.35).any()
    assert not fixation_map(Fixations.empty(), 8).any()


@pytest.mark.parametrize("sigma_deg", [0, -1, 180, float("nan")])
def test_a_sigma_that_is_none_is_refused(sigma_deg):
    with pytest.raises(ConfigError, match="sigma_deg"):
        saliency_map(scattered(2), 8, sigma_deg)


def test_windows_cover_every_frame_once():
    assert windows(11, 4) == (Window(0, 3), Window(4, 7), Window(8, 10))
    assert windows(3, 1) == (Window(0, 0), Window(1, 1), Window(2, 2))
    assert windows(3, 10) == (Window(0, 2),)
    with pytest.raises(ConfigError):
        windows(0, 1)


@pytest.mark.parametrize(
    ("frames", "duration_s", "expected"), [(500, 20, 5), (600, 20, 6), (480, 20, 5), (1199, 20, 12), (3, 20, 1)]
)
def test_200_ms_in_frames(frames, duration_s, expected):
    assert frames_per_window(frames, duration_s) == expected


def test_a_fixation_counts_in_every_window_that_it_reaches_into():
    first, last = np.array([0, 4]), np.array([1, 5])
    points = fixations([0, 90], [0, 0], first_frame=first, last_frame=last)
    early, middle, late = saliency_maps(points, windows(6, 2), 16, 9.35)
    assert early[8, 16] > 0.5 > early[8, 24]
    assert not middle.any()
    assert late[8, 24] > 0.5 > late[8, 16]

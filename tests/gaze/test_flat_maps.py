"""Maps of flat photos."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from atsal.errors import ConfigError
from atsal.gaze.flat_maps import planar_fixation_map, planar_saliency_map
from atsal.gaze.records import PlanarFixations


def at(*points) -> PlanarFixations:
    u, v = np.array(points, float).T
    return PlanarFixations(np.full(len(u), "a"), u, v)


def test_v_counts_from_the_top_and_the_last_pixel_holds_the_border():
    found = planar_fixation_map(at((0, 0), (0.6, 0.4), (1, 1)), 3, 5)
    assert np.argwhere(found).tolist() == [[0, 0], [1, 3], [2, 4]]


def test_the_gaussian_has_the_same_width_in_pixels_both_ways():
    found = planar_saliency_map(at((0.5, 0.5)), 61, 121, 5 / 121)
    assert found[30, 60] == pytest.approx(1)
    assert found[30, 65] == pytest.approx(np.exp(-0.5), rel=1e-5)
    assert found[35, 60] == pytest.approx(np.exp(-0.5), rel=1e-5)


def test_another_implementation_agrees():
    points = at(((17 + 0.5) / 80, (9 + 0.5) / 40), ((50 + 0.5) / 80, (30 + 0.5) / 40))
    expected = gaussian_filter(planar_fixation_map(points, 40, 80), 2.5, mode="constant", truncate=6)
    found = planar_saliency_map(points, 40, 80, 2.5 / 80)
    np.testing.assert_allclose(found / found.max(), expected / expected.max(), atol=1e-5)


def test_sizes_that_are_none_are_refused():
    with pytest.raises(ConfigError, match="0x5"):
        planar_saliency_map(at((0.5, 0.5)), 5, 0, 0.1)
    with pytest.raises(ConfigError, match="sigma"):
        planar_saliency_map(at((0.5, 0.5)), 5, 5, 0)

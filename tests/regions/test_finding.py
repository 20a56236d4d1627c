import numpy as np
import pytest

from atsal.errors import ConfigError, ShapeError
from atsal.projection import solid_angle_weights
from atsal.regions import find_regions
from atsal.regions.region import angle_deg, unit_vector
from fakes.blob_maps import blob_map


@pytest.mark.parametrize(
    ("yaw_deg", "pitch_deg"), [(0, 0), (-120, 30), (179.5, -10), (-180, 45), (60, 85), (10, -89), (0, 90)]
)
def test_a_blob_is_found_where_it_is(yaw_deg, pitch_deg):
    (region,) = find_regions(blob_map([(yaw_deg, pitch_deg, 1, 8)]))
    where = unit_vector(yaw_deg, pitch_deg)
    assert angle_deg(region.direction, where) < 0.5
    assert angle_deg(unit_vector(region.peak_yaw_deg, region.peak_pitch_deg), where) <= 1.5  # a pixel has 2°
    # A Gaussian falls to a half at 1.177 sigma: seen from its centre, the region is as wide as high, wherever it lies.
    assert region.width_deg == pytest.approx(2 * 1.177 * 8, abs=4)
    assert region.height_deg == pytest.approx(2 * 1.177 * 8, abs=4)
    assert -180 <= region.yaw_deg < 180


def test_weight_and_peak_by_hand():
    """Four of 90 x 180 pixels hold all gaze: the weight is 1, the peak is the inverse of their share of the sphere."""
    saliency = np.zeros((90, 180))
    saliency[44:46, 89:91] = 1
    (region,) = find_regions(saliency)
    share = 4 * float(solid_angle_weights(90)[44]) / (4 * np.pi)
    assert region.weight == pytest.approx(1)
    assert region.peak == pytest.approx(1 / share)
    assert (region.yaw_deg, region.pitch_deg) == pytest.approx((0, 0), abs=1e-9)
    assert (region.width_deg, region.height_deg) == pytest.approx((4, 4), abs=0.01)


def test_weights_do_not_depend_on_the_unit_nor_on_the_size():
    blobs = [(-90, 10, 1, 8), (20, -20, 0.5, 8)]
    small, large = find_regions(blob_map(blobs)), find_regions(1e-6 * blob_map(blobs, rows=360))
    assert [r.weight for r in small] == pytest.approx([r.weight for r in large], rel=0.02)
    assert small[0].weight > small[1].weight
    assert sum(r.weight for r in small) < 1


def test_peaks_are_two_only_where_the_map_falls_between_them():
    def count(apart_deg):
        return len(find_regions(blob_map([(-apart_deg / 2, 0, 1, 6), (apart_deg / 2, 0, 1, 6)])))

    assert [count(apart) for apart in (0, 10, 20, 40)] == [1, 1, 2, 2]


def test_the_heaviest_are_kept():
    saliency = blob_map([(-120, 0, 1, 6), (-40, 0, 0.8, 6), (40, 0, 0.6, 6), (120, 0, 0.4, 6)])
    assert [round(r.yaw_deg) for r in find_regions(saliency)] == [-120, -40, 40, 120]
    assert [round(r.yaw_deg) for r in find_regions(saliency, max_regions=2)] == [-120, -40]
    smallest = find_regions(saliency)[2].weight
    assert len(find_regions(saliency, min_weight=smallest)) == 3


def test_an_even_map_has_no_regions():
    assert find_regions(np.ones((40, 80))) == ()


@pytest.mark.parametrize(
    ("saliency", "error", "message"),
    [
        (np.ones((40, 40)), ShapeError, r"\(40, 40\): expected \(H, W\) with W = 2H"),
        (np.zeros((40, 80)), ConfigError, "zero everywhere"),
        (np.full((40, 80), np.nan), ConfigError, "NaN"),
        (-np.ones((40, 80)), ConfigError, "negative"),
    ],
)
def test_maps_that_say_nothing_are_refused(saliency, error, message):
    with pytest.raises(error, match=message):
        find_regions(saliency)


@pytest.mark.parametrize("setting", [{"max_regions": 0}, {"min_weight": 1}, {"min_weight": -0.1}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ConfigError, match="expected at least 1 region and a weight"):
        find_regions(np.ones((40, 80)), **setting)

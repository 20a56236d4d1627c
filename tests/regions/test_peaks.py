import numpy as np
import pytest

import atsal
from atsal.errors import ConfigError, ShapeError
from atsal.gaze.directions import angle_rad
from atsal.regions import find_regions
from atsal.regions.region import unit_vector
from fakes.blob_maps import blob_map


def test_peaks_are_where_the_blobs_are():
    saliency = blob_map([(175, 10, 1, 8), (-60, -40, 0.7, 8), (20, 80, 0.4, 8)])
    found = atsal.peaks(saliency, 3)
    assert [peak.weight for peak in found] == sorted((peak.weight for peak in found), reverse=True)
    for (yaw_deg, pitch_deg, weight), expected in zip(found, [(175, 10), (-60, -40), (20, 80)], strict=True):
        assert np.degrees(angle_rad(unit_vector(yaw_deg, pitch_deg), unit_vector(*expected))) <= 1.5  # a pixel has 2°
        assert 0 < weight < 1
    assert atsal.peaks(saliency, 1) == found[:1]
    assert len(atsal.peaks(saliency, 99)) == 3


def test_a_peak_has_the_weight_of_its_region():
    saliency = blob_map([(0, 0, 1, 8), (90, 0, 0.5, 8)])
    regions = find_regions(saliency)
    assert [peak.weight for peak in atsal.peaks(saliency)] == [region.weight for region in regions]


def test_a_map_without_peaks_has_none():
    assert atsal.peaks(np.ones((20, 40), np.float32), 3) == []


@pytest.mark.parametrize(
    ("saliency", "n", "error", "message"),
    [
        (np.ones((20, 20)), 3, ShapeError, "expected .H, W. with W = 2H"),
        (np.zeros((20, 40)), 3, ConfigError, "zero everywhere"),
        (np.ones((20, 40)), 0, ConfigError, "n 0: expected the most peaks to return, 1 or more"),
    ],
)
def test_what_has_no_peaks_is_refused(saliency, n, error, message):
    with pytest.raises(error, match=message):
        atsal.peaks(saliency, n)

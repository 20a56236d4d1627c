"""Each number by hand, and against SciPy or a brute-force count."""

import math

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, pearsonr

from atsal.errors import ShapeError
from atsal.evaluation.metrics import auc, cc, information_gain, nss
from atsal.projection import solid_angle_weights

RNG = np.random.default_rng(0)


def test_cc_against_scipy():
    a, b = RNG.random((8, 16)), RNG.random((8, 16))
    assert cc(a, b) == pytest.approx(pearsonr(a.ravel(), b.ravel())[0])


def test_cc_weights_count_like_repetition():
    a, b, times = RNG.random((2, 3)), RNG.random((2, 3)), np.array([[1], [3]])
    repeated = [np.repeat(m.ravel(), np.broadcast_to(times, m.shape).ravel()) for m in (a, b)]
    assert cc(a, b, weights=times) == pytest.approx(pearsonr(*repeated)[0])


def test_nss_by_hand():
    prediction = np.array([[0.0, 2.0], [0.0, 2.0]])  # mean 1, deviation 1
    assert nss(prediction, np.array([[0, 3], [1, 0]])) == pytest.approx((3 * 1 - 1) / 4)


def test_auc_is_the_chance_that_a_fixation_outscores():
    prediction = RNG.integers(0, 6, (10, 20)).astype(float)  # many ties
    positives, negatives = RNG.integers(0, 3, (10, 20)), RNG.integers(0, 2, (10, 20))
    first, second = (np.repeat(prediction.ravel(), counts.ravel()) for counts in (positives, negatives))
    expected = mannwhitneyu(first, second).statistic / (len(first) * len(second))
    assert auc(prediction, positives, negatives) == pytest.approx(expected)


def test_information_gain_by_hand():
    """All density on one half of the sphere gains one bit over a flat prior, for fixations there."""
    weights = solid_angle_weights(4).numpy()
    prediction = np.zeros((4, 8))
    prediction[:, :4] = 1
    fixations = np.zeros((4, 8))
    fixations[1, 2] = 7
    assert information_gain(prediction, np.ones((4, 8)), fixations, weights=weights) == pytest.approx(1)


def test_nothing_to_score_is_not_a_number():
    flat, empty, some = np.full((4, 8), 0.3), np.zeros((4, 8)), RNG.random((4, 8))
    for weights in (None, solid_angle_weights(4).numpy()):  # rounding must not make a constant map score
        assert math.isnan(cc(flat, some, weights=weights))
        assert math.isnan(cc(some, flat, weights=weights))
        assert math.isnan(nss(flat, some, weights=weights))
    assert math.isnan(information_gain(empty, flat, some))
    assert auc(flat, some, some) == pytest.approx(0.5)
    assert math.isnan(nss(some, empty))
    assert math.isnan(auc(some, empty, flat))
    assert math.isnan(information_gain(some, flat, empty))


def test_shapes_must_agree():
    with pytest.raises(ShapeError):
        cc(np.ones((4, 8)), np.ones((8, 4)))
    with pytest.raises(ShapeError):
        auc(np.ones((4, 8)), np.ones((4, 8)), np.ones((4, 1)))

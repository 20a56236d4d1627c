"""Known faults of the field: each changes the score, and the metrics here do not have it."""

import math

import numpy as np
import pytest
from scipy.stats import pearsonr

from atsal.evaluation import metrics as m
from atsal.gaze.maps import fixation_map, saliency_map
from atsal.gaze.records import Fixations
from atsal.projection import solid_angle_weights
from evaluation import oracles as o

HEIGHT, SIGMA = 40, 9.35
SPHERE = solid_angle_weights(HEIGHT).numpy()
SHAPE = (HEIGHT, 2 * HEIGHT)


def gaze(seed, count=60, centre=0.6):
    """Fixations near the equator, most of them around one longitude (radians)."""
    rng = np.random.default_rng(seed)
    lon = np.where(rng.random(count) < 0.7, rng.normal(centre, 0.3, count), rng.uniform(-np.pi, np.pi, count))
    lat = rng.normal(0.15, 0.25, count).clip(-1.5, 1.5)
    return Fixations(np.full(count, "a"), (lon + np.pi) % (2 * np.pi) - np.pi, lat)


TRUTH, OTHERS = gaze(0), gaze(1)  # two groups of viewers: one predicts the other
TARGET, PREDICTION = (saliency_map(points, HEIGHT, SIGMA).astype(np.float64) for points in (TRUTH, OTHERS))
FIXATIONS = fixation_map(TRUTH, HEIGHT)
LATITUDES = np.pi / 2 - (np.arange(HEIGHT) + 0.5) / HEIGHT * np.pi


def test_weights_of_sine_from_0_to_pi_do_not_see_the_poles():
    faulty = np.sin(np.linspace(0, np.pi, HEIGHT)).clip(min=0)[:, None]
    wrong = TARGET.copy()
    wrong[[0, -1]] = 1000
    assert faulty[[0, -1]].max() < 1e-15
    assert m.cc(TARGET, wrong, weights=faulty) == pytest.approx(1)
    assert m.cc(TARGET, wrong, weights=SPHERE) < 0.1
    # the sphere's weights are the integrals of the cosine over each row
    edges = np.sin(np.linspace(np.pi / 2, -np.pi / 2, HEIGHT + 1))
    assert SPHERE.ravel() / SPHERE.sum() == pytest.approx((edges[:-1] - edges[1:]) / 2)


def test_maps_times_weights_correlate_by_their_weights():
    rng = np.random.default_rng(2)
    first, second = 1 + 0.1 * rng.random((2, *SHAPE))  # nothing in common
    assert pearsonr((first * SPHERE).ravel(), (second * SPHERE).ravel())[0] > 0.95
    assert abs(m.cc(first, second, weights=SPHERE)) < 0.05
    assert m.cc(first, second, weights=SPHERE) == pytest.approx(o.cc_by_formula(first, second, SPHERE))


def test_pixels_are_not_equal_on_the_sphere():
    # a band around the equator beats pixels drawn evenly from the picture, of which too many are polar
    band = np.cos(LATITUDES)[:, None] * np.ones(2 * HEIGHT)
    flat, sphere = m.auc_judd(band, FIXATIONS), m.auc_judd(band, FIXATIONS, weights=SPHERE)
    assert flat - sphere > 0.05
    # fixations drawn evenly from the sphere are at chance, and only by its weights
    rng = np.random.default_rng(3)
    even = Fixations(np.full(20_000, "a"), rng.uniform(-np.pi, np.pi, 20_000), np.arcsin(rng.uniform(-1, 1, 20_000)))
    counts = fixation_map(even, HEIGHT)
    assert m.auc_borji(band, counts, weights=SPHERE, splits=1) == pytest.approx(0.5, abs=0.01)
    assert m.nss(band, counts, weights=SPHERE) == pytest.approx(0, abs=0.03)
    assert m.auc_borji(band, counts, splits=1) > 0.6
    assert m.nss(band, counts) > 0.4


def test_kld_is_not_its_reverse():
    narrow, wide = (saliency_map(TRUTH, HEIGHT, sigma).astype(np.float64) for sigma in (5.0, 20.0))
    forth, back = (o.kld_by_formula(*pair, SPHERE) for pair in ((narrow, wide), (wide, narrow)))
    assert back > 2 * forth
    assert m.kld(narrow, wide, weights=SPHERE) == pytest.approx(forth)
    assert m.kld_symmetric(narrow, wide, weights=SPHERE) == pytest.approx((forth + back) / 2)


def test_maps_cut_to_8_bits_make_kld_a_count_of_zeros():
    cut = np.floor(PREDICTION / PREDICTION.max() * 255)
    # the target's mass on zeros costs some 30 nats
    lost = o.probability(TARGET, SPHERE)[(cut == 0).ravel()].sum()
    assert lost > 0.005
    whole, coarse = (m.kld(TARGET, p, weights=SPHERE) for p in (PREDICTION, cut))
    assert coarse - whole > 20 * lost
    assert m.cc(TARGET, cut, weights=SPHERE) == pytest.approx(m.cc(TARGET, PREDICTION, weights=SPHERE), abs=0.01)
    # in both directions the zeros of the target count as well
    cut_target = np.floor(TARGET / TARGET.max() * 255)
    reverse = m.kld_symmetric(cut_target, PREDICTION, weights=SPHERE)
    assert reverse > 1.5 * m.kld(cut_target, PREDICTION, weights=SPHERE)


def test_the_lowest_value_subtracted_is_a_zero_too():
    floored = PREDICTION + 0.1 * PREDICTION.max()
    stretched = (floored - floored.min()) / (floored.max() - floored.min())
    assert m.kld(TARGET, stretched, weights=SPHERE) != pytest.approx(m.kld(TARGET, floored, weights=SPHERE), abs=0.05)
    assert m.sim(TARGET, stretched, weights=SPHERE) - m.sim(TARGET, floored, weights=SPHERE) > 0.05
    for name in ("cc", "nss", "auc_judd"):  # these do not see it
        given = (TARGET,) if name == "cc" else ()
        after = () if name == "cc" else (FIXATIONS,)
        found, expected = (getattr(m, name)(*given, p, *after, weights=SPHERE) for p in (stretched, floored))
        assert found == pytest.approx(expected)


@pytest.mark.parametrize("name", ["nss", "auc_judd"])
def test_a_thresholded_saliency_map_is_no_fixation_map(name):
    thresholded = np.greater(TARGET, TARGET.max() / 2)
    metric = getattr(m, name)
    right, wrong = (metric(PREDICTION, counts, weights=SPHERE) for counts in (FIXATIONS, thresholded))
    assert wrong - right > (0.5 if name == "nss" else 0.05)


def test_fixations_counted_once_a_pixel_lose_the_crowd():
    coarse = fixation_map(TRUTH, 10)
    prediction, weights = saliency_map(OTHERS, 10, SIGMA), solid_angle_weights(10)
    assert coarse.max() > 3
    once, all_ = (m.nss(prediction, counts, weights=weights) for counts in (coarse > 0, coarse))
    assert all_ - once > 0.3
    assert all_ == pytest.approx(o.nss_by_formula(prediction, coarse, weights.numpy()))


@pytest.mark.parametrize("axis", [0, 1], ids=["upside down", "mirrored"])
def test_fixations_on_the_other_side_are_chance(axis):
    turned = np.flip(FIXATIONS, axis)
    peak = saliency_map(gaze(0, 1), HEIGHT, SIGMA)
    alone = fixation_map(gaze(0, 1), HEIGHT)
    assert m.nss(peak, alone, weights=SPHERE) > 5
    assert m.auc_judd(peak, alone, weights=SPHERE) == pytest.approx(1)
    for name in ("nss", "auc_judd"):
        right, wrong = (getattr(m, name)(TARGET, counts, weights=SPHERE) for counts in (FIXATIONS, turned))
        assert right - wrong > (0.5 if name == "nss" else 0.03)
    gains = [m.information_gain(TARGET, np.ones(SHAPE), counts, weights=SPHERE) for counts in (FIXATIONS, turned)]
    assert gains[0] - gains[1] > 0.5


def test_an_average_with_the_targets_own_score_flatters():
    for name in ("nss", "auc_judd"):
        own, found = (getattr(m, name)(saliency, FIXATIONS, weights=SPHERE) for saliency in (TARGET, PREDICTION))
        assert (own + found) / 2 - found > (0.2 if name == "nss" else 0.01)
    assert m.nss(PREDICTION, FIXATIONS, weights=SPHERE) == pytest.approx(
        o.nss_by_formula(PREDICTION, FIXATIONS, SPHERE)
    )


@pytest.mark.parametrize(("tie", "name"), [(1, ">="), (0, ">")])
def test_ties_counted_fully_or_not_at_all(tie, name):
    # a prediction of two levels, as a mask of objects is
    mask = np.greater(PREDICTION, np.median(PREDICTION)).astype(float)
    sides = o.judd_sides(mask, FIXATIONS, SPHERE)
    right = m.auc_judd(mask, FIXATIONS, weights=SPHERE)
    assert abs(o.auc_by_pairs(*sides, tie=tie) - right) > 0.1, name
    assert right == pytest.approx(o.auc_by_pairs(*sides))
    flat = np.ones(SHAPE)
    assert o.auc_by_pairs(*o.judd_sides(flat, FIXATIONS), tie=tie) == pytest.approx(tie)
    assert m.auc_judd(flat, FIXATIONS) == pytest.approx(0.5)


def test_windows_without_gaze_are_not_zero():
    windows = np.stack([FIXATIONS, np.zeros(SHAPE)])
    found = m.nss(PREDICTION, windows, weights=SPHERE)
    assert math.isnan(found[1])  # 0 in its place would halve the mean
    assert math.isnan(found.mean())  # and none is left out unseen
    assert np.nanmean(found) == pytest.approx(m.nss(PREDICTION, FIXATIONS, weights=SPHERE))


def test_own_fixations_among_the_negatives_pull_to_chance():
    own, others = FIXATIONS, fixation_map(gaze(5, centre=-2.0), HEIGHT)
    right, wrong = (m.auc_shuffled(PREDICTION, own, negatives, weights=SPHERE) for negatives in (others, others + own))
    assert right > 0.6
    assert right - wrong > 0.05


def test_a_prior_scores_by_auc_judd_and_not_by_what_removes_it():
    band = np.exp(-0.5 * (LATITUDES / 0.3) ** 2)[:, None] * np.ones(2 * HEIGHT)
    others = fixation_map(gaze(6, 4000, centre=-2.0), HEIGHT)
    assert m.auc_judd(band, FIXATIONS, weights=SPHERE) > 0.75
    assert m.auc_shuffled(band, FIXATIONS, others, weights=SPHERE) == pytest.approx(0.5, abs=0.1)
    assert m.information_gain(band, 2 * band, FIXATIONS, weights=SPHERE) == pytest.approx(0, abs=1e-9)


def test_a_map_one_pixel_off_scores_less():
    # a corner-aligned grid is half a pixel off, a rounded fixation up to one
    peak, alone = saliency_map(gaze(0, 1), HEIGHT, 5.0), fixation_map(gaze(0, 1), HEIGHT)
    for axis in (0, 1):
        shifts = [m.nss(np.roll(peak, step, axis), alone, weights=SPHERE) for step in (-1, 1)]
        assert max(shifts) < m.nss(peak, alone, weights=SPHERE)


def test_sigma_decides_the_score():
    scores = [
        m.cc(*(saliency_map(points, HEIGHT, sigma) for points in (TRUTH, OTHERS)), weights=SPHERE)
        for sigma in (5.0, 9.35, 20.0)
    ]
    assert scores[1] - scores[0] > 0.1
    assert scores[2] - scores[1] > 0.05

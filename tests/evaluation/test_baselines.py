"""Baselines and the viewers' ceiling: nothing that is used on an item has seen it."""

import dataclasses
import re

import numpy as np
import pytest

from atsal.errors import DataError
from atsal.evaluation.baselines import BASELINE_NAMES, BASELINES
from atsal.evaluation.ground_truth import GroundTruth
from atsal.evaluation.metrics import auc_judd, cc
from atsal.evaluation.priors import FLOOR, OtherItems, PooledGaze
from atsal.evaluation.scoring import TOO_FEW_VIEWERS, score_item, score_viewers
from atsal.evaluation.spectral_residual import spectral_residual, spectral_residual_erp
from atsal.gaze.records import Fixations
from atsal.projection import solid_angle_weights
from evaluation.conftest import ROWS, protocol

SIZE = (ROWS, 2 * ROWS)


def test_priors_are_densities_that_leave_the_item_out(truth, pooled):
    weights = solid_angle_weights(ROWS).numpy()
    for item in truth.items:
        own = [other for other in truth.items if other != item]
        densities = []
        for other in own:
            saliency = truth.saliency_map(truth.gaze(other), SIZE)
            densities.append(saliency / np.average(saliency.mean(1), weights=weights[:, 0]))
        mean = np.mean(densities, 0)
        np.testing.assert_allclose(
            BASELINES["mean-of-others"].make_maps(truth, pooled, item), (1 - FLOOR) * mean + FLOOR, atol=1e-6
        )
        prior = BASELINES["equator-prior"].make_maps(truth, pooled, item)
        np.testing.assert_allclose(prior, np.tile(prior[:, :1], (1, 2 * ROWS)))
        np.testing.assert_allclose(prior[:, 0], (1 - FLOOR) * mean.mean(1) + FLOOR, atol=1e-6)
        counts = OtherItems(truth, pooled, item).fixation_map()
        np.testing.assert_array_equal(counts, sum(truth.fixation_map(truth.gaze(other), SIZE) for other in own))


def test_a_fit_part_is_used_instead_of_the_scored_items(truth, pooled):
    fitted = GroundTruth(truth.prepared, truth.protocol)
    fitted.items, fitted.fit_items = truth.items[:2], truth.items[2:]
    prior = OtherItems(fitted, PooledGaze.of(fitted), fitted.items[0]).equator_prior()
    same = OtherItems(fitted, PooledGaze.of(fitted), fitted.items[1]).equator_prior()
    np.testing.assert_array_equal(prior, same)
    assert not np.allclose(prior, OtherItems(truth, pooled, fitted.items[0]).equator_prior())


def test_the_centre_is_as_wide_as_the_gaze(truth, pooled):
    centre = BASELINES["centre"].make_maps(truth, pooled, "image_1")
    assert np.unravel_index(centre.argmax(), SIZE) in [(r, c) for r in (15, 16) for c in (31, 32)]
    others = [truth.gaze(item) for item in truth.items if item != "image_1"]
    angle = [np.arccos(np.cos(g.lat_rad) * np.cos(g.lon_rad)) for g in others]
    variance = np.mean([(a**2).mean() for a in angle]) / 2
    row, column = 10, 40
    lat, lon = (0.5 - (row + 0.5) / ROWS) * np.pi, ((column + 0.5) / (2 * ROWS) - 0.5) * 2 * np.pi
    expected = np.exp(-(np.arccos(np.cos(lat) * np.cos(lon)) ** 2) / (2 * variance))
    assert centre[row, column] == pytest.approx(expected)


def test_photos_have_the_same_baselines_at_their_own_size(photo_set):
    truth = GroundTruth(photo_set, protocol("flat-photos"))
    pooled = PooledGaze.of(truth)
    for item in truth.items:
        for name in ("uniform", "centre", "equator-prior", "mean-of-others"):
            assert BASELINES[name].make_maps(truth, pooled, item).shape == (96, 128)
        assert OtherItems(truth, pooled, item).fixation_map().sum() == sum(
            len(truth.gaze(other)) for other in truth.items if other != item
        )
        found = spectral_residual(photo_set.picture(item))
        assert found.shape == (64, 85)
        assert np.isfinite(found).all()
        assert found.min() >= 0


def test_the_spectral_residual_finds_what_stands_out(truth, pooled):
    image = np.full((96, 128, 3), 90, np.uint8) + np.random.default_rng(0).integers(0, 9, (96, 128, 3), np.uint8)
    image[40:50, 90:100] = 250
    found = spectral_residual(image)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert abs(row / 64 * 96 - 45) < 8
    assert abs(column / 64 * 96 - 95) < 8
    erp = np.full((128, 256, 3), 90, np.uint8) + np.random.default_rng(0).integers(0, 9, (128, 256, 3), np.uint8)
    erp[60:70, 250:] = erp[60:70, :4] = 250  # across the border
    spot = spectral_residual_erp(erp, ROWS)
    around = np.roll(spot, 4, 1)[14:18, :8]
    assert around.mean() > 2.5 * np.median(spot)
    np.testing.assert_allclose(  # a turn by one face
        spectral_residual_erp(np.roll(erp, 64, 1), ROWS), np.roll(spot, ROWS // 2, 1), atol=0.02 * spot.max()
    )
    assert (spectral_residual_erp(np.zeros((128, 256, 3), np.uint8), ROWS) == 1).all(), "a black frame"
    assert BASELINES["spectral-residual"].make_maps(truth, pooled, "video_2").shape == (5, *SIZE)
    assert BASELINES["spectral-residual"].make_maps(truth, pooled, "image_1").shape == SIZE


def test_viewers_who_agree_predict_each_other(truth, pooled):
    """All look at one moving object: a half predicts the other better than the prior does, the more alike they look."""
    others = OtherItems(truth, pooled, "video_2")
    found = score_viewers(truth, "video_2", others, repeats=4, seed=0)
    assert len(found.first_frames) == 5
    assert found.scores["cc"] > 0.9
    assert found.scores["auc_shuffled"] > 0.8
    assert found.scores["information_gain"] > 2
    again = score_viewers(truth, "video_2", others, repeats=4, seed=0)
    assert again == found, "the same seed gives the same halves"
    assert score_viewers(truth, "video_2", others, repeats=4, seed=1) != found


class OneViewer(GroundTruth):
    """Gaze of one viewer, or of others in the first window only."""

    def gaze(self, item, window=None):
        gaze = super().gaze(item, window)
        late = window is not None and window.first_frame > 0
        return gaze.select(gaze.observer == gaze.observers[0]) if late or self.alone else gaze


def test_a_viewer_alone_predicts_nobody(truth, pooled):
    others = OtherItems(truth, pooled, "video_2")
    lone = OneViewer(truth.prepared, truth.protocol)
    lone.alone = True
    with pytest.raises(DataError, match="gaze of 1 viewer"):
        score_viewers(lone, "video_2", others, 2, 0)
    lone.alone = False
    found = score_viewers(lone, "video_2", others, 2, 0)
    assert found.skipped == {TOO_FEW_VIEWERS: 4}
    assert len(found.first_frames) == 1


def test_windows_without_gaze_or_map_are_counted_not_scored(truth, pooled):
    class Empty(GroundTruth):
        def gaze(self, item, window=None):
            empty = window is not None and window.first_frame == 4
            return Fixations.empty() if empty else super().gaze(item, window)

    gone = Empty(truth.prepared, truth.protocol)
    maps = [(number, np.random.default_rng(number).random(SIZE)) for number in range(4)]
    found = score_item(gone, "video_2", OtherItems(truth, pooled, "video_2"), maps)
    assert found.first_frames == (0, 2, 6)
    assert found.skipped == {"no fixation in the window": 1, "no map of the window": 1}
    assert all(len(values) == 3 for values in found.by_window.values())


def test_undefined_scores_are_none_and_counted(truth, pooled):
    maps = [(0, np.ones(SIZE)), (1, np.zeros(SIZE)), (2, np.random.default_rng(0).random(SIZE))]
    found = score_item(truth, "video_2", OtherItems(truth, pooled, "video_2"), maps)
    assert found.by_window["cc"][:2] == (None, None)
    assert found.by_window["sim"][1] is None
    assert found.by_window["auc_judd"][:2] == pytest.approx((0.5, 0.5))
    assert found.undefined == {"cc": 2, "nss": 2, "sim": 1, "kld": 1, "kld_symmetric": 1, "information_gain": 1}
    assert found.scores["cc"] == found.by_window["cc"][2]


def test_a_mirrored_map_scores_as_it_should(truth, pooled):
    """The measured map itself, and the same mirrored left to right: a mirrored reading of gaze would exchange them."""
    gaze = truth.gaze("image_1")
    right = truth.saliency_map(gaze, SIZE).astype(float)
    assert cc(right, right[:, ::-1].copy(), weights=truth.weights()) < 0.5
    others = OtherItems(truth, pooled, "image_1")
    (good,) = [score_item(truth, "image_1", others, [(0, right)])]
    (bad,) = [score_item(truth, "image_1", others, [(0, right[:, ::-1].copy())])]
    assert good.scores["cc"] == pytest.approx(1)
    assert good.scores["nss"] > 3 > bad.scores["nss"]
    assert good.scores["auc_judd"] == pytest.approx(
        auc_judd(right, truth.fixation_map(gaze, SIZE), weights=truth.weights())
    )


def test_latitudes_tell_where_maps_and_gaze_lie(truth, pooled):
    density = np.zeros(SIZE)
    density[0] = 1  # the northernmost row, 5.6° of latitude
    found = score_item(truth, "image_1", OtherItems(truth, pooled, "image_1"), [(0, density)])
    assert sum(found.predicted_latitudes) == pytest.approx(1)
    assert sum(found.predicted_latitudes[:2]) == pytest.approx(1)
    lat = np.degrees(truth.gaze("image_1").lat_rad)
    band = np.floor((90 - lat) / 5).astype(int)
    assert found.measured_latitudes == pytest.approx(tuple(np.bincount(band, minlength=36) / len(lat)))
    even = score_item(truth, "image_1", OtherItems(truth, pooled, "image_1"), [(0, np.ones(SIZE))])
    steps = np.diff(np.sin(np.radians(np.arange(-90, 91, 5)))) / 2
    assert even.predicted_latitudes == pytest.approx(tuple(steps), abs=0.006), "the sphere's area"


def test_a_set_of_one_item_has_no_prior_and_says_so(truth):
    alone = GroundTruth(truth.prepared, dataclasses.replace(truth.protocol))
    alone.items = ("image_1",)
    found = score_item(
        alone, "image_1", OtherItems(alone, PooledGaze.of(alone), "image_1"), [(0, np.random.rand(*SIZE))]
    )
    assert found.undefined == {"auc_shuffled": 1, "information_gain": 1}
    assert found.scores["cc"] is not None


def test_the_documentation_lists_every_baseline(pytestconfig):
    text = (pytestconfig.rootpath / "docs" / "benchmark.md").read_text(encoding="utf-8")
    table = text.split("| baseline | what it is |")[1].split("\n\n")[0]
    assert tuple(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == BASELINE_NAMES

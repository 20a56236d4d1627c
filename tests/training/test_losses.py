import numpy as np
import pytest
import torch
from scipy.stats import entropy, pearsonr

from atsal.projection import solid_angle_weights
from atsal.training.losses import kld_cc

RNG = np.random.default_rng(0)


def test_against_scipy():
    prediction, target = RNG.random((2, 8, 16)) + 0.01, RNG.random((2, 8, 16))
    expected = [
        entropy(t.ravel(), p.ravel()) - pearsonr(t.ravel(), p.ravel())[0]
        for p, t in zip(prediction, target, strict=True)
    ]
    found = kld_cc(torch.from_numpy(prediction), torch.from_numpy(target))
    assert found.item() == pytest.approx(np.mean(expected), abs=1e-4)


def test_weights_make_the_sphere_count():
    """A row twice as heavy is the same as that row twice."""
    prediction, target = torch.rand(1, 2, 4, dtype=torch.float64), torch.rand(1, 2, 4, dtype=torch.float64)
    twice = [torch.cat([m, m[:, 1:]], 1) for m in (prediction, target)]
    weights = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    assert kld_cc(prediction, target, weights).item() == pytest.approx(kld_cc(*twice).item(), abs=1e-9)


def test_scale_of_the_maps_does_not_matter_and_truth_is_best():
    weights = solid_angle_weights(8).float()
    target = torch.rand(3, 1, 8, 16)
    best = kld_cc(target, target, weights)
    assert best.item() == pytest.approx(-1, abs=1e-3)
    assert kld_cc(0.1 * target, 5 * target, weights).item() == pytest.approx(best.item(), abs=1e-3)
    assert kld_cc(torch.rand(3, 1, 8, 16), target, weights) > best


def test_an_empty_target_counts_as_nothing():
    prediction, target = torch.rand(2, 8, 16), torch.rand(2, 8, 16)
    target[1] = 0
    assert torch.equal(kld_cc(prediction, target), kld_cc(prediction[:1], target[:1]))
    assert kld_cc(prediction, torch.zeros(2, 8, 16)).item() == 0

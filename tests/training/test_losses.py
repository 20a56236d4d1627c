import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy, pearsonr

from atsal.projection import solid_angle_weights
from atsal.training.losses import LOSSES, Comparison, kld_cc, kld_cc_nss
from atsal.training.published_losses import attention_loss

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


def test_an_empty_target_has_no_loss():
    prediction, target = torch.rand(2, 8, 16), torch.rand(2, 8, 16)
    target[1] = 0
    assert torch.equal(2 * kld_cc(prediction, target), kld_cc(prediction[:1], target[:1]))
    assert kld_cc(prediction, torch.zeros(2, 8, 16)).item() == 0


def made_up(views=1, items=3, mask=None):
    """Made-up maps of 8 x 16."""
    made = torch.Generator().manual_seed(views)
    saliency, target = (torch.rand(items, views, 1, 8, 16, generator=made) * 0.9 + 0.05 for _ in range(2))
    fixations = torch.randint(3, (items, views, 1, 8, 16), generator=made).float()
    return Comparison(saliency, target, fixations, torch.ones(1, 1, 1, 1, 1), mask)


def test_nss_by_hand():
    """Mean 1.5 and deviation sqrt(1.25) of 0, 1, 2, 3: two fixations on the 3, one on the 1."""
    prediction = torch.tensor([[[0.0, 1.0], [2.0, 3.0]]])
    target, counts = torch.rand(1, 2, 2), torch.tensor([[[0.0, 1.0], [0.0, 2.0]]])
    nss = (2 * 1.5 - 0.5) / 3 / math.sqrt(1.25)
    found = kld_cc_nss(prediction, target, counts)
    assert found.item() == pytest.approx(kld_cc(prediction, target).item() - 0.1 * nss, abs=1e-5)
    assert kld_cc_nss(7 * prediction, target, counts).item() == pytest.approx(found.item(), abs=1e-5)


def test_nss_under_weights_by_hand():
    """A row of weight 3: mean (0 + 1 + 3 (2 + 3)) / 8 = 2, variance (4 + 1 + 3 (0 + 1)) / 8 = 1."""
    prediction = torch.tensor([[[0.0, 1.0], [2.0, 3.0]]])
    target, counts = torch.rand(1, 2, 2), torch.tensor([[[1.0, 0.0], [0.0, 4.0]]])
    weights = torch.tensor([[1.0], [3.0]])
    nss = (-2 + 4 * 1) / 5
    expected = kld_cc(prediction, target, weights).item() - 0.1 * nss
    assert kld_cc_nss(prediction, target, counts, weights).item() == pytest.approx(expected, abs=1e-5)


def test_items_without_fixations_have_no_nss():
    prediction, target, counts = torch.rand(2, 8, 16), torch.rand(2, 8, 16), torch.randint(3, (2, 8, 16)).float()
    counts[1] = 0
    found = kld_cc_nss(prediction, target, counts)
    alone = kld_cc_nss(prediction[:1], target[:1], counts[:1]) + kld_cc(prediction[1:], target[1:])
    assert found.item() == pytest.approx(alone.item() / 2, abs=1e-5)
    target[1], counts[1] = 0, counts[0]
    assert 2 * kld_cc_nss(prediction, target, counts).item() == pytest.approx(
        kld_cc_nss(prediction[:1], target[:1], counts[:1]).item(), abs=1e-6
    )


def test_looking_where_the_map_is_high_lowers_the_loss():
    prediction, target = torch.rand(1, 8, 16), torch.rand(1, 8, 16)
    high, low = ((prediction == prediction.flatten().kthvalue(k).values).float() for k in (128, 1))
    assert kld_cc_nss(prediction, target, high) < kld_cc(prediction, target) < kld_cc_nss(prediction, target, low)


def test_a_constant_map_has_finite_losses_and_gradients():
    for name in ("kld-cc", "kld-cc-nss"):
        given = made_up(2)
        flat = torch.full_like(given.saliency, 0.3).requires_grad_()
        loss = LOSSES[name].function(Comparison(flat, given.target, given.fixations, given.weights))
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(flat.grad).all()


@pytest.mark.parametrize("views", [1, 4])
@pytest.mark.parametrize("name", ["bce", "kld-cc", "kld-cc-nss"])
def test_a_loss_is_the_mean_over_the_items_whose_views_are_one_map(name, views):
    given, loss = made_up(views), LOSSES[name].function
    alone = [loss(given.select(torch.tensor([k]))).item() for k in range(3)]
    assert loss(given).item() == pytest.approx(sum(alone) / 3, abs=1e-5)
    beside = Comparison(
        *(torch.cat(list(m.unbind(1)), -1)[:, None] for m in (given.saliency, given.target, given.fixations)),
        given.weights,
    )
    assert loss(beside).item() == pytest.approx(loss(given).item(), abs=1e-5)


@pytest.mark.parametrize("name", ["kld-cc", "kld-cc-nss"])
def test_losses_look_at_the_weights(name):
    """Of the views, too."""
    given = made_up(2)
    weights = torch.tensor([1.0, 0.0])[None, :, None, None, None]
    first = Comparison(*(m[:, :1] for m in (given.saliency, given.target, given.fixations)), torch.ones(1, 1, 1, 1, 1))
    fixations = given.fixations * weights
    found = LOSSES[name].function(Comparison(given.saliency, given.target, fixations, weights))
    assert found.item() == pytest.approx(LOSSES[name].function(first).item(), abs=1e-4)


def test_bce_is_torchs():
    given = made_up(4)
    found = LOSSES["bce"].function(given)
    assert found.item() == pytest.approx(torch.nn.functional.binary_cross_entropy(given.saliency, given.target).item())
    beyond = Comparison(given.saliency, given.target + 1e-6 + (given.target > 0.5), given.fixations, given.weights)
    assert torch.isfinite(LOSSES["bce"].function(beyond)), "interpolated targets may lie a little outside"


def test_the_published_loss_is_that_of_map_and_mask():
    given = made_up(mask=torch.rand(3, 1, 2, 4))
    found = LOSSES["published-attention"].function(given)
    assert found.item() == pytest.approx(attention_loss(given.saliency[:, 0], given.mask, given.target[:, 0]).item())
    with pytest.raises(TypeError, match="needs the mask"):
        LOSSES["published-attention"].function(made_up())
    assert [name for name, loss in LOSSES.items() if loss.needs_mask] == ["published-attention"]


def test_some_items_are_selected_with_all_that_belongs_to_them():
    given = made_up(2, mask=torch.rand(3, 1, 2, 4))
    for chosen in (torch.tensor([True, False, True]), torch.tensor([0, 2])):
        found = given.select(chosen)
        for name in ("saliency", "target", "fixations", "mask"):
            assert torch.equal(getattr(found, name), getattr(given, name)[[0, 2]]), name
        assert found.weights is given.weights
    assert made_up().select(torch.tensor([1])).mask is None

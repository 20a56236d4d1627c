import math
from pathlib import Path

import numpy as np
import pytest
import torch

from atsal.errors import ShapeError
from atsal.training.published_losses import attention_loss, bce_loss, kld_loss, nss_loss

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "parity" / "published_outputs.npz"


def maps(seed, *shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_recorded_losses():
    if not RECORDED.is_file():
        pytest.skip("the full recorded outputs are not beside the repository (shared/parity/published_outputs.npz)")
    with np.load(RECORDED) as arrays:
        recorded = {name: arrays[name] for name in arrays.files}
    saliency, mask, target = (
        torch.from_numpy(recorded[name])[None, None] for name in ("attention_saliency", "attention_mask", "target")
    )
    found = {
        "attention_loss": attention_loss(saliency, mask, target),
        "kld_loss": kld_loss(saliency, target),
        "nss_loss": nss_loss(saliency, target),
        "bce_loss": bce_loss(saliency, target),
    }
    for name, value in found.items():
        assert value.item() == pytest.approx(float(recorded[name]), abs=1e-5), name


def test_kld_by_hand():
    target = torch.tensor([[0.0, 0.5], [0.5, 0.0]])
    uniform = torch.full((2, 2), 0.3)
    assert kld_loss(uniform, target).item() == pytest.approx(math.log(2))
    assert kld_loss(target, target).item() == pytest.approx(0, abs=1e-7)
    # the other direction puts the prediction's mass on exact zeros: two quarters, log(1/4 / eps) each, against eps
    assert kld_loss(target, uniform).item() == pytest.approx(
        0.5 * math.log(0.25 / 2.2204e-16) - 0.5 * math.log(2), 1e-4
    )


def test_nss_by_hand():
    target = torch.tensor([[0.0, 0.1], [0.11, 0.9]])  # 0.1 itself is not a fixation
    saliency = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    assert nss_loss(saliency, target).item() == pytest.approx(1 / math.sqrt(5 / 3))  # mean 1.5, unbiased variance 5/3


def test_bce_by_hand():
    assert bce_loss(torch.full((2, 2), 0.25), torch.eye(2)).item() == pytest.approx(
        -(math.log(0.25) + math.log(0.75)) / 2
    )


def test_attention_loss_is_the_weighted_sum():
    saliency, mask, target = maps(0, 1, 1, 32, 64), maps(1, 1, 1, 2, 4), maps(2, 1, 1, 32, 64)
    pooled = target.reshape(1, 1, 2, 16, 4, 16).amax(dim=(3, 5))
    expected = 0.8 * kld_loss(saliency, target) + 0.1 * kld_loss(mask, pooled)
    expected += 0.1 * (nss_loss(target, target) - nss_loss(saliency, target))
    assert attention_loss(saliency, mask, target).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("ratio", [4, 8, 32])
def test_a_mask_of_another_ratio_meets_the_target_pooled_to_it(ratio):
    saliency, target = maps(0, 2, 1, 32, 64), maps(2, 2, 1, 32, 64)
    mask = maps(1, 2, 1, 32 // ratio, 64 // ratio)
    pooled = target.reshape(2, 1, 32 // ratio, ratio, 64 // ratio, ratio).amax(dim=(3, 5))
    without = attention_loss(saliency, pooled, target).item()
    assert attention_loss(saliency, mask, target).item() - without == pytest.approx(
        0.1 * kld_loss(mask, pooled).item(), abs=1e-5
    )
    assert without == pytest.approx(
        0.8 * kld_loss(saliency, target).item() + 0.1 * (nss_loss(target, target) - nss_loss(saliency, target)).item(),
        abs=1e-5,
    )


@pytest.mark.parametrize("loss", [kld_loss, nss_loss, bce_loss])
def test_a_batch_is_the_mean_of_its_maps(loss):
    saliency, target = maps(0, 3, 1, 16, 32), maps(1, 3, 1, 16, 32)
    alone = [loss(saliency[i, 0], target[i, 0]).item() for i in range(3)]
    assert loss(saliency, target).item() == pytest.approx(sum(alone) / 3, rel=1e-5)


def test_other_shapes_are_refused():
    with pytest.raises(ShapeError, match="two equal shapes"):
        kld_loss(maps(0, 4, 4), maps(0, 4, 5))
    with pytest.raises(ShapeError, match="target of shape"):
        attention_loss(maps(0, 32, 32), maps(0, 2, 2), maps(0, 32, 32))


def test_gradients_are_finite_on_a_prediction_with_zeros():
    saliency = torch.tensor([[[[0.0, 1.0], [0.5, 0.0]]]], requires_grad=True)
    kld_loss(saliency, torch.tensor([[[[0.0, 1.0], [0.5, 0.5]]]])).backward()
    assert torch.isfinite(saliency.grad).all()

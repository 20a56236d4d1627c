"""The losses on saliency maps, by name. `published_losses` holds those of the published training.

A loss is the mean over the items of a batch. The views of one item, such as the faces of a cube, count as one map.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from atsal.training.published_losses import attention_loss, bce_loss

EPSILON = 1e-7
LossName = Literal["published-attention", "bce", "kld-cc", "kld-cc-nss"]
NSS_WEIGHT = 0.1  # in `kld_cc_nss`; the NSS is about ten times as large as the CC


@dataclass(frozen=True)
class Comparison:
    """Predictions beside their ground truth: maps (B, V, 1, h, w) >= 0 of B items in V views."""

    saliency: Tensor  # predicted
    target: Tensor  # the peak over the frame or photo is 1
    fixations: Tensor  # counts
    weights: Tensor  # broadcast to (1, V, 1, h, w): solid angles of the pixels
    mask: Tensor | None = None  # (B, 1, h', w') of the attention stream

    def select(self, items: Tensor) -> "Comparison":
        """Return only these items."""
        mask = None if self.mask is None else self.mask[items]
        return Comparison(self.saliency[items], self.target[items], self.fixations[items], self.weights, mask)


@dataclass(frozen=True)
class Loss:
    """A loss function, the mean over the items of a comparison."""

    function: Callable[[Comparison], Tensor]
    needs_mask: bool = False  # only the attention stream has a mask


def kld_cc(prediction: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return KLD(target || prediction) - CC, the mean over the batch.

    `prediction` and `target` are (B, ...) and >= 0. Each item is normalised to a density under `weights`, which are
    broadcast to an item (solid angles on the sphere). An item whose target is 0 everywhere has a loss of 0.
    """
    weight, p, q, valid = _densities(prediction, target, weights)
    kld = (weight * q * torch.log((q + EPSILON) / (p + EPSILON))).sum(1)
    p, q = p - (weight * p).sum(1, keepdim=True), q - (weight * q).sum(1, keepdim=True)
    spread = (weight * p * p).sum(1) * (weight * q * q).sum(1)
    cc = (weight * p * q).sum(1) / torch.sqrt(spread + EPSILON)
    return ((kld - cc) * valid).mean()


def kld_cc_nss(prediction: Tensor, target: Tensor, fixations: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return `kld_cc` - 0.1 NSS, where NSS is the mean of the standardised prediction over the fixations.

    `fixations` are counts, (B, ...) like the maps. For an item without fixations the NSS is 0.
    """
    weight, p, _, valid = _densities(prediction, target, weights)
    counts = fixations.flatten(1)
    centred = p - (weight * p).sum(1, keepdim=True)
    score = centred / torch.sqrt((weight * centred * centred).sum(1, keepdim=True) + EPSILON)
    number = counts.sum(1)
    nss = (score * counts).sum(1) / number.clamp(min=1)
    counted = valid * (number > 0)
    return kld_cc(prediction, target, weights) - NSS_WEIGHT * (nss * counted).mean()


def _densities(prediction: Tensor, target: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return weights (1, N) of sum 1, both maps (B, N) with mean 1 under them, and 1 for each item with a target."""
    weight = torch.ones_like(target[:1]) if weights is None else weights.expand_as(target[:1])
    weight = (weight / weight.sum()).flatten(1)
    p, q = prediction.flatten(1), target.flatten(1)
    total = (q * weight).sum(1, keepdim=True)
    valid = (total[:, 0] > EPSILON).to(p.dtype)
    p = p / ((p * weight).sum(1, keepdim=True) + EPSILON)
    return weight, p, q / (total + EPSILON), valid


def _published_attention(compared: Comparison) -> Tensor:
    if compared.mask is None:
        raise TypeError("the published loss needs the mask of an attention stream")
    return attention_loss(compared.saliency[:, 0], compared.mask, compared.target[:, 0])


LOSSES: dict[LossName, Loss] = {
    "published-attention": Loss(_published_attention, needs_mask=True),
    "bce": Loss(lambda c: bce_loss(c.saliency.flatten(0, 1), c.target.flatten(0, 1).clamp(0, 1))),
    "kld-cc": Loss(lambda c: kld_cc(c.saliency, c.target, c.weights)),
    "kld-cc-nss": Loss(lambda c: kld_cc_nss(c.saliency, c.target, c.fixations, c.weights)),
}

"""Losses on saliency maps by name; those of the release are in `published_losses`.

A loss is the mean over the items of a batch, so times their number it is the same however items are put together. The
maps of one item may come in several views, as the faces of a cube: they are judged as one map.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from atsal.training.published_losses import attention_loss, bce_loss

EPSILON = 1e-7
LossName = Literal["published-attention", "bce", "kld-cc", "kld-cc-nss"]
NSS_SHARE = 0.1  # of the NSS in `kld_cc_nss`, whose scale is about ten times that of the CC


@dataclass(frozen=True)
class Judged:
    """What a loss may look at: maps (B, V, 1, h, w) of V views, all >= 0, and of attention streams the mask."""

    saliency: Tensor
    target: Tensor  # its peak over the whole frame or photo is 1
    fixations: Tensor  # counts
    weights: Tensor  # (1, V, 1, h, w) or less: what a pixel counts for, its solid angle
    mask: Tensor | None = None  # (B, 1, h', w')

    def select(self, items: Tensor) -> "Judged":
        """Only these items."""
        mask = None if self.mask is None else self.mask[items]
        return Judged(self.saliency[items], self.target[items], self.fixations[items], self.weights, mask)


@dataclass(frozen=True)
class Loss:
    """A function of what is judged, the mean over its items; those that `needs_mask` are of attention streams alone."""

    of: Callable[[Judged], Tensor]
    needs_mask: bool = False


def kld_cc(prediction: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """KLD(target || prediction) - CC, the mean over the batch.

    `prediction` and `target` are (B, ...) and >= 0; each item is normalised to a density under `weights`
    (broadcast to an item; solid angle on the sphere). Items whose target is zero everywhere have a loss of 0.
    """
    weight, p, q, valid = _densities(prediction, target, weights)
    kld = (weight * q * torch.log((q + EPSILON) / (p + EPSILON))).sum(1)
    p, q = p - (weight * p).sum(1, keepdim=True), q - (weight * q).sum(1, keepdim=True)
    spread = (weight * p * p).sum(1) * (weight * q * q).sum(1)
    cc = (weight * p * q).sum(1) / torch.sqrt(spread + EPSILON)
    return ((kld - cc) * valid).mean()


def kld_cc_nss(prediction: Tensor, target: Tensor, fixations: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return `kld_cc` - 0.1 NSS: also the mean, over the fixations, of the map in standard deviations.

    `fixations` are counts, (B, ...) like the maps. Items without any have no NSS.
    """
    weight, p, _, valid = _densities(prediction, target, weights)
    counts = fixations.flatten(1)
    centred = p - (weight * p).sum(1, keepdim=True)
    score = centred / torch.sqrt((weight * centred * centred).sum(1, keepdim=True) + EPSILON)
    number = counts.sum(1)
    nss = (score * counts).sum(1) / number.clamp(min=1)
    counted = valid * (number > 0)
    return kld_cc(prediction, target, weights) - NSS_SHARE * (nss * counted).mean()


def _densities(prediction: Tensor, target: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights (1, N) of sum 1, both maps (B, N) of mean 1 under them, and 1 for each item that has a target."""
    weight = torch.ones_like(target[:1]) if weights is None else weights.expand_as(target[:1])
    weight = (weight / weight.sum()).flatten(1)
    p, q = prediction.flatten(1), target.flatten(1)
    total = (q * weight).sum(1, keepdim=True)
    valid = (total[:, 0] > EPSILON).to(p.dtype)
    p = p / ((p * weight).sum(1, keepdim=True) + EPSILON)
    return weight, p, q / (total + EPSILON), valid


def _published_attention(judged: Judged) -> Tensor:
    if judged.mask is None:
        raise TypeError("the published loss needs the mask of an attention stream")
    return attention_loss(judged.saliency[:, 0], judged.mask, judged.target[:, 0])


LOSSES: dict[LossName, Loss] = {
    "published-attention": Loss(_published_attention, needs_mask=True),
    "bce": Loss(lambda j: bce_loss(j.saliency.flatten(0, 1), j.target.flatten(0, 1).clamp(0, 1))),
    "kld-cc": Loss(lambda j: kld_cc(j.saliency, j.target, j.weights)),
    "kld-cc-nss": Loss(lambda j: kld_cc_nss(j.saliency, j.target, j.fixations, j.weights)),
}

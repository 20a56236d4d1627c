"""Losses on saliency maps, pure functions; those of the release are in `published_losses`."""

import torch
from torch import Tensor

EPSILON = 1e-7


def kld_cc(prediction: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """KLD(target || prediction) - CC, the mean over the batch.

    `prediction` and `target` are (B, ...) and >= 0; each item is normalised to a density under `weights`
    (broadcast to an item; solid angle on the sphere). Items whose target is zero everywhere count as nothing.
    """
    weight = torch.ones_like(target[:1]) if weights is None else weights.expand_as(target[:1])
    weight = (weight / weight.sum()).flatten(1)
    p, q = prediction.flatten(1), target.flatten(1)
    total = (q * weight).sum(1, keepdim=True)
    valid = (total[:, 0] > EPSILON).to(p.dtype)
    p = p / ((p * weight).sum(1, keepdim=True) + EPSILON)
    q = q / (total + EPSILON)
    kld = (weight * q * torch.log((q + EPSILON) / (p + EPSILON))).sum(1)
    p, q = p - (weight * p).sum(1, keepdim=True), q - (weight * q).sum(1, keepdim=True)
    spread = (weight * p * p).sum(1) * (weight * q * q).sum(1)
    cc = (weight * p * q).sum(1) / torch.sqrt(spread + EPSILON)
    return ((kld - cc) * valid).sum() / valid.sum().clamp(min=1)

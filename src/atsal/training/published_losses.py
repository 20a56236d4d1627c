"""The losses of the published training, reproduced (Dahou et al., arXiv 2011.10600).

Maps are (B, 1, H, W) or (H, W) in [0, 1]. Sums, means and deviations are those of one map; the result is the mean over
the batch. The published numbers were recorded at a batch of one, so the mean over larger batches is our choice.
All functions are differentiable in `saliency` and raise `ShapeError` for maps of different shapes.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from atsal.errors import ShapeError

EPSILON = 2.2204e-16  # as in the MIT benchmark; 1e-8 and more would change the recorded numbers
FIXATION_THRESHOLD = 0.1  # the published losses take pixels above it as fixated


def kld_loss(saliency: Tensor, target: Tensor) -> Tensor:
    """Return `KL(target || saliency)` in nats, `sum(q log(eps + q / (p + eps)))` of both maps divided by their sums."""
    prediction, truth = _flat(saliency, target)
    p = prediction / prediction.sum(dim=1, keepdim=True)
    q = truth / truth.sum(dim=1, keepdim=True)
    return (q * torch.log(EPSILON + q / (p + EPSILON))).sum(dim=1).mean()


def nss_loss(saliency: Tensor, target: Tensor) -> Tensor:
    """Return the NSS of `saliency` on the pixels where `target` > 0.1; higher is better.

    The standard deviation is the unbiased one (N - 1). Fixations are pixels of a thresholded map, not gaze samples: use
    `atsal.evaluation` for scores. A target without such a pixel, or a constant map, gives NaN, as published.
    """
    prediction, truth = _flat(saliency, target)
    fixated = (truth > FIXATION_THRESHOLD).to(prediction.dtype)
    score = (prediction - prediction.mean(dim=1, keepdim=True)) / prediction.std(dim=1, keepdim=True)
    return ((score * fixated).sum(dim=1) / fixated.sum(dim=1)).mean()


def attention_loss(saliency: Tensor, mask: Tensor, target: Tensor) -> Tensor:
    """Return the attention stream's loss on saliency and target (B, 1, H, W) and mask (B, 1, H / n, W / n).

    `0.8 KLD(saliency) + 0.1 KLD(mask, maxpool_n(target)) + 0.1 (NSS(target) - NSS(saliency))`; n is 16 in the paper.
    """
    if target.ndim != 4:
        raise ShapeError(f"target of shape {tuple(target.shape)}: expected (B, 1, H, W)")
    distance = kld_loss(saliency, target)
    distance_mask = kld_loss(mask, F.max_pool2d(target, target.shape[-2] // mask.shape[-2]))
    gap = nss_loss(target, target) - nss_loss(saliency, target)
    return 0.8 * distance + 0.1 * distance_mask + 0.1 * gap


def bce_loss(saliency: Tensor, target: Tensor) -> Tensor:
    """Return the experts' loss: the binary cross-entropy in nats, the mean over the pixels."""
    prediction, truth = _flat(saliency, target)
    return F.binary_cross_entropy(prediction, truth)


def _flat(saliency: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return both maps as (B, H W)."""
    if saliency.shape != target.shape or saliency.ndim not in (2, 4):
        found = f"{tuple(saliency.shape)} and {tuple(target.shape)}"
        raise ShapeError(f"maps of shape {found}: expected two equal shapes, (B, 1, H, W) or (H, W)")
    batch = saliency.shape[0] if saliency.ndim == 4 else 1
    return saliency.reshape(batch, -1), target.reshape(batch, -1)

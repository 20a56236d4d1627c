"""Metrics of saliency maps, pure functions on numpy arrays.

Maps are (H, W), >= 0 and need not be normalised; fixations are counts on a map's pixels. `weights` is broadcast to
the map: `solid_angle_weights` on ERP maps, None on flat ones.
"""

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ShapeError

Map = NDArray[np.floating]
_EPSILON = 1e-12


def cc(target: Map, prediction: Map, *, weights: Map | None = None) -> float:
    """Pearson correlation of two maps, in [-1, 1]; NaN where one of them is constant."""
    target, prediction, weight = _aligned(target, prediction, weights)
    if _constant(target) or _constant(prediction):
        return float("nan")
    t, p = target - (weight * target).sum(), prediction - (weight * prediction).sum()
    spread = (weight * t * t).sum() * (weight * p * p).sum()
    return float((weight * t * p).sum() / np.sqrt(spread))


def nss(prediction: Map, fixations: Map, *, weights: Map | None = None) -> float:
    """Mean of the standardised map at the fixations (Peters et al. 2005); NaN for a constant map or no fixation."""
    prediction, fixations, weight = _aligned(prediction, fixations, weights)
    if _constant(prediction) or fixations.sum() == 0:
        return float("nan")
    centred = prediction - (weight * prediction).sum()
    deviation = np.sqrt((weight * centred**2).sum())
    return float((fixations * centred).sum() / fixations.sum() / deviation)


def auc(prediction: Map, positives: Map, negatives: Map) -> float:
    """Area under the ROC curve: the chance that a positive outscores a negative, ties counting half.

    `positives` and `negatives` are weights on the map's pixels (counts, solid angles). NaN where either is empty.
    A constant map has 0.5. AUC-Judd takes fixations against all pixels; shuffled AUC, fixations against those of the
    other items.
    """
    if not prediction.shape == positives.shape == negatives.shape:
        raise ShapeError(
            f"maps of shapes {prediction.shape}, {positives.shape} and {negatives.shape}: expected one shape"
        )
    if positives.sum() == 0 or negatives.sum() == 0:
        return float("nan")
    values, level = np.unique(prediction, return_inverse=True)
    level = level.ravel()
    hits = np.bincount(level, positives.ravel(), len(values)) / positives.sum()
    false = np.bincount(level, negatives.ravel(), len(values)) / negatives.sum()
    below = np.concatenate([[0], np.cumsum(false)[:-1]])
    return float((hits * (below + false / 2)).sum())


def information_gain(prediction: Map, baseline: Map, fixations: Map, *, weights: Map | None = None) -> float:
    """Bits per fixation that `prediction` gains over `baseline` (Kümmerer et al. 2015), both taken as densities.

    A map of zeros is no density: NaN, as without fixations. A constant map is the uniform density.
    """
    prediction, fixations, weight = _aligned(prediction, fixations, weights)
    baseline = np.asarray(baseline, np.float64)
    if fixations.sum() == 0 or not prediction.any() or not baseline.any():
        return float("nan")
    p = prediction / (weight * prediction).sum() + _EPSILON
    b = baseline / (weight * baseline).sum() + _EPSILON
    return float((fixations * np.log2(p / b)).sum() / fixations.sum())


def _constant(values: Map) -> bool:
    """Compared, not computed: rounding gives the deviation of a constant map a size."""
    return bool(values.max() == values.min())


def _aligned(first: Map, second: Map, weights: Map | None) -> tuple[Map, Map, Map]:
    """Both maps and the weights (summing to 1) in float64 and of one shape."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape or first.ndim != 2:
        raise ShapeError(f"maps of shapes {first.shape} and {second.shape}: expected two of one shape (H, W)")
    weight = np.broadcast_to(1.0 if weights is None else np.asarray(weights, np.float64), first.shape)
    return first, second, weight / weight.sum()

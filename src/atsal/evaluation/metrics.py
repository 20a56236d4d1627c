"""Metrics of saliency maps: pure functions on numpy arrays and torch tensors.

Maps are (H, W), or (..., H, W) for a batch, and need not be normalised. `fixations` are counts on the map's pixels.
`weights`, (H, 1) or (H, W), is what a pixel counts for: `solid_angle_weights(H)` on ERP maps, None on flat ones. It
weighs pixels, never fixations, which lie on the sphere as they are.

A map without meaning for a metric gives NaN, in its place of the batch: see each function. NaN or infinite values in
an argument, and negative ones where a density is needed, raise `ShapeError`. `docs/metrics.md` has the formulas.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atsal.config import suggest_name
from atsal.errors import ConfigError
from atsal.evaluation.metric_inputs import Array, Inputs, Score, dot, each, indices

METRICS = ("cc", "sim", "kld", "nss", "auc_judd", "auc_borji", "auc_shuffled", "information_gain", "kld_symmetric")
EPSILON = 2.2204e-16  # added to a pixel's probability, as in the MIT saliency benchmark (double precision's epsilon)
SPLITS, _MOST_DRAWS = 100, 100_000  # of AUC-Borji
_BINS = 4096


def cc(target: Array, prediction: Array, *, weights: Array | None = None) -> Score:
    """Pearson correlation of two maps, in [-1, 1]; higher is better. NaN where one of them is constant."""
    given = Inputs(weights, target=target, prediction=prediction)
    return given.back(_cc(given))


def sim(target: Array, prediction: Array, *, weights: Array | None = None) -> Score:
    """Similarity, the intersection of two densities (Judd et al. 2012), in [0, 1]; higher is better.

    The sum over pixels of the smaller probability. NaN where a map is zero everywhere.
    """
    given = Inputs(weights, target=target, prediction=prediction)
    return given.back(_sim(given))


def kld(target: Array, prediction: Array, *, weights: Array | None = None, epsilon: float = EPSILON) -> Score:
    """Kullback-Leibler divergence KL(target || prediction) in nats, >= 0; lower is better.

    `sum(t * log(epsilon + t / (p + epsilon)))` over the pixels' probabilities t and p (Bylinskii et al. 2019). A zero
    of the prediction under the target costs `log(t / epsilon)`, about 24 nats: maps cut to 8 bits are full of them.
    NaN where a map is zero everywhere.
    """
    given = Inputs(weights, target=target, prediction=prediction)
    return given.back(_kld(given, epsilon))


def kld_symmetric(target: Array, prediction: Array, *, weights: Array | None = None, epsilon: float = EPSILON) -> Score:
    """Half the sum of KL(target || prediction) and KL(prediction || target): the "KLD" of the paper's tables.

    In nats, >= 0; lower is better. No substitute for `kld`: on targets with zeros it measures mostly them. NaN where a
    map is zero everywhere.
    """
    given = Inputs(weights, target=target, prediction=prediction)
    return given.back((_kld(given, epsilon) + _kld(given, epsilon, "prediction", "target")) / 2)


def nss(prediction: Array, fixations: Array, *, weights: Array | None = None) -> Score:
    """Normalised scanpath saliency (Peters et al. 2005); higher is better, 0 is chance.

    The mean over fixations of the map standardised to mean 0 and deviation 1 (of the population). NaN for a constant
    map, and without fixations.
    """
    given = Inputs(weights, counts=["fixations"], prediction=prediction, fixations=fixations)
    return given.back(_nss(given))


def auc_judd(prediction: Array, fixations: Array, *, weights: Array | None = None) -> Score:
    """Area under the ROC curve, fixations against all pixels without one (Judd et al. 2009), in [0, 1].

    The chance that a fixation has a higher value than such a pixel, drawn by `weights`; ties count half, so that a
    constant map has 0.5. A pixel with n fixations counts n times. NaN without fixations, or with one on every pixel.
    """
    given = Inputs(weights, counts=["fixations"], prediction=prediction, fixations=fixations)
    return given.back(_auc_judd(given))


def auc_borji(
    prediction: Array, fixations: Array, *, weights: Array | None = None, splits: int | None = None, seed: int = 0
) -> Score:
    """Area under the ROC curve, fixations against random pixels (Borji et al. 2013), in [0, 1].

    As many pixels as fixations are drawn by `weights`, with replacement, `splits` times; the mean over the splits. By
    default 100 times, or fewer where 100,000 pixels are enough. The same `seed` gives the same value, for each map of a
    batch. Differs from `auc_judd` in the sampling noise (about 0.3 / sqrt(splits * fixations)) and in that fixated
    pixels may be drawn. NaN without fixations. Raises `ConfigError` for less than one split.
    """
    if splits is not None and splits < 1:
        raise ConfigError(f"splits {splits}: expected at least 1")
    given = Inputs(weights, counts=["fixations"], prediction=prediction, fixations=fixations)
    return given.back(_auc_borji(given, splits, seed))


def auc_shuffled(prediction: Array, fixations: Array, other_fixations: Array, *, weights: Array | None = None) -> Score:
    """Area under the ROC curve, fixations against those on other items (Zhang et al. 2008), in [0, 1].

    Removes what all items have in common: a map that is the same for all has about 0.5. `other_fixations` are counts,
    pooled over the other items; all of them are used, so nothing is drawn. Both sides are fixations, which no area
    weighs: `weights` is taken as by the other metrics and has no effect. NaN where either side is empty.
    """
    names = ["fixations", "other_fixations"]
    given = Inputs(weights, counts=names, prediction=prediction, fixations=fixations, other_fixations=other_fixations)
    return given.back(_auc_shuffled(given))


def information_gain(
    prediction: Array,
    baseline: Array,
    fixations: Array,
    *,
    weights: Array | None = None,
    epsilon: float = EPSILON,
) -> Score:
    """Bits per fixation that the prediction gains over the baseline (Kümmerer et al. 2015); 0 is no gain.

    The mean over fixations of `log2(epsilon + p) - log2(epsilon + b)`, both maps taken as densities; the baseline is
    the equator prior or the mean map of other items. NaN without fixations, or where a map is zero everywhere.
    """
    given = Inputs(weights, counts=["fixations"], prediction=prediction, baseline=baseline, fixations=fixations)
    return given.back(_information_gain(given, epsilon))


def all_metrics(
    target: Array,
    prediction: Array,
    fixations: Array,
    *,
    other_fixations: Array,
    baseline: Array,
    weights: Array | None = None,
    seed: int = 0,
    metrics: Sequence[str] = METRICS,
) -> dict[str, Score]:
    """Every metric of `METRICS`, or some of them, each as by its own function; what they share is done once.

    Raises `ConfigError` for a name that is no metric's.
    """
    for name in metrics:
        if name not in METRICS:
            raise ConfigError(f"unknown metric {name!r}{suggest_name(name, METRICS)}")
    arrays = {
        "target": target,
        "prediction": prediction,
        "fixations": fixations,
        "other_fixations": other_fixations,
        "baseline": baseline,
    }
    given = Inputs(weights, counts=["fixations", "other_fixations"], **arrays)
    forward = cache(lambda: _kld(given, EPSILON))
    scores: dict[str, Callable[[], Tensor]] = {
        "cc": lambda: _cc(given),
        "sim": lambda: _sim(given),
        "kld": forward,
        "nss": lambda: _nss(given),
        "auc_judd": lambda: _auc_judd(given),
        "auc_borji": lambda: _auc_borji(given, None, seed),
        "auc_shuffled": lambda: _auc_shuffled(given),
        "information_gain": lambda: _information_gain(given, EPSILON),
        "kld_symmetric": lambda: (forward() + _kld(given, EPSILON, "prediction", "target")) / 2,
    }
    return {name: given.back(scores[name]()) for name in metrics}


def _cc(given: Inputs) -> Tensor:
    t, p = "target", "prediction"
    value = given.covariance(t, p) / torch.sqrt(given.covariance(t, t) * given.covariance(p, p))
    return torch.where(_varies(given, t) & _varies(given, p), value.clamp(-1, 1), torch.nan)


def _varies(given: Inputs, name: str) -> Tensor:
    """Whether maps are not constant: compared, for rounding gives a constant map's deviation a size."""
    low, high = given.extremes(name).unbind(1)
    return low != high


def _sim(given: Inputs) -> Tensor:
    return torch.minimum(given.probability("target"), given.probability("prediction")).sum(1).clamp(max=1)


def _kld(given: Inputs, epsilon: float, of: str = "target", from_: str = "prediction") -> Tensor:
    p, q = given.probability(of), given.probability(from_)
    return dot(p, (q + epsilon).reciprocal_().mul_(p).add_(epsilon).log_()).clamp(min=0)  # of equal maps -1e-11


def _nss(given: Inputs) -> Tensor:
    name = "prediction"

    def one(number: int, prediction: Tensor) -> Tensor:
        at, count = given.points("fixations", number)
        return dot(count, prediction.index_select(0, at)) / count.sum()  # 0 / 0 without any

    at_fixations = _each(given, one)
    value = (at_fixations - given.mean(name)) / torch.sqrt(given.covariance(name, name))
    return torch.where(_varies(given, name), value, torch.nan)


def _auc_judd(given: Inputs) -> Tensor:
    def one(number: int, prediction: Tensor) -> Tensor:
        at, count = given.points("fixations", number)
        return _auc(prediction[at], count, prediction, given.weight.index_fill(0, at, 0))

    return _each(given, one)


def _auc_borji(given: Inputs, splits: int | None, seed: int) -> Tensor:
    def one(number: int, prediction: Tensor) -> Tensor:
        at, count = given.points("fixations", number)
        fixations = max(1, round(float(count.sum())))
        times = min(SPLITS, math.ceil(_MOST_DRAWS / fixations)) if splits is None else splits
        # all splits have equally many negatives: the mean of their areas is the area of all of them
        pixels = torch.from_numpy(_drawn(given, times * fixations, seed)).to(prediction.device)
        negatives = prediction.index_select(0, pixels)
        return _auc(prediction[at], count, negatives, torch.ones_like(negatives))

    return _each(given, one)


def _drawn(given: Inputs, count: int, seed: int) -> NDArray[np.int64]:
    """Pixels drawn by weight, with replacement: even draws from the cumulated weight, in order (found faster)."""
    height, width = given.shape
    by_rows = given.weights.shape[1] == 1  # then only the row has to be searched for
    weight = (given.weights.expand(height, 1) * width).flatten() if by_rows else given.weight
    cumulated = weight.cumsum(0).cpu().numpy()
    drawn = np.sort(np.random.default_rng(seed).random(count)) * cumulated[-1]
    found: NDArray[np.int64] = np.searchsorted(cumulated, drawn, side="right").clip(max=len(cumulated) - 1)
    if not by_rows:
        return found
    share = (cumulated[found] - drawn) / weight.cpu().numpy()[found]  # of the row that lies behind
    column = ((1 - share) * width).astype(np.int64).clip(0, width - 1)
    pixels: NDArray[np.int64] = found * width + column
    return pixels


def _auc_shuffled(given: Inputs) -> Tensor:
    def one(number: int, prediction: Tensor) -> Tensor:
        at, count = given.points("fixations", number)
        others, other_count = given.points("other_fixations", number)
        return _auc(prediction[at], count, prediction[others], other_count)

    return _each(given, one)


def _information_gain(given: Inputs, epsilon: float) -> Tensor:
    names = ("prediction", "baseline")
    for name in names:
        given.refuse_negative(name)

    def one(number: int, *maps: Tensor) -> Tensor:
        at, count = given.points("fixations", number)
        weight = given.weight.index_select(0, at)
        means = (given.mean(name)[number] for name in names)
        p, b = (epsilon + m.index_select(0, at) * weight / mean for m, mean in zip(maps, means, strict=True))
        return dot(count, torch.log2(p / b)) / count.sum()  # 0 / 0 without any, and for a map of zeros

    return each(one, range(len(given[names[0]])), *(given[name] for name in names))


def _each(given: Inputs, area: Callable[[int, Tensor], Tensor]) -> Tensor:
    predictions = given["prediction"]
    return each(area, range(len(predictions)), predictions)


def _auc(positives: Tensor, positive_weight: Tensor, negatives: Tensor, negative_weight: Tensor) -> Tensor:
    """The weighted chance that a positive exceeds a negative, ties half; NaN where either side has no weight.

    Exact, and without sorting the many negatives: they are counted in narrow bins of value, and only those that share a
    bin with a positive are compared with it. (The bin is found by monotonic steps: a value of a lower bin is lower,
    whatever the rounding.)
    """
    if not len(positives):
        return positives.new_tensor(torch.nan)
    levels, level = torch.unique(positives, return_inverse=True)
    hits = positives.new_zeros(len(levels)).index_add_(0, level, positive_weight)
    span = levels[-1] - levels[0]
    scale = _BINS / span
    scale = torch.where(torch.isfinite(scale), scale, 1.0)  # all at one value, or too near for a number: one bin
    shift = 1 - levels[0] * scale

    def bins(values: Tensor) -> Tensor:
        return (values * scale).add_(shift).clamp_(0, _BINS + 2).long()

    bin_, shared = bins(negatives), bins(levels)
    counts = torch.bincount(bin_, negative_weight, _BINS + 3)
    counts[shared] = 0
    is_shared = torch.zeros_like(counts, dtype=torch.bool).index_fill_(0, shared, True)
    close = indices(is_shared.index_select(0, bin_))
    exceeded = counts.cumsum(0)[shared] + _exceeded(levels, negatives[close], negative_weight[close])
    return ((hits * exceeded).sum() / hits.sum() / negative_weight.sum()).clamp(max=1)


def _exceeded(levels: Tensor, values: Tensor, weight: Tensor) -> Tensor:
    """Of each level, ascending: the weight of the values below it, and half of that of the values at it."""
    at = torch.searchsorted(levels, values)  # levels[at - 1] < value <= levels[at]
    tied = levels[at.clamp(max=len(levels) - 1)] == values
    counts = torch.bincount(2 * at + tied, weight, 2 * len(levels) + 2).reshape(-1, 2)
    return counts.sum(1).cumsum(0)[:-1] - counts[:-1, 1] / 2

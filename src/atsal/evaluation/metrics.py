"""The metrics of saliency maps. Each is an object of `Metric` that is called like a function.

Maps are (H, W), or (..., H, W) for a batch, and need not be normalised. `fixations` counts fixations on each pixel.
`weights`, (H, 1) or (H, W), is the weight of each pixel: `solid_angle_weights(H)` for ERP maps, None for flat ones. It
never weights fixations, which already lie on the sphere.

A map that has no meaning for a metric scores NaN, at its place in the batch: see each function. NaN or infinite values
in an argument, and negative ones where a density is needed, raise `ShapeError`. `docs/metrics.md` has the formulas.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atsal.errors import ConfigError
from atsal.evaluation.metric import Metric, metric
from atsal.evaluation.metric_inputs import Array, MetricInputs, Score, dot, stack_each
from atsal.evaluation.roc_area import roc_area

EPSILON = 2.2204e-16  # added to the probability of a pixel, as in the MIT saliency benchmark (that of float64)
SPLITS, _MAX_DRAWS = 100, 100_000  # of AUC-Borji


@metric(
    label="CC",
    meaning="Pearson correlation of the predicted and the measured map",
    inputs=("target", "prediction"),
)
def cc(inputs: MetricInputs) -> Tensor:
    """Pearson correlation of two maps, in [-1, 1]. NaN if one of them is constant."""
    t, p = "target", "prediction"
    value = inputs.covariance(t, p) / torch.sqrt(inputs.covariance(t, t) * inputs.covariance(p, p))
    return torch.where(_varies(inputs, t) & _varies(inputs, p), value.clamp(-1, 1), torch.nan)


@metric(
    label="SIM",
    meaning="what both maps share: the sum of the smaller probability at each pixel, 0 to 1",
    inputs=("target", "prediction"),
)
def sim(inputs: MetricInputs) -> Tensor:
    """Similarity, the intersection of two densities (Judd et al. 2012), in [0, 1].

    The sum over pixels of the smaller probability. NaN if a map is zero everywhere.
    """
    return torch.minimum(inputs.probability("target"), inputs.probability("prediction")).sum(1).clamp(max=1)


@metric(
    label="KLD",
    meaning="Kullback-Leibler divergence KL(measured ‖ predicted)",
    unit="nats",
    higher_is_better=False,
    inputs=("target", "prediction"),
)
def kld(inputs: MetricInputs, *, epsilon: float = EPSILON) -> Tensor:
    """Kullback-Leibler divergence KL(target || prediction), >= 0.

    `sum(t * log(epsilon + t / (p + epsilon)))` over the probabilities t and p of the pixels (Bylinskii et al. 2019). A
    zero of the prediction under the target costs `log(t / epsilon)`, about 24 nats. Maps cut to 8 bits are full of
    zeros. NaN if a map is zero everywhere.
    """
    return _divergence(inputs, "target", "prediction", epsilon)


@metric(
    label="NSS",
    meaning="mean over fixations of the map standardised to mean 0 and deviation 1; 0 is chance",
    inputs=("prediction", "fixations"),
)
def nss(inputs: MetricInputs) -> Tensor:
    """Normalised scanpath saliency (Peters et al. 2005); 0 is chance.

    The mean over fixations of the map standardised to mean 0 and (population) deviation 1. NaN for a constant map and
    without fixations.
    """
    name = "prediction"

    def mean_at_fixations(index: int, prediction: Tensor) -> Tensor:
        pixels, count = inputs.fixated("fixations", index)
        return dot(count, prediction.index_select(0, pixels)) / count.sum()  # 0 / 0 without fixations

    value = (_of_each_prediction(inputs, mean_at_fixations) - inputs.mean(name)) / torch.sqrt(
        inputs.covariance(name, name)
    )
    return torch.where(_varies(inputs, name), value, torch.nan)


@metric(
    label="AUC-Judd",
    meaning="area under the ROC curve, fixations against all other pixels; 0.5 is chance",
    inputs=("prediction", "fixations"),
)
def auc_judd(inputs: MetricInputs) -> Tensor:
    """Area under the ROC curve, fixations against all pixels without one (Judd et al. 2009), in [0, 1].

    The chance that a fixation has a higher value than such a pixel, drawn by `weights`. Ties count half, so a constant
    map has 0.5. A pixel with n fixations counts n times. NaN without fixations, or with one on every pixel.
    """

    def area(index: int, prediction: Tensor) -> Tensor:
        pixels, count = inputs.fixated("fixations", index)
        return roc_area(prediction[pixels], count, prediction, inputs.weight.index_fill(0, pixels, 0))

    return _of_each_prediction(inputs, area)


@metric(
    label="AUC-Borji",
    meaning="area under the ROC curve, fixations against random pixels; 0.5 is chance",
    inputs=("prediction", "fixations"),
)
def auc_borji(inputs: MetricInputs, *, splits: int | None = None, seed: int = 0) -> Tensor:
    """Area under the ROC curve, fixations against random pixels (Borji et al. 2013), in [0, 1].

    As many pixels as fixations are drawn by `weights`, with replacement, `splits` times. The score is the mean over the
    splits. By default there are 100 splits, or fewer if 100,000 pixels are reached before. The same `seed` gives the
    same score, for each map of a batch. Differs from `auc_judd` by sampling noise (about 0.3 / sqrt(splits *
    fixations)) and because fixated pixels may be drawn. NaN without fixations. Raises `ConfigError` for less than one
    split.
    """
    if splits is not None and splits < 1:
        raise ConfigError(f"splits {splits}: expected at least 1")

    def area(index: int, prediction: Tensor) -> Tensor:
        pixels, count = inputs.fixated("fixations", index)
        fixations = max(1, round(float(count.sum())))
        times = min(SPLITS, math.ceil(_MAX_DRAWS / fixations)) if splits is None else splits
        # all splits have equally many negatives, so the mean of their areas is the area against all of them
        drawn = torch.from_numpy(_draw_pixels(inputs, times * fixations, seed)).to(prediction.device)
        negatives = prediction.index_select(0, drawn)
        return roc_area(prediction[pixels], count, negatives, torch.ones_like(negatives))

    return _of_each_prediction(inputs, area)


@metric(
    label="sAUC",
    meaning="area under the ROC curve, fixations against those on other items; 0.5 is chance, and a prior "
    "fitted on the other items lies below",
    inputs=("prediction", "fixations", "other_fixations"),
)
def auc_shuffled(inputs: MetricInputs) -> Tensor:
    """Area under the ROC curve, fixations against those on other items (Zhang et al. 2008), in [0, 1].

    Removes what all items have in common: a map that is the same for all items has about 0.5. `other_fixations` are
    counts pooled over the other items. All of them are used, nothing is drawn. `weights` has no effect, because both
    sides are fixations. NaN if either side is empty.
    """

    def area(index: int, prediction: Tensor) -> Tensor:
        pixels, count = inputs.fixated("fixations", index)
        others, other_count = inputs.fixated("other_fixations", index)
        return roc_area(prediction[pixels], count, prediction[others], other_count)

    return _of_each_prediction(inputs, area)


@metric(
    label="IG",
    meaning="information gain over the equator prior (on photos, over the mean map)",
    unit="bits per fixation",
    inputs=("prediction", "baseline", "fixations"),
)
def information_gain(inputs: MetricInputs, *, epsilon: float = EPSILON) -> Tensor:
    """Bits per fixation that the prediction gains over the baseline (Kümmerer et al. 2015); 0 is no gain.

    The mean over fixations of `log2(epsilon + p) - log2(epsilon + b)`, with both maps as densities. The baseline is the
    equator prior or the mean map of other items. NaN without fixations, or if a map is zero everywhere.
    """
    names = ("prediction", "baseline")
    for name in names:
        inputs.refuse_negative(name)

    def gain(index: int, *maps: Tensor) -> Tensor:
        pixels, count = inputs.fixated("fixations", index)
        weight = inputs.weight.index_select(0, pixels)
        means = (inputs.mean(name)[index] for name in names)
        p, b = (epsilon + m.index_select(0, pixels) * weight / mean for m, mean in zip(maps, means, strict=True))
        return dot(count, torch.log2(p / b)) / count.sum()  # 0 / 0 without fixations, and for a map of zeros

    return stack_each(gain, range(len(inputs[names[0]])), *(inputs[name] for name in names))


@metric(
    label="KLD-sym",
    meaning="mean of KL(measured ‖ predicted) and KL(predicted ‖ measured)",
    unit="nats",
    higher_is_better=False,
    inputs=("target", "prediction"),
)
def kld_symmetric(inputs: MetricInputs, *, epsilon: float = EPSILON) -> Tensor:
    """Mean of KL(target || prediction) and KL(prediction || target), >= 0: the "KLD" of the paper's tables.

    No substitute for `kld`: on targets with zeros it mostly measures these. NaN if a map is zero everywhere.
    """
    t, p = "target", "prediction"
    return (_divergence(inputs, t, p, epsilon) + _divergence(inputs, p, t, epsilon)) / 2


METRICS: tuple[Metric, ...] = (cc, sim, kld, nss, auc_judd, auc_borji, auc_shuffled, information_gain, kld_symmetric)


def all_metrics(
    target: Array,
    prediction: Array,
    fixations: Array,
    *,
    other_fixations: Array,
    baseline: Array,
    weights: Array | None = None,
    seed: int = 0,
    metrics: Sequence[Metric] = METRICS,
) -> dict[str, Score]:
    """Return the score by each of the metrics, by name. What several metrics need is computed once."""
    inputs = MetricInputs(
        weights,
        target=target,
        prediction=prediction,
        fixations=fixations,
        other_fixations=other_fixations,
        baseline=baseline,
    )
    return {metric.name: metric.compute(inputs, seed) for metric in metrics}


def _varies(inputs: MetricInputs, name: str) -> Tensor:
    """Whether maps are not constant; rounding may give a constant map a deviation above 0."""
    low, high = inputs.extremes(name).unbind(1)
    return low != high


def _divergence(inputs: MetricInputs, of: str, from_: str, epsilon: float) -> Tensor:
    """KL(of || from_), (B,)."""

    def compute() -> Tensor:
        p, q = inputs.probability(of), inputs.probability(from_)
        return dot(p, (q + epsilon).reciprocal_().mul_(p).add_(epsilon).log_()).clamp(min=0)  # -1e-11 for equal maps

    return inputs.cached(("divergence", of, from_, epsilon), compute)


def _of_each_prediction(inputs: MetricInputs, function: Callable[[int, Tensor], Tensor]) -> Tensor:
    """The values (B,) of `function(index, prediction)`."""
    predictions = inputs["prediction"]
    return stack_each(function, range(len(predictions)), predictions)


def _draw_pixels(inputs: MetricInputs, count: int, seed: int) -> NDArray[np.int64]:
    """Draw pixels by weight, with replacement. The draws are sorted, because sorted values are found faster."""
    height, width = inputs.shape
    same_in_row = inputs.weights.shape[1] == 1  # then only the row has to be searched for
    weight = (inputs.weights.expand(height, 1) * width).flatten() if same_in_row else inputs.weight
    cumulated = weight.cumsum(0).cpu().numpy()
    draws = np.sort(np.random.default_rng(seed).random(count)) * cumulated[-1]
    found: NDArray[np.int64] = np.searchsorted(cumulated, draws, side="right").clip(max=len(cumulated) - 1)
    if not same_in_row:
        return found
    share = (cumulated[found] - draws) / weight.cpu().numpy()[found]  # of the row behind the draw
    column = ((1 - share) * width).astype(np.int64).clip(0, width - 1)
    pixels: NDArray[np.int64] = found * width + column
    return pixels

"""The area under a ROC curve of weighted values: exact, and without sorting the many negatives."""

import torch
from torch import Tensor

from atsal.evaluation.metric_inputs import true_indices

_BINS = 4096


def roc_area(positives: Tensor, positive_weight: Tensor, negatives: Tensor, negative_weight: Tensor) -> Tensor:
    """Return the weighted chance that a positive exceeds a negative, (); ties count half.

    All arguments are (N,), of the positives or of the negatives. NaN if one side has no weight.

    Negatives are counted in narrow bins of value. Only those that share a bin with a positive are compared with it.
    Bins are found by monotonic steps, so a value of a lower bin is lower whatever the rounding.
    """
    if not len(positives):
        return positives.new_tensor(torch.nan)
    levels, level = torch.unique(positives, return_inverse=True)
    hits = positives.new_zeros(len(levels)).index_add_(0, level, positive_weight)
    scale = _BINS / (levels[-1] - levels[0])
    scale = torch.where(torch.isfinite(scale), scale, 1.0)  # levels that are (nearly) equal get one bin
    shift = 1 - levels[0] * scale

    def bins_of(values: Tensor) -> Tensor:
        return (values * scale).add_(shift).clamp_(0, _BINS + 2).long()

    negative_bins, level_bins = bins_of(negatives), bins_of(levels)
    weight_by_bin = torch.bincount(negative_bins, negative_weight, _BINS + 3)
    weight_by_bin[level_bins] = 0
    has_level = torch.zeros_like(weight_by_bin, dtype=torch.bool).index_fill_(0, level_bins, True)
    close = true_indices(has_level.index_select(0, negative_bins))
    exceeded = weight_by_bin.cumsum(0)[level_bins] + _weight_below(levels, negatives[close], negative_weight[close])
    return ((hits * exceeded).sum() / hits.sum() / negative_weight.sum()).clamp(max=1)


def _weight_below(levels: Tensor, values: Tensor, weight: Tensor) -> Tensor:
    """For each level, ascending: the weight of the values below it, plus half the weight of the values equal to it."""
    index = torch.searchsorted(levels, values)  # levels[index - 1] < value <= levels[index]
    tied = levels[index.clamp(max=len(levels) - 1)] == values
    weights = torch.bincount(2 * index + tied, weight, 2 * len(levels) + 2).reshape(-1, 2)
    return weights.sum(1).cumsum(0)[:-1] - weights[:-1, 1] / 2

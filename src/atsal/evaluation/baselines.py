"""Baselines: maps that need no training, or next to none. A model that does not beat them has learnt nothing."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from atsal.evaluation.benchmark_config import Baseline
from atsal.evaluation.front_baseline import front_prior
from atsal.evaluation.ground_truth import GroundTruth
from atsal.evaluation.priors import OtherItems, PooledGaze
from atsal.evaluation.spectral_residual import spectral_residual, spectral_residual_erp


def baseline_map(baseline: Baseline, truth: GroundTruth, pooled: PooledGaze, item: str) -> NDArray[np.floating]:
    """The map of a baseline for an item, (H, W); where it changes with the window, of a video one a window, (N, H, W).

    That is so of the spectral residual and of the front prior.
    """
    if baseline == "uniform":
        return np.ones(truth.size(item))
    if baseline == "spectral-residual":
        return _spectral_residual(truth, item)
    if baseline == "front-prior":
        return front_prior(truth, item)
    others = OtherItems(truth, pooled, item)
    made: dict[str, Callable[[], NDArray[np.floating]]] = {
        "centre": others.centre,
        "equator-prior": others.equator_prior,
        "mean-of-others": others.mean_map,
    }
    return made[baseline]()


def _spectral_residual(truth: GroundTruth, item: str) -> NDArray[np.float32]:
    """Of the picture; of a video, of the middle frame of each window (of the whole clip: of each half second)."""
    stimulus = truth.prepared.stimulus(item)
    if truth.protocol.is_planar:
        return spectral_residual(truth.prepared.picture(item))
    height = truth.size(item)[0]
    if stimulus.frames is None:
        return spectral_residual_erp(truth.prepared.picture(item), height)
    windows = [window for window in truth.windows(item) if window is not None]
    step = max(1, round((stimulus.frames_per_s or 2) / 2))
    middles = [(w.first_frame + w.last_frame) // 2 for w in windows] or range(step // 2, stimulus.frames, step)
    pictures = truth.prepared.pictures(item, middles, size=(2 * height, height))
    maps = np.stack([spectral_residual_erp(picture, height) for picture in pictures])
    if windows:
        return maps
    found: NDArray[np.float32] = (maps / maps.mean((1, 2), keepdims=True)).mean(0)
    return found

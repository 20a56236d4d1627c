"""The baselines: maps that need no training, or next to none. A model that does not beat them has learnt nothing.

`BASELINES` is the list that configurations, exports and reports read. The viewers themselves (`VIEWERS`) have no maps:
`scoring.score_viewers` scores one half of them against the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.evaluation import front_baseline, spectral_residual
from atsal.evaluation.ground_truth import GroundTruth
from atsal.evaluation.priors import OtherItems, PooledGaze
from atsal.models.seen_items import Seen

VIEWERS = "viewers"
Maps = NDArray[np.floating]


@dataclass(frozen=True)
class Baseline:
    """One baseline.

    `make_maps` gives the map (H, W) of an item; or (N, H, W), one for each window, if it changes with the window.
    `settings` gives what the maps depend on beside the gaze. It raises `DataError` for data sets without such maps.
    """

    name: str
    make_maps: Callable[[GroundTruth, PooledGaze, str], Maps]
    settings: Callable[[GroundTruth], dict[str, Any]] = lambda _truth: {}
    seen: Callable[[GroundTruth], list[Seen]] = lambda _truth: []  # what it was fitted on


def _from_others(make_map: Callable[[OtherItems], Maps]) -> Callable[[GroundTruth, PooledGaze, str], Maps]:
    return lambda truth, pooled, item: make_map(OtherItems(truth, pooled, item))


BASELINES: dict[str, Baseline] = {
    baseline.name: baseline
    for baseline in (
        Baseline("uniform", lambda truth, _pooled, item: np.ones(truth.size(item))),
        Baseline("centre", _from_others(OtherItems.centre)),
        Baseline("equator-prior", _from_others(OtherItems.equator_prior)),
        Baseline(
            "front-prior",
            lambda truth, _pooled, item: front_baseline.front_prior_maps(truth, item),
            front_baseline.settings,
            front_baseline.seen,
        ),
        Baseline("mean-of-others", _from_others(OtherItems.mean_map)),
        Baseline(
            "spectral-residual",
            lambda truth, _pooled, item: spectral_residual.spectral_residual_maps(truth, item),
            lambda _truth: {"version": str(spectral_residual.VERSION)},
        ),
    )
}
BASELINE_NAMES = (*BASELINES, VIEWERS)

"""The front prior alone, as a baseline: where people look whatever is shown, by another set's viewers.

Its strength is 1, that of the fit: a model's head maps take less of it because the content tells the rest, and here
nothing does. Photos keep theirs, for their viewers keep to the front less.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.datasets.prepared.frame_times import is_still, seconds_of
from atsal.evaluation.ground_truth import EVERYTHING, GroundTruth
from atsal.models.directions import measured_direction
from atsal.models.front_prior import PHOTO, FrontPrior
from atsal.models.front_prior_file import read_front_prior_file, read_front_priors

VERSION = 1  # of this module; maps of another one are not scored as maps of this one
_STEP_S = 0.5  # at which a clip's densities are taken for their mean


def front_prior(truth: GroundTruth, item: str) -> NDArray[np.float64]:
    """Densities of solid-angle mean 1: of a video one a window, (N, H, W), at its middle; else (H, W).

    Of a whole clip it is the mean over its time but for the `skip_s` that the set leaves out, of a still of a clip that
    at the still's. Where nothing tells the times it is that of late in a video (`datasets.times`).
    """
    direction = measured_direction(truth.prepared.preparation.direction)
    prior = FrontPrior(replace(read_front_priors()[direction], video_strength=1.0), truth.size(item)[0])
    windowed = truth.windows(item) != EVERYTHING
    seconds = seconds_of(truth.prepared, item, _window_middles(truth, item) if windowed else _all_over(truth, item))
    times = torch.tensor([PHOTO] if seconds is None else seconds, dtype=torch.float64)
    found: NDArray[np.float64] = prior(times)[:, 0].numpy()
    return found if windowed else found.mean(0)


def front_prior_fitted_on(truth: GroundTruth) -> tuple[str, ...]:
    """The scored items whose gaze the prior that ships has seen: all or none of a set."""
    seen = {source.name for source in read_front_prior_file().sources}
    return truth.items if truth.prepared.dataset.name in seen else ()


def _window_middles(truth: GroundTruth, item: str) -> list[float]:
    windows = [window for window in truth.windows(item) if window is not None]
    return [(window.first_frame + window.last_frame + 1) / 2 for window in windows]


def _all_over(truth: GroundTruth, item: str) -> list[float]:
    """Frames all over a clip, but for what the set leaves out; the one of a still or of what has no times."""
    stimulus = truth.prepared.stimulus(item)
    if is_still(truth.prepared, item) or stimulus.frames is None or stimulus.frames_per_s is None:
        return [0.0]
    end = stimulus.frames
    start = min(truth.prepared.dataset.skip_s * stimulus.frames_per_s, end)
    count = max(1, round((end - start) / stimulus.frames_per_s / _STEP_S))
    return [start + (number + 0.5) / count * (end - start) for number in range(count)]

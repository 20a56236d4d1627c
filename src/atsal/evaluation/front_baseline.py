"""The front prior alone, as a baseline: where people look whatever is shown, by another set's viewers.

Its strength is 1, that of the fit: a model's head maps take less of it because the content tells the rest, and here
nothing does. Photos keep theirs, for their viewers keep to the front less.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.evaluation.truth import EVERYTHING, Truth
from atsal.gaze.records import Fixations
from atsal.models.directions import Direction
from atsal.models.front_prior import PHOTO, FrontPrior
from atsal.models.front_prior_file import read_front_prior_file, read_front_priors

_STEP_S = 0.5  # at which a clip's densities are taken for their mean


def front_prior(truth: Truth, item: str) -> NDArray[np.float64]:
    """Densities of solid-angle mean 1: of a video one a window, (N, H, W), at its middle; else (H, W).

    Of a whole clip it is the mean over its time, of a still of a clip that at the still's. Raises `DataError` where
    nothing tells the times.
    """
    direction: Direction = "head" if truth.prepared.preparation.direction == "head" else "head_eye"
    prior = FrontPrior(replace(read_front_priors()[direction], video_strength=1.0), truth.size(item)[0])
    windowed = truth.windows(item) != EVERYTHING
    seconds = _window_middles(truth, item) if windowed else _times(truth, item)
    found: NDArray[np.float64] = prior(torch.tensor(seconds, dtype=torch.float64))[:, 0].numpy()
    return found if windowed else found.mean(0)


def front_prior_fitted_on(truth: Truth) -> tuple[str, ...]:
    """The scored items whose gaze the prior that ships has seen: all or none of a set."""
    seen = {source.name for source in read_front_prior_file().sources}
    return truth.items if truth.prepared.dataset.name in seen else ()


def _window_middles(truth: Truth, item: str) -> list[float]:
    rate = truth.prepared.stimulus(item).frames_per_s
    if rate is None:
        raise DataError(f"{item}: nothing tells the frames' rate, and with it when its windows are; score whole clips")
    windows = [window for window in truth.windows(item) if window is not None]
    return [(window.first_frame + window.last_frame + 1) / 2 / rate for window in windows]


def _times(truth: Truth, item: str) -> list[float]:
    """Of one map of everything: a still's time, or times all over the clip, but for what the set leaves out."""
    dataset, stimulus = truth.prepared.dataset, truth.prepared.stimulus(item)
    if (
        stimulus.kind == "image"
        or (stimulus.kind is None and dataset.still_s is not None)
        or dataset.stimuli == "images"
    ):
        return [PHOTO if dataset.still_s is None else dataset.still_s]
    end = stimulus.duration_s or _last_onset(truth, item)
    start = min(dataset.skip_s, end)
    count = max(1, round((end - start) / _STEP_S))
    return [start + (number + 0.5) / count * (end - start) for number in range(count)]


def _last_onset(truth: Truth, item: str) -> float:
    gaze = truth.gaze(item)
    if not isinstance(gaze, Fixations) or gaze.onset_s is None or not len(gaze):
        raise DataError(f"{item}: neither the stimulus nor the gaze tells how long it lasts; put the video beside")
    return float(gaze.onset_s.max())

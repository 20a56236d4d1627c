"""The front prior alone as a baseline: where people look whatever is shown, fitted on viewers of other data sets.

Its strength is 1, as it was fitted. A model's head maps use less of it, because the content tells the rest. Photos keep
the strength of photos, because their viewers keep to the front less.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.datasets.prepared.frame_times import frame_seconds, is_still
from atsal.errors import DataError
from atsal.evaluation.ground_truth import WHOLE_ITEM, GroundTruth
from atsal.jobs.checksums import file_sha256
from atsal.models.directions import direction_for_gaze
from atsal.models.front_prior import PHOTO, FrontPrior
from atsal.models.front_prior_file import FRONT_PRIOR, read_front_priors
from atsal.models.seen_items import Seen, seen_by_prior

VERSION = 1  # raise it when the same item gets another map
_STEP_S = 0.5  # between the times whose mean is the map of a clip


def front_prior_maps(truth: GroundTruth, item: str) -> NDArray[np.float64]:
    """Return densities of weighted mean 1: of a video (N, H, W), at the middle of each window; else (H, W).

    The map of a whole clip is the mean over its time without the data set's `skip_s`. A still of a clip has the time of
    the still. Without times it is the prior of late in a video (`frame_times.LATE_S`).
    """
    direction = direction_for_gaze(truth.prepared.preparation.direction)
    prior = FrontPrior(replace(read_front_priors().of(direction), video_strength=1.0), truth.size(item)[0])
    windowed = truth.windows(item) != WHOLE_ITEM
    frames = _window_middles(truth, item) if windowed else _frames_of_clip(truth, item)
    seconds = frame_seconds(truth.prepared, item, frames)
    times = torch.tensor([PHOTO] if seconds is None else seconds, dtype=torch.float64)
    found: NDArray[np.float64] = prior(times)[:, 0].numpy()
    return found if windowed else found.mean(0)


def settings(truth: GroundTruth) -> dict[str, Any]:
    """Return what the maps depend on; raises `DataError` for flat photos, which have no front."""
    prepared = truth.prepared
    if truth.protocol.is_planar:
        raise DataError(f"front-prior: needs 360° pictures; {prepared.folder} holds flat photos")
    return {
        "prior": file_sha256(FRONT_PRIOR),
        "version": str(VERSION),
        "still_s": prepared.dataset.still_s,
        "skip_s": prepared.dataset.skip_s,
    }


def seen(_truth: GroundTruth) -> list[Seen]:
    """Return what the shipped prior was fitted on."""
    return list(seen_by_prior((source.name, source.used) for source in read_front_priors().sources))


def _window_middles(truth: GroundTruth, item: str) -> list[float]:
    windows = [window for window in truth.windows(item) if window is not None]
    return [(window.first_frame + window.last_frame + 1) / 2 for window in windows]


def _frames_of_clip(truth: GroundTruth, item: str) -> list[float]:
    """Frames spread over a clip without its skipped start; frame 0 of a still or of a clip without times."""
    stimulus = truth.prepared.stimulus(item)
    if is_still(truth.prepared, item) or stimulus.frames is None or stimulus.frames_per_s is None:
        return [0.0]
    end = stimulus.frames
    start = min(truth.prepared.dataset.skip_s * stimulus.frames_per_s, end)
    count = max(1, round((end - start) / stimulus.frames_per_s / _STEP_S))
    return [start + (index + 0.5) / count * (end - start) for index in range(count)]

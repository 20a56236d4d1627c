"""Validation at the end of an epoch: scores of the averaged weights on held-out data."""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor

from atsal.evaluation.metrics import cc, kld, nss, sim
from atsal.training.config import ValidationConfig, ValidationMetric
from atsal.training.loader import Loader
from atsal.training.losses import Comparison
from atsal.training.ranks import Ranks
from atsal.training.sampler import SampleKey
from atsal.training.sources import Sample, validation_keys
from atsal.training.trained_part import TrainedPart

METRICS: tuple[ValidationMetric, ...] = get_args(ValidationMetric)
LEAST_PEAK = 1e-3  # of the frame's peak: a face below it only holds the far ends of Gaussians, so it is not scored
MAX_PANELS = 4


class Panel(NamedTuple):
    """A picture for TensorBoard: one frame, its ground truth and its prediction. Views are side by side."""

    name: str
    frame: Tensor  # (3, H, W) uint8
    target: Tensor  # (h, w), 0 to 1
    saliency: Tensor  # (h, w), 0 to 1


class Validation(NamedTuple):
    """Mean scores over the items, each the mean of its frames, and some pictures."""

    scores: dict[str, float]
    panels: list[Panel]


@torch.no_grad()
def validate(
    part: TrainedPart,
    loader: Loader,
    config: ValidationConfig,
    clip_frames: int | None,
    batch: int,
    ranks: Ranks,
    device: torch.device,
) -> Validation:
    """Score every item of the held-out sources, each rank a share of them. Frames without fixations do not count.

    Single frames run `batch` at once, clips one by one.
    """
    items = [
        keys
        for number, source in enumerate(loader.held_out)
        for keys in validation_keys(source, number, config.frames_per_item, clip_frames)
    ]
    own_items = ranks.own(items)
    scores: list[list[dict[str, float]]] = [[] for _ in own_items]
    batches = _batches(own_items, 1 if clip_frames is not None else batch)
    read = loader.read([[key for _, key in pairs] for pairs in batches], for_training=False)
    panels: list[Panel] = []
    state: Tensor | None = None
    for pairs, samples in zip(batches, read, strict=True):
        state = None if samples[0].key.starts_video else state
        for at in range(len(samples[0].frames)):
            compared, state = part.compare(samples, at, device, state)
            for place, (item, _) in enumerate(pairs):
                scores[item].append(frame_scores(compared, place))
        for place, sample in enumerate(samples):
            if len(panels) < MAX_PANELS and not any(panel.name == sample.name for panel in panels):
                panels.append(_panel(sample, compared, place))
    every = [frames for own in ranks.gather(scores) for frames in own]
    means: dict[str, float] = {
        name: _mean([_mean([frame[name] for frame in frames]) for frames in every]) for name in METRICS
    }
    return Validation(means, panels)


def _batches(items: Sequence[Sequence[SampleKey]], size: int) -> list[list[tuple[int, SampleKey]]]:
    """Return the keys of all items in order, each with its item's index, up to `size` of one source in a batch."""
    pairs = [(item, key) for item, keys in enumerate(items) for key in keys]
    by_source = [list(group) for _, group in groupby(pairs, lambda pair: pair[1].source)]
    return [group[at : at + size] for group in by_source for at in range(0, len(group), size)]


def frame_scores(compared: Comparison, place: int) -> dict[str, float]:
    """Return the scores of one frame of a batch; NaN without gaze. Its views count as one map."""

    def rows(maps: Tensor) -> np.ndarray:
        return maps[place, :, 0].flatten(0, 1).cpu().numpy()

    target, prediction, fixations = map(rows, (compared.target, compared.saliency, compared.fixations))
    weights = rows(compared.weights.expand_as(compared.target))
    if target.max() < LEAST_PEAK:
        return dict.fromkeys(METRICS, math.nan)
    return {
        "cc": float(cc(target, prediction, weights=weights)),
        "nss": float(nss(prediction, fixations, weights=weights)),
        "sim": float(sim(target, prediction, weights=weights)),
        "kld": float(kld(target, prediction, weights=weights)),
    }


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return float(np.mean(finite)) if finite else math.nan


def _panel(sample: Sample, compared: Comparison, place: int) -> Panel:
    maps = (torch.cat(list(views[place, :, 0].cpu()), -1) for views in (compared.target, compared.saliency))
    frame = torch.cat(list(sample.frames[-1]), -1)
    return Panel(sample.name, frame, *(m / m.max().clamp(min=1e-12) for m in maps))

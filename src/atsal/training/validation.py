"""What a run measures of itself at the end of an epoch: scores of the averaged weights on data held out."""

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
from atsal.training.losses import Judged
from atsal.training.ranks import Ranks
from atsal.training.sampler import Key
from atsal.training.sources import Sample, validation_keys
from atsal.training.trained_part import Subject

METRICS: tuple[ValidationMetric, ...] = get_args(ValidationMetric)
NOBODY = 1e-3  # of the frame's peak: faces that nobody looked at hold the far ends of Gaussians, no target
PANELS = 4  # pictures shown of each validation


class Panel(NamedTuple):
    """One frame, what was measured and what was predicted, for the eye; views side by side."""

    name: str
    frame: Tensor  # (3, H, W) uint8
    target: Tensor  # (h, w), 0 to 1
    saliency: Tensor


class Validation(NamedTuple):
    """Mean scores over items (an item's is the mean of its frames), and some pictures."""

    scores: dict[str, float]
    panels: list[Panel]


def judge(
    subject: Subject,
    samples: Sequence[Sample],
    at: int,
    device: torch.device,
    state: Tensor | None = None,
    carry: Tensor | None = None,
) -> tuple[Judged, Tensor | None]:
    """Run one frame of each sample, the `at`-th of its clip; returns what a loss may look at, and the new state.

    On a GPU the network runs in bfloat16. Of samples under a prior (all, or none), what is predicted is taken times it.
    `carry` (B,) is 0 for samples at the start of their video, whose state counts as nothing, else 1.
    """
    sphere = samples[0].is_sphere
    frames = torch.stack([sample.frames[at] for sample in samples]).to(device).float()
    maps, counts = (torch.stack([getattr(s, name)[at] for s in samples]).to(device) for name in ("maps", "counts"))
    with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
        saliency, mask, state = subject(frames, state, carry)
    saliency = saliency.float()
    priors = [sample.prior[at] for sample in samples if sample.prior is not None]
    if priors:
        saliency = saliency * subject.on_views(torch.stack(priors).to(device), saliency, sphere=sphere)
    target = subject.targets(maps, saliency, sphere=sphere)
    fixations = subject.counts(counts, saliency, sphere=sphere)
    weights = subject.weights(saliency, sphere=sphere)
    return Judged(saliency, target, fixations, weights, None if mask is None else mask.float()), state


@torch.no_grad()
def validate(
    subject: Subject,
    loader: Loader,
    config: ValidationConfig,
    clip_frames: int | None,
    batch: int,
    ranks: Ranks,
    device: torch.device,
) -> Validation:
    """Score every item of the held-out sources, each rank its share; those of frames without fixations do not count.

    Single frames are run `batch` at once, clips one by one.
    """
    items = [
        keys
        for number, source in enumerate(loader.held_out)
        for keys in validation_keys(source, number, config.frames_per_item, clip_frames)
    ]
    own = ranks.own(items)
    scores: list[dict[str, list[float]]] = [{name: [] for name in METRICS} for _ in own]
    batches = _batches(own, 1 if clip_frames is not None else batch)
    panels: list[Panel] = []
    state: Tensor | None = None
    for numbered, samples in zip(batches, loader.plain([[key for _, key in some] for some in batches]), strict=True):
        state = None if samples[0].key.fresh else state
        for at in range(len(samples[0].frames)):
            judged, state = judge(subject, samples, at, device, state)
            for place, (number, _) in enumerate(numbered):
                found = frame_scores(judged, place)
                for name in METRICS:
                    scores[number][name].append(found[name])
        for place, sample in enumerate(samples):
            if len(panels) < PANELS and not any(panel.name == sample.name for panel in panels):
                panels.append(_panel(sample, judged, place))
    gathered = [score for part in ranks.gather(scores) for score in part]
    return Validation({name: _mean([_mean(score[name]) for score in gathered]) for name in METRICS}, panels)


def _batches(items: Sequence[Sequence[Key]], size: int) -> list[list[tuple[int, Key]]]:
    """The keys of all items, each with its item's number, in their order: up to `size` of one source together."""
    numbered = [(number, key) for number, keys in enumerate(items) for key in keys]
    by_source = [list(own) for _, own in groupby(numbered, lambda pair: pair[1].source)]
    return [own[at : at + size] for own in by_source for at in range(0, len(own), size)]


def frame_scores(judged: Judged, place: int) -> dict[str, float]:
    """Scores of one frame of a batch; its views, one below another, count as one map."""
    target, prediction, fixations = (
        getattr(judged, name)[place, :, 0].flatten(0, 1).cpu().numpy() for name in ("target", "saliency", "fixations")
    )
    weights = judged.weights.expand_as(judged.target)[place, :, 0].flatten(0, 1).cpu().numpy()
    if target.max() < NOBODY:
        return dict.fromkeys(METRICS, math.nan)
    return {
        "cc": float(cc(target, prediction, weights=weights)),
        "nss": float(nss(prediction, fixations, weights=weights)),
        "sim": float(sim(target, prediction, weights=weights)),
        "kld": float(kld(target, prediction, weights=weights)),
    }


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan


def _panel(sample: Sample, judged: Judged, place: int) -> Panel:
    def beside(views: Tensor) -> Tensor:
        return torch.cat(list(views), -1)

    target, saliency = (beside(maps[place, :, 0].cpu()) for maps in (judged.target, judged.saliency))
    frame = beside(sample.frames[-1])
    return Panel(sample.name, frame, *(m / m.max().clamp(min=1e-12) for m in (target, saliency)))

"""First stages of `lite`: the experts, on photographs with eye fixations."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from atsal.evaluation.metrics import cc
from atsal.models.lite import LiteExpert
from atsal.training.losses import kld_cc
from atsal.training.photos import CropRange, Photos, random_crops
from atsal.training.schedule import Report, Schedule, optimise


@dataclass(frozen=True)
class ExpertStage:
    """Settings of one expert's training."""

    epochs: int
    learning_rate: float
    crops: CropRange = field(default_factory=CropRange)
    batch: int = 32  # photos
    views: int = 2  # crops of each photo, normalised together: the map's level between them is learned too
    size: int = 128


def train_expert(
    model: LiteExpert, photos: Photos, held_out: Photos, stage: ExpertStage, seed: int, report: Report
) -> LiteExpert:
    """Train `model` on `photos`; returns the averaged weights. The CC on `held_out` is reported as it goes."""
    rng = torch.Generator().manual_seed(seed)
    batches = _batches(len(photos), stage.batch, rng)
    model = torch.nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def loss_of_step(_step: int) -> Tensor:
        images, maps = random_crops(photos, next(batches), stage.views, stage.size, stage.crops, rng)
        saliency, _ = model(images.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        return kld_cc(saliency.reshape(maps.shape), maps)

    schedule = Schedule(stage.epochs * (len(photos) // stage.batch), stage.learning_rate)
    return optimise(model, schedule, loss_of_step, lambda averaged: f"CC {photo_cc(averaged, held_out):.4f}", report)


def _batches(count: int, batch: int, rng: torch.Generator) -> Iterator[Tensor]:
    while True:
        order = torch.randperm(count, generator=rng)
        for start in range(0, count - batch + 1, batch):
            yield order[start : start + batch]


@torch.no_grad()
def photo_cc(model: LiteExpert, photos: Photos, size: int = 160) -> float:
    """Mean CC over whole photos, squeezed to `size` x `size`."""
    values: list[float] = []
    for start in range(0, len(photos), 32):
        images = F.interpolate(photos.images[start : start + 32].float() / 255, (size, size), mode="area")
        saliency, _ = model(images)
        target = F.interpolate(photos.maps[start : start + 32], saliency.shape[-2:], mode="area")
        values += [cc(t.numpy(), p.numpy()) for t, p in zip(target[:, 0], saliency[:, 0], strict=True)]
    return float(np.mean(values))

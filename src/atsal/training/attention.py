"""Second stage of `lite`: the attention stream, taught by the experts on panoramas and by measured head directions."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from atsal.models.atsal import ATSal
from atsal.models.lite import LiteAttention, LiteExpert
from atsal.projection import RotateErp, resize_erp, solid_angle_weights
from atsal.training.losses import kld_cc
from atsal.training.panoramas import augment, log_profile, spherical_density
from atsal.training.schedule import Report, Schedule, optimise

TEACHER_VIEWS = ((0, 0, 0), (45, 0, 0), (0, 30, 30), (45, -30, 30))  # yaw, pitch, roll of the cube, degrees


@dataclass(frozen=True)
class AttentionStage:
    """Settings of the attention stream's training."""

    steps: int
    learning_rate: float
    batch: int
    measured_share: float  # of each batch: frames with measured head directions; the rest are panoramas
    map_height: int = 40


def start_from_expert(expert: LiteExpert, profile: Tensor, erp_height: int) -> LiteAttention:
    """An attention stream with the expert's weights, an all but closed mask, and the equator prior."""
    model = LiteAttention(erp_height)
    model.load_state_dict({k: v for k, v in expert.state_dict().items() if k in model.state_dict()}, strict=False)
    with torch.no_grad():
        torch.nn.init.constant_(model.mask_logits.bias, -3.0)  # type: ignore[arg-type]
        model.latitude_logits.copy_(log_profile(profile, len(model.latitude_logits)))
    return model


@torch.no_grad()
def expert_consensus(model: ATSal, images: Tensor) -> Tensor:
    """The experts' maps of frames (N, 3, 320, 640) uint8, averaged over turned cubes, (N, 1, h, 2h)."""
    views = [
        (RotateErp(images.shape[2], *v), RotateErp(model.config.map_height, *v, inverse=True)) for v in TEACHER_VIEWS
    ]
    maps = [torch.stack([back(model.run_experts(turn(i[None].float()))[0]) for turn, back in views]) for i in images]
    return torch.cat([m.mean(0) for m in maps])


def teacher_maps(consensus: Tensor, profile: Tensor, height: int) -> Tensor:
    """Densities (N, 1, height, 2 height) to learn from: the experts' consensus (N, 1, h, 2h) times the prior (h,)."""
    return spherical_density(resize_erp(consensus * profile[:, None], height))


def train_attention(
    model: LiteAttention,
    panoramas: tuple[Tensor, Tensor],
    measured: tuple[Tensor, Tensor],
    stage: AttentionStage,
    seed: int,
    report: Report,
) -> LiteAttention:
    """Train on `(images, densities)` of both kinds, images (N, 3, 320, 640) uint8; returns the averaged weights."""
    rng = torch.Generator().manual_seed(seed)
    weights = solid_angle_weights(stage.map_height).float()
    counts = (stage.batch - round(stage.batch * stage.measured_share), round(stage.batch * stage.measured_share))

    def loss_of_step(_step: int) -> Tensor:
        images, maps = [], []
        for (frames, targets), count in zip((panoramas, measured), counts, strict=True):
            chosen = torch.randint(len(frames), (count,), generator=rng)
            images.append(frames[chosen])
            maps.append(targets[chosen])
        inputs, target = augment(torch.cat(images), torch.cat(maps), rng)
        saliency, _ = model(F.avg_pool2d(inputs, 2).contiguous(memory_format=torch.channels_last))
        return kld_cc(saliency, target, weights)

    schedule = Schedule(stage.steps, stage.learning_rate, average_decay=0.99)
    return optimise(model, schedule, loss_of_step, lambda _averaged: "", report)

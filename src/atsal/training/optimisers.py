"""Optimisers, their learning rates over time, and the running average of the weights."""

import math

import torch
from torch import nn

from atsal.errors import ConfigError
from atsal.training.config import OptimiserConfig, ScheduleConfig
from atsal.training.trained_part import Subject

_RATE = "base_rate"  # of a parameter group, before the schedule


def make_optimiser(subject: Subject, config: OptimiserConfig) -> torch.optim.Optimizer:
    """Adam or AdamW over the parameters that the configuration names; `ConfigError` where the network has none."""
    named = subject.parameters_of(config.parameters)
    if not named:
        raise ConfigError(f"parameters {config.parameters!r}: the {subject.part} of this network has none of them")
    averages = set(subject.parameters_of("average")) if config.parameters == "all" else set()
    rates = {
        "rest": config.learning_rate,
        "encoder": config.encoder_learning_rate,
        "average": config.average_learning_rate,
    }

    def kind_of(name: str) -> str:
        return "average" if name in averages else "encoder" if "encoder" in name.split(".") else "rest"

    for of, rate in rates.items():
        if rate is not None and not any(kind_of(name) == of for name in named):
            raise ConfigError(
                f"{of}_learning_rate: parameters {config.parameters!r} of the {subject.part} hold no {of} with a "
                "rate of its own; leave it out"
            )
    groups = [
        (
            [p for name, p in named.items() if kind_of(name) == of and (p.ndim > 1) == is_matrix],
            rate or config.learning_rate,
            config.weight_decay if is_matrix or config.kind == "adam" else 0.0,
        )
        for of, rate in rates.items()
        for is_matrix in (True, False)
    ]
    kind = torch.optim.Adam if config.kind == "adam" else torch.optim.AdamW
    return kind(
        [{"params": p, "lr": rate, "weight_decay": decay, _RATE: rate} for p, rate, decay in groups if p],
        lr=config.learning_rate,
    )


def set_rates(optimiser: torch.optim.Optimizer, factor: float) -> float:
    """Give each group its own rate times `factor`; returns the first one."""
    for group in optimiser.param_groups:
        group["lr"] = group[_RATE] * factor
    return float(optimiser.param_groups[0]["lr"])


def rate_factor(schedule: ScheduleConfig, done: float, epochs: int) -> float:
    """What the learning rates are multiplied with after `done` of `epochs` epochs (a fraction within an epoch)."""
    share = min(done / epochs, 1.0)
    if schedule.kind == "step":
        return float(schedule.factor ** (int(done + 1e-9) // schedule.every))
    if schedule.kind == "cosine":
        return 0.5 * (1 + math.cos(math.pi * share))
    if schedule.kind == "one-cycle":
        rise = schedule.rise
        if share < rise:
            return 0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * share / rise))
        return 0.5 * (1 + math.cos(math.pi * (share - rise) / (1 - rise)))
    return 1.0


@torch.no_grad()
def update_average(averaged: nn.Module, module: nn.Module, decay: float, step: int) -> None:
    """Move the averaged weights and statistics towards those of the module; faster in the first steps."""
    share = 1 - min(decay, step / (step + 9))
    for kept, new in zip(averaged.state_dict().values(), module.state_dict().values(), strict=True):
        if kept.is_floating_point() and decay:
            kept.lerp_(new, share)
        else:
            kept.copy_(new)

"""Optimisers, their learning rates over time, and the running average of the weights."""

import math

import torch
from torch import nn

from atsal.errors import ConfigError
from atsal.training.config import OptimiserConfig, ScheduleConfig
from atsal.training.trained_part import TrainedPart

_BASE_RATE = "base_rate"  # key of a parameter group: its learning rate before the schedule


def make_optimiser(part: TrainedPart, config: OptimiserConfig) -> torch.optim.Optimizer:
    """Make Adam or AdamW over the parameters that the settings name. Raise `ConfigError` if the part has none."""
    named = part.parameters_of(config.parameters)
    if not named:
        raise ConfigError(f"parameters {config.parameters!r}: the {part.part} of this network has none of them")
    averages = set(part.parameters_of("average")) if config.parameters == "all" else set()

    def kind_of(name: str) -> str:
        return "average" if name in averages else "encoder" if "encoder" in name.split(".") else "rest"

    rates = {"encoder": config.encoder_learning_rate, "average": config.average_learning_rate}
    for kind, rate in rates.items():
        if rate is not None and kind not in map(kind_of, named):
            raise ConfigError(
                f"{kind}_learning_rate: parameters {config.parameters!r} of the {part.part} hold no {kind} with a "
                "rate of its own; leave it out"
            )
    groups = []
    for kind, own_rate in ({"rest": None} | rates).items():
        for is_matrix in (True, False):
            parameters = [p for name, p in named.items() if kind_of(name) == kind and (p.ndim > 1) == is_matrix]
            rate = own_rate or config.learning_rate
            decay = config.weight_decay if is_matrix or config.kind == "adam" else 0.0
            if parameters:
                groups.append({"params": parameters, "lr": rate, "weight_decay": decay, _BASE_RATE: rate})
    cls = torch.optim.Adam if config.kind == "adam" else torch.optim.AdamW
    return cls(groups, lr=config.learning_rate)


def set_rates(optimiser: torch.optim.Optimizer, factor: float) -> float:
    """Set the rate of each group to its base rate times `factor`. Return the first one."""
    for group in optimiser.param_groups:
        group["lr"] = group[_BASE_RATE] * factor
    return float(optimiser.param_groups[0]["lr"])


def rate_factor(schedule: ScheduleConfig, done: float, epochs: int) -> float:
    """Return the factor of the learning rates after `done` of `epochs` epochs; `done` may be fractional."""
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
    """Move the averaged weights and statistics towards those of the module, faster in the first steps."""
    share = 1 - min(decay, step / (step + 9))
    for average, new in zip(averaged.state_dict().values(), module.state_dict().values(), strict=True):
        if average.is_floating_point() and decay:
            average.lerp_(new, share)
        else:
            average.copy_(new)

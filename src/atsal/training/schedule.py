"""The loop that every stage shares: optimiser, learning rate, running average of the weights, report."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)
Report = Callable[[str], None]
REPORTS = 12  # lines a stage


@dataclass(frozen=True)
class Schedule:
    """AdamW with a one-cycle learning rate (Smith & Topin 2019) and an average of the weights."""

    steps: int
    learning_rate: float
    weight_decay: float = 0.02
    average_decay: float = 0.998


def optimise(
    model: Model,
    schedule: Schedule,
    loss_of_step: Callable[[int], Tensor],
    check: Callable[[Model], str],
    report: Report,
) -> Model:
    """Train `model` in place; return the average of its weights, in eval mode.

    `loss_of_step(step)` computes the loss of one batch; `check(averaged)` says how well the average does, in a word
    or two, now and then. Raises `FloatingPointError` when the loss is no longer a number.
    """
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": schedule.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=schedule.learning_rate)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.learning_rate, total_steps=schedule.steps, pct_start=0.15
    )
    averaged = copy.deepcopy(model).eval()
    every, recent = max(1, schedule.steps // REPORTS), []
    for step in range(schedule.steps):
        model.train()
        loss = loss_of_step(step)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"loss {loss.item()} at step {step}: lower the learning rate ({schedule.learning_rate})"
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        cycle.step()
        _update_average(averaged, model, min(schedule.average_decay, (step + 1) / (step + 10)))
        recent.append(loss.item())
        if (step + 1) % every == 0:
            report(f"step {step + 1}/{schedule.steps}  loss {sum(recent) / len(recent):.4f}  {check(averaged)}")
            recent.clear()
    return averaged


@torch.no_grad()
def _update_average(averaged: nn.Module, model: nn.Module, decay: float) -> None:
    for kept, new in zip(averaged.state_dict().values(), model.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)

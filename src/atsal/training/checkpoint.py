"""A checkpoint: everything that the rest of a run depends on, in one safetensors file, written aside and renamed.

Tensors are named `weights.*`, `averaged.*`, `optimiser.<number>.<parameter>.<field>` and `state.<slot>`; the rest is
JSON in the file's header.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from atsal.errors import WeightsError
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.training.trained_part import Subject
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import parse_json
from atsal.untrusted.text import error_reason

_PROGRESS = "progress"


@dataclass
class Progress:
    """How far a run is."""

    epoch: int = 0  # whole epochs done
    step_in_epoch: int = 0  # steps done of the next one
    step: int = 0  # steps done in all
    best: float | None = None  # of the metric that chooses the best epoch
    best_epoch: int | None = None
    without_better: int = 0  # validations since
    log_bytes: int = 0  # of the log that are of these steps
    loss_sum: float = 0.0  # over the steps of the unfinished epoch
    finished: str | None = None  # why it ended
    scores: dict[str, float] = field(default_factory=dict)  # of the last validation


def save_checkpoint(
    path: Path,
    progress: Progress,
    weights: Mapping[str, Tensor],
    averaged: Mapping[str, Tensor],
    optimisers: Mapping[str, Tensor],
    states: Mapping[int, Tensor],
) -> None:
    """Write a checkpoint; complete, or not there. Raises `OutputError`."""
    tensors = {f"weights.{name}": value for name, value in weights.items()}
    tensors |= {f"averaged.{name}": value for name, value in averaged.items()}
    tensors |= {f"optimiser.{name}": value for name, value in optimisers.items()}
    tensors |= {f"state.{slot}": value for slot, value in states.items()}
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    with output_errors(path, also=safetensors.SafetensorError), atomic_file(path) as part:
        save_file(plain, part, {_PROGRESS: json.dumps(asdict(progress))})


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as read."""

    progress: Progress
    tensors: dict[str, Tensor]

    def of(self, kind: str) -> dict[str, Tensor]:
        """The tensors `weights`, `averaged`, `optimiser` or `state`, by the rest of their names."""
        prefix = f"{kind}."
        return {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; `WeightsError` for a file that is none."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
        make_error = ErrorFactory(WeightsError, path, "its progress is damaged")
        progress = Progress(**parse_json(metadata[_PROGRESS], make_error, finite=False))
        _check(progress)
    except Exception as error:  # whatever a damaged file brings about
        raise WeightsError(
            f"{path}: is no checkpoint of a training run, or damaged ({error_reason(error)}); put a whole copy of it "
            "back, "
            "or begin a new run in another folder"
        ) from error
    return Checkpoint(progress, tensors)


def _check(progress: Progress) -> None:
    """`ValueError` for what no run writes."""
    counts = [progress.epoch, progress.step_in_epoch, progress.step, progress.without_better, progress.log_bytes]
    counts += [] if progress.best_epoch is None else [progress.best_epoch]
    numbers = [progress.loss_sum, *progress.scores.values(), 0 if progress.best is None else progress.best]
    if not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError("a count of its progress is none")
    if not all(type(number) in (int, float) for number in numbers) or not isinstance(progress.finished, str | None):
        raise ValueError("a number of its progress is none")


def optimiser_tensors(subject: Subject, optimisers: Sequence[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """The running moments of each optimiser, by number, parameter and field."""
    names: dict[Tensor, str] = {parameter: name for name, parameter in subject.module.named_parameters()}
    return {
        f"{number}.{names[parameter]}.{kind}": torch.as_tensor(value)
        for number, optimiser in enumerate(optimisers)
        for parameter, kinds in optimiser.state.items()
        for kind, value in kinds.items()
    }


def restore_optimisers(
    subject: Subject, optimisers: Sequence[torch.optim.Optimizer], tensors: Mapping[str, Tensor]
) -> None:
    """Put the moments back."""
    parameters: dict[str, nn.Parameter] = dict(subject.module.named_parameters())
    for name, value in tensors.items():
        number, _, rest = name.partition(".")
        parameter_name, _, kind = rest.rpartition(".")
        parameter = parameters[parameter_name]
        # the count of steps stays on the CPU, as the optimisers keep it
        kept: Any = value.clone() if kind == "step" else value.clone().to(parameter.device)
        optimisers[int(number)].state[parameter][kind] = kept

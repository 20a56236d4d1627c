"""Checkpoints: everything that the rest of a run depends on, in one safetensors file.

Tensors are named `weights.*`, `averaged.*`, `optimiser.<index>.<parameter>.<field>` and `state.<slot>`. The progress is
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
from torch import Tensor

from atsal.errors import WeightsError
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.training.trained_part import TrainedPart
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import parse_json
from atsal.untrusted.text import error_reason

_PROGRESS = "progress"


@dataclass
class Progress:
    """How far a run has come."""

    epoch: int = 0  # finished epochs
    step_in_epoch: int = 0  # finished steps of the current epoch
    step: int = 0  # finished steps in all
    best: float | None = None  # best score of the metric that chooses the best epoch
    best_epoch: int | None = None  # 0: the weights before training
    before: float | None = None  # score before training, by the same metric
    best_after: float | None = None  # best score of an epoch of training
    without_better: int = 0  # validations since the best one
    log_bytes: int = 0  # length of the log at these steps
    loss_sum: float = 0.0  # over the finished steps of the current epoch
    finished: str | None = None  # why the run ended
    scores: dict[str, float] = field(default_factory=dict)  # of the last validation


def save_checkpoint(path: Path, progress: Progress, **groups: Mapping[str, Tensor]) -> None:
    """Write groups of tensors (`weights`, `averaged`, `optimiser`, `state`) atomically. Raise `OutputError`."""
    tensors = {f"{group}.{name}": value for group, values in groups.items() for name, value in values.items()}
    copies = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    with output_errors(path, also=safetensors.SafetensorError), atomic_file(path) as part:
        save_file(copies, part, {_PROGRESS: json.dumps(asdict(progress))})


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint."""

    progress: Progress
    tensors: dict[str, Tensor]

    def group(self, name: str) -> dict[str, Tensor]:
        """Return the tensors of a group such as `weights`, by the rest of their names."""
        prefix = f"{name}."
        return {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint. Raise `WeightsError` for any other file."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        make_error = ErrorFactory(WeightsError, path, "its progress is damaged")
        progress = Progress(**parse_json(metadata[_PROGRESS], make_error, finite=False))
        _check(progress)
    except Exception as error:  # a damaged file can cause any
        raise WeightsError(
            f"{path}: is no checkpoint of a training run, or damaged ({error_reason(error)}); put a whole copy of it "
            "back, "
            "or begin a new run in another folder"
        ) from error
    return Checkpoint(progress, tensors)


def _check(progress: Progress) -> None:
    """Raise `ValueError` for values that no run writes."""
    counts = [progress.epoch, progress.step_in_epoch, progress.step, progress.without_better, progress.log_bytes]
    counts += [] if progress.best_epoch is None else [progress.best_epoch]
    scores = [score for score in (progress.best, progress.before, progress.best_after) if score is not None]
    numbers = [progress.loss_sum, *progress.scores.values(), *scores]
    if not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError("its progress holds a count that is not a whole number >= 0")
    if not all(type(number) in (int, float) for number in numbers) or not isinstance(progress.finished, str | None):
        raise ValueError("its progress holds a value that is not a number")


def optimiser_tensors(part: TrainedPart, optimisers: Sequence[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """Return the state of each optimiser, by `<index>.<parameter>.<field>`."""
    names: dict[Tensor, str] = {parameter: name for name, parameter in part.module.named_parameters()}
    return {
        f"{index}.{names[parameter]}.{kind}": torch.as_tensor(value)
        for index, optimiser in enumerate(optimisers)
        for parameter, values in optimiser.state.items()
        for kind, value in values.items()
    }


def restore_optimisers(
    part: TrainedPart, optimisers: Sequence[torch.optim.Optimizer], tensors: Mapping[str, Tensor]
) -> None:
    """Set the state of each optimiser to copies of what `optimiser_tensors` returned."""
    parameters = dict(part.module.named_parameters())
    for name, value in tensors.items():
        index, _, rest = name.partition(".")
        parameter_name, _, kind = rest.rpartition(".")
        parameter = parameters[parameter_name]
        # the optimisers keep the count of steps on the CPU
        copied: Any = value.clone() if kind == "step" else value.clone().to(parameter.device)
        optimisers[int(index)].state[parameter][kind] = copied

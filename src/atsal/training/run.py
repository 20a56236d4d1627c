"""Start a training run, or resume it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from atsal.errors import AtsalError, ConfigError, TrainingError
from atsal.jobs.workers import worker_ended
from atsal.models.weight_folder import DESCRIPTION
from atsal.training.checkpoint import Progress
from atsal.training.config import TrainConfig, with_absolute_paths
from atsal.training.ranks import Ranks, join_ranks
from atsal.training.reporting import Reporter, check_tensorboard
from atsal.training.run_folder import RunFolder
from atsal.training.setup import write_start
from atsal.training.trainer import Machine, Trainer

Say = Callable[[str], None]


def train(
    config: TrainConfig | None,
    output: Path,
    machine: Machine,
    *,
    say: Say = lambda _line: None,
    status: Say = lambda _line: None,
) -> Progress:
    """Run a stage of training to its end in the folder `output`, or resume the run there.

    Without `config`, the run in the folder is resumed. The configuration of that run resumes it too; another one raises
    a `ConfigError` that lists the differences. A new run that cannot be set up leaves no folder. Processes that
    `torchrun` started share the work. Raise `TrainingError` if the run cannot continue.
    """
    check_tensorboard()
    folder = RunFolder(output)
    if config is None and not folder.exists:
        raise ConfigError(f"{output}: is no training run; expected a YAML file, or the folder of a run to resume")
    with join_ranks(machine.device) as ranks:
        if not ranks.is_first:
            return _run(folder, machine, ranks, say, status)
        with folder.locked(None if config is None else with_absolute_paths(config)), _explained_failures(folder):
            return _run(folder, machine, ranks, say, status)


def _run(folder: RunFolder, machine: Machine, ranks: Ranks, say: Say, status: Say) -> Progress:
    if folder.is_finished_without_checkpoints():
        return Progress(finished="before; its checkpoints are gone")
    if ranks.is_first:
        if not (folder.start / DESCRIPTION).is_file():
            write_start(folder.config(), folder.start)
        folder.record_environment(ranks=ranks.world, device=str(machine.device), threads=torch.get_num_threads())
    ranks.wait()
    if not ranks.is_first:
        return Trainer(folder, machine, ranks, None).run()
    with Reporter(folder, say, status) as reporter:
        trainer = Trainer(folder, machine, ranks, reporter)
        if trainer.progress.step and trainer.progress.finished is None:
            say(f"going on after step {trainer.progress.step}, epoch {trainer.progress.epoch + 1}")
        return trainer.run()


@contextmanager
def _explained_failures(folder: RunFolder) -> Iterator[None]:
    """Turn a lack of memory and a dead worker into a `TrainingError` with the remedy."""
    try:
        yield
    except AtsalError:
        raise
    except (RuntimeError, MemoryError) as error:  # torch.OutOfMemoryError is a RuntimeError
        message = str(error).lower()
        if isinstance(error, MemoryError) or "allocate memory" in message or "out of memory" in message:
            raise TrainingError(_out_of_memory(folder)) from error
        if "dataloader worker" in message:
            raise TrainingError(f"{folder.folder}: {worker_ended()}") from error
        raise


def _out_of_memory(folder: RunFolder) -> str:
    config = folder.config()
    settings = [f"batch ({config.batch}; raise accumulate by the same factor, and a step keeps its size)"]
    if config.clip_frames:
        settings.append(f"clip_frames ({config.clip_frames})")
    if config.photo_views.count > 1:
        settings.append(f"photo_views.count ({config.photo_views.count})")
    lower = " or ".join(f"a lower {setting}" for setting in settings)
    return f"{folder.folder}: not enough memory; begin a new run with {lower}, or use fewer --workers"

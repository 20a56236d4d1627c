"""Start a training run, or go on with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from atsal.errors import AtsalError, ConfigError, TrainingError
from atsal.jobs.workers import WORKER_ENDED
from atsal.models.weight_folder import DESCRIPTION
from atsal.training.checkpoint import Progress
from atsal.training.config import TrainConfig, with_folders_resolved
from atsal.training.ranks import Ranks, joined_ranks
from atsal.training.reporting import Shown, Silent, check_reporting
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
    """Run a stage of training to its end in the folder `output`, or go on with the one there.

    `config` is None for a run that goes on by what its folder holds. The same configuration goes on too; another one
    is a `ConfigError` that tells what differs. A new run that cannot be set up leaves no folder.
    Started by `torchrun`, several processes share the work. Raises `TrainingError` where the run cannot go on.
    """
    check_reporting()
    folder = RunFolder(output)
    if config is None and not folder.exists:
        raise ConfigError(f"{output}: is no training run; expected a YAML file, or the folder of a run to go on with")
    with joined_ranks(machine.device) as ranks:
        if not ranks.is_first:
            return _run(folder, machine, ranks, say, status)
        chosen = None if config is None else with_folders_resolved(config)
        with folder.held(chosen), _failures_explained(folder):
            return _run(folder, machine, ranks, say, status)


def _run(folder: RunFolder, machine: Machine, ranks: Ranks, say: Say, status: Say) -> Progress:
    if folder.finished_without_checkpoints():
        return Progress(finished="before; its checkpoints are gone")
    if ranks.is_first:
        config = folder.config()
        if not (folder.start / DESCRIPTION).is_file():
            write_start(config, folder.start)
        folder.note_environment(
            {"ranks": ranks.world, "device": str(machine.device), "threads": torch.get_num_threads()}
        )
    ranks.wait()
    if not ranks.is_first:
        return Trainer(folder, machine, ranks, Silent()).run()
    with Shown(folder, say, status) as shown:
        trainer = Trainer(folder, machine, ranks, shown)
        if trainer.progress.step and trainer.progress.finished is None:
            say(f"going on after step {trainer.progress.step}, epoch {trainer.progress.epoch + 1}")
        return trainer.run()


@contextmanager
def _failures_explained(folder: RunFolder) -> Iterator[None]:
    """Say what to do where the memory does not suffice, or a worker ended."""
    try:
        yield
    except AtsalError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise TrainingError(_too_little_memory(folder)) from error
    except RuntimeError as error:
        said = str(error).lower()
        if "allocate memory" in said or "out of memory" in said:
            raise TrainingError(_too_little_memory(folder)) from error
        if "dataloader worker" in said:
            raise TrainingError(f"{folder.folder}: {WORKER_ENDED}") from error
        raise


def _too_little_memory(folder: RunFolder) -> str:
    config = folder.config()
    lower = [f"batch ({config.batch}; give accumulate the factor, and a step keeps its size)"]
    if config.clip_frames:
        lower.append(f"clip_frames ({config.clip_frames})")
    if config.photo_views.count > 1:
        lower.append(f"photo_views.count ({config.photo_views.count})")
    return (
        f"{folder.folder}: the memory does not suffice; begin a new run with a lower {', or a lower '.join(lower)}, or "
        "use fewer --workers"
    )

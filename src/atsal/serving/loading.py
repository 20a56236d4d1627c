"""Load a model in a process that does nothing else."""

import torch

from atsal.jobs.memory import keep_freed_memory
from atsal.prediction.model_choice import ModelChoice
from atsal.prediction.predictor import Predictor


def load_on_threads(choice: ModelChoice, threads: int) -> Predictor:
    """Return a model whose networks compute on so many threads; what else PyTorch does here stays on one.

    In steps as small as those that find regions, threads that share a step wait for each other in a busy loop, which
    takes the other cores several times as long as the step. Raises what `load_model` raises.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    try:
        return choice.load()
    finally:
        torch.set_num_threads(1)

"""Load a model in a process that does nothing else."""

import torch

from atsal.jobs.memory import keep_freed_memory
from atsal.prediction.model_choice import ModelChoice
from atsal.prediction.predictor import Predictor


def load_on_threads(choice: ModelChoice, threads: int) -> Predictor:
    """Return a model whose networks compute on so many threads; what else PyTorch does here stays on one.

    Each small step on several threads would let the others wait for it in a busy loop: to find the regions of a map
    takes 9 ms of one core on one thread, and 36 ms on two. Raises what `load_model` raises.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    try:
        return choice.load()
    finally:
        torch.set_num_threads(1)

"""Choose the device to compute on."""

import os
import textwrap

import torch

from atsal.errors import ConfigError


def choose_device(device: str) -> torch.device:
    """Return the device of a name; "auto" is CUDA if available, else the CPU. Raises `ConfigError`.

    Among the processes that `torchrun` starts, each gets its own GPU.
    """
    local_rank = os.environ.get("LOCAL_RANK")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and local_rank is not None:
        device = f"cuda:{local_rank}"
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen).cpu()
    except (ImportError, RuntimeError, AssertionError, NotImplementedError) as error:  # missing backends differ
        reason = textwrap.shorten(str(error), 100, placeholder=" …")
        raise ConfigError(f"device {device!r} cannot be used ({reason}); try 'cpu'") from error
    return chosen

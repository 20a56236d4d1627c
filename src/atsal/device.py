"""The device of a name."""

import os
import textwrap

import torch

from atsal.errors import ConfigError


def choose_device(device: str) -> torch.device:
    """Find the device of a name; "auto" is CUDA where there is one, else the CPU. Raises `ConfigError`.

    Of the processes that `torchrun` starts, each gets a GPU of its own.
    """
    local = os.environ.get("LOCAL_RANK")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and local is not None:
        device = f"cuda:{local}"
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen).cpu()
    except (ImportError, RuntimeError, AssertionError, NotImplementedError) as error:  # one for each missing backend
        reason = textwrap.shorten(str(error), 100, placeholder=" …")
        raise ConfigError(f"device {device!r} cannot be used ({reason}); try 'cpu'") from error
    return chosen

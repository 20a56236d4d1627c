"""The device of a name."""

import os
import textwrap

import torch

from atsal.errors import ConfigError


def choose_device(device: str) -> torch.device:
    """Find the device of a name; "auto" is CUDA where there is one, else the CPU. Raises `ConfigError`.

    Of the processes that `torchrun` starts, each gets a GPU of its own.
    """
    if device == "auto":
        local = int(os.environ.get("LOCAL_RANK", "0"))
        return torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen).cpu()
    except (ImportError, RuntimeError, AssertionError, NotImplementedError) as error:  # one for each missing backend
        reason = textwrap.shorten(str(error), 100, placeholder=" …")
        raise ConfigError(f"device {device!r} cannot be used ({reason}); try 'cpu'") from error
    return chosen

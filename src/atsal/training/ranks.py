"""The processes (ranks) that train one network: those that `torchrun` started, or a single one."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from atsal.errors import ConfigError, TrainingError

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """One process of `world` processes. Each slot of the batch belongs to one of them.

    What exchanges values with the other processes raises `TrainingError` if one of them has ended.
    """

    rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes the run folder."""
        return self.rank == 0

    def owns(self, slot: int) -> bool:
        """Return whether a slot of the batch belongs to this process."""
        return slot % self.world == self.rank

    def own(self, items: Sequence[T]) -> list[T]:
        """Return this process's share of a list that all processes have."""
        return list(items[self.rank :: self.world])

    def add_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Sum the gradients over all ranks, in one message. A parameter without a gradient on any rank keeps none."""
        if self.world == 1:
            return
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        has_gradient = gradients[0].new_tensor([p.grad is not None for p in parameters])
        flat = torch.cat([has_gradient, *(g.flatten() for g in gradients)])
        with _other_ranks():
            dist.all_reduce(flat)
        has_gradient, *summed = torch.split(flat, [len(parameters), *(g.numel() for g in gradients)])
        for parameter, gradient, has in zip(parameters, summed, has_gradient.tolist(), strict=True):
            parameter.grad = gradient.reshape(parameter.shape) if has else None

    def add(self, value: Tensor) -> Tensor:
        """Return the sum of a tensor over all ranks."""
        if self.world > 1:
            with _other_ranks():
                dist.all_reduce(value)
        return value

    def average_statistics(self, module: torch.nn.Module) -> None:
        """Average the statistics of batch normalisation over the ranks, each of which saw a share of the batch."""
        for buffer in module.buffers() if self.world > 1 else ():
            if buffer.is_floating_point():
                self.add(buffer)
                buffer.div_(self.world)

    def gather(self, value: T) -> list[T]:
        """Return the values of all ranks, in their order."""
        if self.world == 1:
            return [value]
        found: list[Any] = [None] * self.world
        with _other_ranks():
            dist.all_gather_object(found, value)
        return found

    def wait(self) -> None:
        """Wait for all ranks."""
        if self.world > 1:
            with _other_ranks():
                dist.barrier()


@contextmanager
def join_ranks(device: torch.device) -> Iterator[Ranks]:
    """Join the processes that `torchrun` started, if it did."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    if not dist.is_available():
        raise ConfigError("torchrun: this build of PyTorch has no torch.distributed; install one that has it")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    with _other_ranks():
        dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(dist.get_rank(), world)
    finally:
        dist.destroy_process_group()


@contextmanager
def _other_ranks() -> Iterator[None]:
    """Turn the error of a lost connection into one that says what to do."""
    try:
        yield
    except RuntimeError as error:  # that of gloo; those of NCCL and of the rendezvous derive from it
        raise TrainingError(
            "torchrun: this process lost another one of the run, which ended or cannot be reached; read the messages "
            f"of that one, and run the same command again: it resumes ({str(error).partition(chr(10))[0]})"
        ) from error

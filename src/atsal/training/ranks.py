"""Several processes that train one network: what `torchrun` starts, or a single one."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from atsal.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """One process among `world` processes, counted from 0. Videos, frames and photos are dealt out by slot."""

    rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes the run folder."""
        return self.rank == 0

    def has(self, slot: int) -> bool:
        """Whether what is in a slot of the batch is for this process."""
        return slot % self.world == self.rank

    def own(self, every: Sequence[T]) -> list[T]:
        """The share of this process of something that all know: each element belongs to one rank."""
        return list(every[self.rank :: self.world])

    def add_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Sum the gradients over all ranks, in one message; a rank that had nothing to do adds zero.

        Where no rank has one there is none afterwards, as in a single process.
        """
        if self.world == 1:
            return
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        has = gradients[0].new_tensor([p.grad is not None for p in parameters])
        flat = torch.cat([has, *(g.flatten() for g in gradients)])
        dist.all_reduce(flat)
        has, *summed = torch.split(flat, [len(parameters), *(g.numel() for g in gradients)])
        for parameter, gradient, is_there in zip(parameters, summed, has.tolist(), strict=True):
            parameter.grad = gradient.reshape(parameter.shape) if is_there else None

    def add(self, value: Tensor) -> Tensor:
        """Sum a tensor over all ranks."""
        if self.world > 1:
            dist.all_reduce(value)
        return value

    def average_statistics(self, module: torch.nn.Module) -> None:
        """Give all ranks the mean of each buffer: statistics of batch normalisation, of which each saw its share."""
        for buffer in module.buffers() if self.world > 1 else ():
            if buffer.is_floating_point():
                dist.all_reduce(buffer)
                buffer.div_(self.world)

    def gather(self, value: T) -> list[T]:
        """Every rank's value, in the order of the ranks."""
        if self.world == 1:
            return [value]
        found: list[Any] = [None] * self.world
        dist.all_gather_object(found, value)
        return found

    def wait(self) -> None:
        """Until all ranks are here."""
        if self.world > 1:
            dist.barrier()


@contextmanager
def joined_ranks(device: torch.device) -> Iterator[Ranks]:
    """Join the processes that `torchrun` started; alone where it did not."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    if not dist.is_available():
        raise ConfigError("torchrun: this build of PyTorch cannot run several processes; install another")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(dist.get_rank(), world)
    finally:
        dist.destroy_process_group()

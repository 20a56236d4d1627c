"""Samples read ahead by worker processes, in the order of the plan, and how long the network waited for them."""

import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from atsal.errors import AtsalError
from atsal.jobs.workers import ignore_interrupts, init_worker
from atsal.training.sampler import Key
from atsal.training.sources import Sample, Source

AHEAD = 4  # batches that each worker reads ahead


class _Request(NamedTuple):
    key: Key
    moved: bool  # to learn from; else as it is, of the held out


class _Samples(Dataset[Sample | AtsalError]):
    """Reads samples by key. What is meant for the user is handed over, not raised: a worker would wrap it."""

    def __init__(self, learned: Sequence[Source], held_out: Sequence[Source]) -> None:
        self.learned, self.held_out = learned, held_out

    def __getitem__(self, request: _Request) -> Sample | AtsalError:
        key = request.key
        try:
            return self.learned[key.source].sample(key) if request.moved else self.held_out[key.source].plain(key)
        except AtsalError as error:
            return error


class _Batches:
    """The batches asked for at present: the sampler of a `DataLoader` whose workers live on."""

    def __init__(self) -> None:
        self.requests: list[list[_Request]] = []

    def __iter__(self) -> Iterator[list[_Request]]:
        return iter(self.requests)

    def __len__(self) -> int:
        return len(self.requests)


class Loader:
    """Reads batches of samples; `waited_s` is how long they were waited for since it was last set to 0.

    The workers start with the first batch and live as long as the loader. One reading at a time: where another begins,
    the one before must not go on.
    """

    def __init__(self, learned: Sequence[Source], held_out: Sequence[Source] = (), *, workers: int = 0) -> None:
        self.held_out = held_out
        self.waited_s = 0.0
        self._batches = _Batches()
        self._loader: DataLoader[Any] = DataLoader(
            _Samples(learned, held_out),
            batch_sampler=self._batches,  # keys instead of numbers
            generator=torch.Generator(),  # else it draws from the program's own
            num_workers=workers,
            prefetch_factor=AHEAD if workers else None,
            persistent_workers=workers > 0,
            multiprocessing_context=_workers_context() if workers else None,
            collate_fn=_Packed.of,
            worker_init_fn=_as_worker,
        )

    def moved(self, batches: Sequence[list[Key]]) -> Iterator[list[Sample]]:
        """Read samples to learn from, in the order of the batches; an error of a file is raised where it would come."""
        return self._read([[_Request(key, True) for key in batch] for batch in batches])

    def plain(self, batches: Sequence[list[Key]]) -> Iterator[list[Sample]]:
        """Read samples of the held-out sources, as they are."""
        return self._read([[_Request(key, False) for key in batch] for batch in batches])

    def _read(self, requests: list[list[_Request]]) -> Iterator[list[Sample]]:
        self._batches.requests = requests
        started = time.monotonic()
        with ignore_interrupts():  # by workers that start now: Ctrl-C is for the main process, which ends them
            found = iter(self._loader)
        while True:
            batch = next(found, None)
            self.waited_s += time.monotonic() - started
            if batch is None:
                return
            if isinstance(batch, AtsalError):
                raise batch
            yield batch.samples()
            started = time.monotonic()


@dataclass(frozen=True)
class _Packed:
    """A batch on its way from a worker, all its arrays in one block of each type.

    A tensor is handed over as an open file, and a process may hold few of those, often a thousand.
    """

    names: list[tuple[str, Key]]
    shapes: list[tuple[torch.Size, ...]]  # of each sample's frames, maps, counts and, if it has one, prior
    frames: Tensor  # (bytes,) uint8
    maps: Tensor  # (values,) float32: of each sample its maps, its counts, its prior

    @classmethod
    def of(cls, batch: Sequence[Sample | AtsalError]) -> "_Packed | AtsalError":
        """Pack samples; the first error among them takes the place of all."""
        samples = []
        for sample in batch:
            if isinstance(sample, AtsalError):
                return sample
            samples.append(sample)
        return cls(
            [(s.name, s.key) for s in samples],
            [(s.frames.shape, *(part.shape for part in _maps(s))) for s in samples],
            torch.cat([s.frames.flatten() for s in samples]),
            torch.cat([part.flatten() for s in samples for part in _maps(s)]),
        )

    def samples(self) -> list[Sample]:
        """The samples, their arrays views of the blocks."""
        frames = iter(torch.split(self.frames, [shapes[0].numel() for shapes in self.shapes]))
        maps = iter(torch.split(self.maps, [shape.numel() for shapes in self.shapes for shape in shapes[1:]]))
        return [
            Sample(name, key, next(frames).view(shape), *(next(maps).view(of) for of in of_maps))
            for (name, key), (shape, *of_maps) in zip(self.names, self.shapes, strict=True)
        ]


def _maps(sample: Sample) -> list[Tensor]:
    """The maps that a sample has, in the order of its fields."""
    return [part for part in (sample.maps, sample.counts, sample.prior) if part is not None]


def _workers_context() -> BaseContext:
    """How workers start: as copies of one fresh process that has imported what they need.

    A copy of this process would lack its threads, and new processes would import for themselves, seconds each, one
    after the other: so only where copies are not to be had, or not safe (macOS).
    """
    if sys.platform == "darwin" or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _as_worker(_number: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    init_worker()

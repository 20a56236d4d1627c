"""Samples that worker processes read ahead, in the order of the steps."""

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
from atsal.training.sampler import Batch, SampleKey
from atsal.training.sources import Sample, Source

BATCHES_AHEAD = 4  # of each worker


class _Request(NamedTuple):
    key: SampleKey
    for_training: bool  # else for validation: from the held-out sources, without augmentation


class _Samples(Dataset[Sample | AtsalError]):
    """Reads samples. Errors for the user are returned, because a worker that raises one wraps it."""

    def __init__(self, train: Sequence[Source], held_out: Sequence[Source]) -> None:
        self.train, self.held_out = train, held_out

    def __getitem__(self, request: _Request) -> Sample | AtsalError:
        sources = self.train if request.for_training else self.held_out
        try:
            return sources[request.key.source].read(request.key, augment=request.for_training)
        except AtsalError as error:
            return error


class Loader:
    """Reads batches of samples. `waited_s` counts the seconds that the caller waited for them.

    The workers start with the first batch and live as long as the loader. Only the latest iterator may be used.
    """

    def __init__(self, train: Sequence[Source], held_out: Sequence[Source] = (), *, workers: int = 0) -> None:
        self.held_out = held_out
        self.waited_s = 0.0
        self._requests: list[list[_Request]] = []
        self._loader: DataLoader[Any] = DataLoader(
            _Samples(train, held_out),
            batch_sampler=self._requests,
            generator=torch.Generator(),  # without it, the loader would draw from the program's own generator
            num_workers=workers,
            prefetch_factor=BATCHES_AHEAD if workers else None,
            persistent_workers=workers > 0,
            multiprocessing_context=_worker_context() if workers else None,
            collate_fn=_PackedBatch.pack,
            worker_init_fn=_start_worker,
        )

    def read(self, batches: Sequence[Batch], *, for_training: bool) -> Iterator[list[Sample]]:
        """Read batches of the training or of the held-out sources. An error of a file is raised at its batch."""
        self._requests[:] = [[_Request(key, for_training) for key in batch] for batch in batches]
        started = time.monotonic()
        with ignore_interrupts():  # workers that start now ignore Ctrl-C; the main process ends them
            packed_batches = iter(self._loader)
        while True:
            packed = next(packed_batches, None)
            self.waited_s += time.monotonic() - started
            if packed is None:
                return
            if isinstance(packed, AtsalError):
                raise packed
            yield packed.unpack()
            started = time.monotonic()


@dataclass(frozen=True)
class _PackedBatch:
    """A batch whose arrays are joined into one tensor of each type.

    Workers pass every tensor as an open file, and a process may have few of those, often a thousand.
    """

    names: list[tuple[str, SampleKey]]
    shapes: list[tuple[torch.Size, ...]]  # of each sample: frames, saliency maps, fixation maps and, if any, prior
    frames: Tensor  # (bytes,) uint8
    maps: Tensor  # (values,) float32: the maps of each sample in turn

    @classmethod
    def pack(cls, samples: Sequence[Sample | AtsalError]) -> "_PackedBatch | AtsalError":
        """Pack samples; or return the first error among them."""
        read: list[Sample] = []
        for sample in samples:
            if isinstance(sample, AtsalError):
                return sample
            read.append(sample)
        return cls(
            [(s.name, s.key) for s in read],
            [(s.frames.shape, *(part.shape for part in _maps(s))) for s in read],
            torch.cat([s.frames.flatten() for s in read]),
            torch.cat([part.flatten() for s in read for part in _maps(s)]),
        )

    def unpack(self) -> list[Sample]:
        """Return the samples, with views of the joined tensors."""
        frames = iter(torch.split(self.frames, [shapes[0].numel() for shapes in self.shapes]))
        maps = iter(torch.split(self.maps, [shape.numel() for shapes in self.shapes for shape in shapes[1:]]))
        return [
            Sample(name, key, next(frames).view(shape), *(next(maps).view(map_shape) for map_shape in map_shapes))
            for (name, key), (shape, *map_shapes) in zip(self.names, self.shapes, strict=True)
        ]


def _maps(sample: Sample) -> list[Tensor]:
    """Return the maps of a sample, in the order of its fields."""
    return [part for part in (sample.saliency_maps, sample.fixation_maps, sample.prior) if part is not None]


def _worker_context() -> BaseContext:
    """Return how workers start: as copies of one fresh process that has already imported this module.

    A copy of the main process would lack its threads. Spawned processes import for themselves, seconds each; they are
    used where copies do not exist or are not safe (macOS).
    """
    if sys.platform == "darwin" or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _start_worker(_number: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    init_worker()

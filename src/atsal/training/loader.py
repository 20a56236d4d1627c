"""Samples read ahead by worker processes, in the order of the plan, and how long the network waited for them."""

import signal
import time
from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import DataLoader, Dataset

from atsal.errors import AtsalError
from atsal.training.plan import Key
from atsal.training.sources import Sample, Source

AHEAD = 4  # batches that each worker reads ahead


class _Samples(Dataset[Sample | AtsalError]):
    """Reads samples by key. What is meant for the user is handed over, not raised: a worker would wrap it."""

    def __init__(self, sources: Sequence[Source], *, moved: bool) -> None:
        self.sources, self.moved = sources, moved

    def __getitem__(self, key: Key) -> Sample | AtsalError:
        source = self.sources[key.source]
        try:
            return source.sample(key) if self.moved else source.plain(key)
        except AtsalError as error:
            return error


class Loader:
    """Reads batches of samples; `waited_s` is how long they were waited for in all."""

    def __init__(self, sources: Sequence[Source], *, moved: bool, workers: int) -> None:
        self._samples = _Samples(sources, moved=moved)
        self._workers = workers
        self.waited_s = 0.0

    def __call__(self, batches: Sequence[list[Key]]) -> Iterator[list[Sample]]:
        """Read the batches in their order; an error of a file is raised where its batch would come."""
        loader: DataLoader[Sample | AtsalError] = DataLoader(
            self._samples,
            batch_sampler=batches,  # keys instead of numbers
            num_workers=self._workers,
            prefetch_factor=AHEAD if self._workers else None,
            # a copy of a process with threads may hang: start new ones
            multiprocessing_context="spawn" if self._workers else None,
            collate_fn=list,
            worker_init_fn=_as_worker,
        )
        batches_read = iter(loader)
        while True:
            started = time.monotonic()
            batch = next(batches_read, None)
            self.waited_s += time.monotonic() - started
            if batch is None:
                return
            for sample in batch:
                if isinstance(sample, AtsalError):
                    raise sample
            yield batch


def _as_worker(_number: int) -> None:
    """One thread each; Ctrl-C is for the main process, which ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)

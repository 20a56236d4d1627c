"""What every runtime does: frames and state in, maps and state out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Barrier
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.models.two_stream import ATSal
from atsal.prediction.runtimes.threads import can_limit, limit
from atsal.prediction.streams import Stream, finished
from atsal.projection import resize_erp

T = TypeVar("T")
Precision = Literal["float32", "half"]
Floats = NDArray[np.float32]
PARTS: tuple[Stream, ...] = ("attention", "experts")  # what can run on its own; "fused" is made of both


class Maps(NamedTuple):
    """The maps (T, height, 2 height) float32 >= 0 of T frames, those asked for, and the experts' state after each."""

    streams: dict[Stream, Floats]
    states: Floats | None  # (T, 6, C, S / 16, S / 16); None where the experts did not run


def needed(streams: Sequence[Stream]) -> tuple[Stream, ...]:
    """The parts that these streams are made of."""
    return PARTS if "fused" in streams else tuple(part for part in PARTS if part in streams)


class Runtime(ABC):
    """Runs one network. Used by one thread at a time."""

    name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ("torch",)  # whose versions its results depend on
    frames: int = 1  # how many consecutive frames are best given at once
    precision: Precision = "float32"

    def __init__(self, network: ATSal) -> None:
        self.network = network
        self.config = network.config

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return torch.device("cpu")

    def prepare(self, streams: Sequence[Stream]) -> None:  # noqa: B027 - nothing to do in most
        """Get ready for `run` in the background, while the first frames are read."""

    @abstractmethod
    def run(
        self, frames: NDArray[np.uint8], state: Floats | None, streams: Sequence[Stream], height: int, seconds: Floats
    ) -> Maps:
        """Run T consecutive frames of one video.

        Args:
            frames: (T, H, 2H, 3) uint8 RGB, H = config.erp_height.
            state: (6, C, S / 16, S / 16), what the frame before left; None at the start of a video.
            streams: the maps to return.
            height: rows of the maps.
            seconds: (T,) time of each since the start of the video; `front_prior.PHOTO` for a still.

        """


def _pool_of_two(threads: int) -> ThreadPoolExecutor:
    """Two threads, already started, in each of which PyTorch runs on so many."""
    pool = ThreadPoolExecutor(2, "stream", limit, (threads,))
    both = Barrier(2)
    list(pool.map(lambda _: both.wait(), range(2)))
    return pool


class SideBySide(Runtime):
    """A runtime on the CPU that runs the two streams as functions of their own.

    The layers of small networks are so short that threads that share a layer spend more time waiting for each other
    than computing. So each half of the threads works on its own: one runs the experts frame by frame, the other runs
    the attention stream, and the half that finishes first takes frames from the attention stream's queue. Large
    networks run one after the other on all threads. The thread settings of the caller are not changed.
    """

    def __init__(self, network: ATSal) -> None:
        super().__init__(network)
        self.frames = network.architecture.frames_on_cpu
        threads = torch.get_num_threads()
        at_once = network.architecture.is_small and threads > 1 and can_limit()
        self.threads = threads // 2 if at_once else threads  # of a stream
        self._pool = _pool_of_two(self.threads) if at_once else None

    @abstractmethod
    def attend(self, frames: NDArray[np.uint8]) -> Floats:
        """The attention stream's maps of `run`'s frames."""

    @abstractmethod
    def watch(self, frames: NDArray[np.uint8], state: Floats | None) -> tuple[Floats, Floats]:
        """The experts' maps of `run`'s frames, and their states (T, 6, …)."""

    def run(
        self, frames: NDArray[np.uint8], state: Floats | None, streams: Sequence[Stream], height: int, seconds: Floats
    ) -> Maps:
        """Run the streams that are needed."""
        parts = needed(streams)
        watching = [self._start(lambda: self.watch(frames, state))] if "experts" in parts else []
        attending = []
        if "attention" in parts:
            attending = [self._start(partial(self.attend, frames[i : i + 1])) for i in range(len(frames))]
        started: list[Future[Any]] = [*watching, *attending]
        wait(started)  # where one fails, the others do not run on into the next call
        found: dict[Stream, Floats] = {}
        states = None
        if attending:
            found["attention"] = np.concatenate([future.result() for future in attending])
        for future in watching:
            found["experts"], states = future.result()
        half = (len(frames) + 1) // 2
        finishing = [
            self._start(partial(self._finished, {k: v[own] for k, v in found.items()}, streams, height, seconds[own]))
            for own in (slice(half), slice(half, None))
            if len(frames[own])
        ]
        done = [future.result() for future in finishing]
        return Maps({stream: np.concatenate([maps[stream] for maps in done]) for stream in streams}, states)

    def _start(self, job: Callable[[], T]) -> "Future[T]":
        """Start a job; where the streams run side by side, in the pool.

        There, not one operation of PyTorch runs in the caller's thread: its idle threads would take the cores.
        """
        if self._pool is not None:
            return self._pool.submit(job)
        done: Future[T] = Future()
        done.set_result(job())
        return done

    @torch.inference_mode()
    def _finished(
        self, parts: dict[Stream, Floats], streams: Sequence[Stream], height: int, seconds: Floats
    ) -> dict[Stream, Floats]:
        """The maps asked for, of `height` rows."""
        raw = {part: torch.from_numpy(found[:, None]) for part, found in parts.items()}
        maps = finished(self.network, raw, streams, torch.from_numpy(seconds))
        return {stream: resize_erp(found, height)[:, 0].numpy() for stream, found in maps.items()}

"""A network that is loaded into a runtime: frames and state in, maps and state out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Barrier
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.models.two_stream import ATSal
from atsal.prediction.frame_result import Floats
from atsal.prediction.runtimes.runtime import Precision, Runtime
from atsal.prediction.runtimes.threads import can_limit_threads, limit_threads
from atsal.prediction.streams import finish_maps, needed_parts
from atsal.projection import resize_erp

T = TypeVar("T")


class Maps(NamedTuple):
    """The maps of T frames, and the state of the experts after each frame."""

    streams: dict[str, Floats]  # (T, height, 2 height) float32 >= 0, of each stream that was asked for
    states: Floats | None  # (T, 6, C, S / 16, S / 16); None where the experts did not run


class Session(ABC):
    """A network that is loaded into a runtime. Only one thread at a time may use it."""

    runtime: Runtime
    frames: int = 1  # the number of consecutive frames that are best passed at once
    precision: Precision = "float32"
    device: torch.device = torch.device("cpu")

    def __init__(self, network: ATSal) -> None:
        self.network = network
        self.config = network.config

    def prepare(self, streams: Sequence[str]) -> None:  # noqa: B027 - most have nothing to prepare
        """Prepare for `run` in the background, while the first frames are read."""

    @abstractmethod
    def run(
        self, frames: NDArray[np.uint8], state: Floats | None, streams: Sequence[str], height: int, seconds: Floats
    ) -> Maps:
        """Run T consecutive frames of one video.

        Args:
            frames: (T, H, 2H, 3) uint8 RGB, H = config.erp_height.
            state: (6, C, S / 16, S / 16), the state after the frame before; None at the start of a video.
            streams: the maps to return.
            height: rows of the maps.
            seconds: (T,) the time of each frame since the start of the video; `front_prior.PHOTO` for a photo.

        """


class CpuSession(Session):
    """A session that runs the two streams as separate functions.

    The layers of small networks are so short that threads that share a layer wait for each other longer than they
    compute. So the threads are split into two halves. One half runs the experts frame by frame. The other half runs the
    attention stream. The half that finishes first takes frames from the queue of the attention stream. Large networks
    run one stream after the other on all threads. The thread settings of the caller do not change.
    """

    def __init__(self, network: ATSal) -> None:
        super().__init__(network)
        self.frames = network.architecture.frames_on_cpu
        threads = torch.get_num_threads()
        in_parallel = network.architecture.is_small and threads > 1 and can_limit_threads()
        self.threads = threads // 2 if in_parallel else threads  # of one stream
        self._pool = _start_two_threads(self.threads) if in_parallel else None

    @abstractmethod
    def run_attention(self, frames: NDArray[np.uint8]) -> Floats:
        """Return the attention stream's maps (T, h, 2h) of frames (T, H, 2H, 3)."""

    @abstractmethod
    def run_experts(self, frames: NDArray[np.uint8], state: Floats | None) -> tuple[Floats, Floats]:
        """Return the experts' maps (T, h, 2h) of frames (T, H, 2H, 3), and the states (T, 6, …) after each."""

    def run(
        self, frames: NDArray[np.uint8], state: Floats | None, streams: Sequence[str], height: int, seconds: Floats
    ) -> Maps:
        """Run the parts that the streams need."""
        parts = needed_parts(streams)
        experts = [self._submit(lambda: self.run_experts(frames, state))] if "experts" in parts else []
        attention = []
        if "attention" in parts:
            attention = [self._submit(partial(self.run_attention, frames[i : i + 1])) for i in range(len(frames))]
        submitted: list[Future[Any]] = [*experts, *attention]
        wait(submitted)  # if one fails, the others must not run on into the next call
        raw: dict[str, Floats] = {}
        states = None
        if attention:
            raw["attention"] = np.concatenate([future.result() for future in attention])
        for future in experts:
            raw["experts"], states = future.result()
        half = (len(frames) + 1) // 2
        finishing = [
            self._submit(partial(self._finish, {k: v[part] for k, v in raw.items()}, streams, height, seconds[part]))
            for part in (slice(half), slice(half, None))
            if len(frames[part])
        ]
        halves = [future.result() for future in finishing]
        return Maps({stream: np.concatenate([maps[stream] for maps in halves]) for stream in streams}, states)

    def _submit(self, job: Callable[[], T]) -> "Future[T]":
        """Start a job in the pool, where the streams run in parallel, else run it at once.

        With a pool, PyTorch must not compute in the caller's thread: its idle threads would occupy the cores.
        """
        if self._pool is not None:
            return self._pool.submit(job)
        done: Future[T] = Future()
        done.set_result(job())
        return done

    @torch.inference_mode()
    def _finish(
        self, raw: dict[str, Floats], streams: Sequence[str], height: int, seconds: Floats
    ) -> dict[str, Floats]:
        """Return the finished maps, of `height` rows."""
        tensors = {part: torch.from_numpy(maps[:, None]) for part, maps in raw.items()}
        maps = finish_maps(self.network, tensors, streams, torch.from_numpy(seconds))
        return {stream: resize_erp(found, height)[:, 0].numpy() for stream, found in maps.items()}


def _start_two_threads(threads: int) -> ThreadPoolExecutor:
    """Return a pool of two running threads, in each of which PyTorch computes on `threads` threads."""
    pool = ThreadPoolExecutor(2, "stream", limit_threads, (threads,))
    both_running = Barrier(2)
    list(pool.map(lambda _: both_running.wait(), range(2)))
    return pool

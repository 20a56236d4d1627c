"""The network as ONNX graphs that another library compiles and runs on the CPU."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.models.two_stream import ATSal
from atsal.prediction.frame_result import Floats
from atsal.prediction.runtimes.graph_cache import cached_onnx
from atsal.prediction.runtimes.onnx_graph import STATE
from atsal.prediction.runtimes.runtime import Precision, Runtime
from atsal.prediction.runtimes.session import CpuSession
from atsal.prediction.streams import PARTS, needed_parts

_tracing = Lock()  # the exporter takes one network at a time
Inputs = Mapping[str, NDArray[Any]]
Outputs = Sequence[Floats]  # in order
CompiledGraph = Callable[[Inputs], Outputs]


class GraphSession(CpuSession):
    """A graph of one frame for each stream, compiled on first use, once for each thread that runs it.

    Args:
        runtime: the runtime that compiles the graphs.
        network: a network in eval mode.
        precision: what the graphs compute in.
        compile_part: compiles a part of the network, "attention" or "experts", for `threads` threads.

    """

    def __init__(
        self,
        runtime: Runtime,
        network: ATSal,
        precision: Precision,
        compile_part: Callable[["GraphSession", str], CompiledGraph],
    ) -> None:
        super().__init__(network)
        self.runtime, self.precision = runtime, precision
        self._compile_part = compile_part
        self._idle: dict[str, list[CompiledGraph]] = {part: [] for part in PARTS}
        self._locks = {part: Lock() for part in PARTS}

    def trace(self, part: str) -> bytes:
        """Return a part as an ONNX file."""
        with _tracing:
            return cached_onnx(self.network, (part,))

    def prepare(self, streams: Sequence[str]) -> None:
        """Start to compile the parts that these streams need."""
        for part in needed_parts(streams):
            self._submit(partial(self._compile_ahead, part))

    def _compile_ahead(self, part: str) -> None:
        with self._borrow(part):
            pass

    @contextmanager
    def _borrow(self, part: str) -> Iterator[CompiledGraph]:
        """Lend a compiled part that no other thread runs."""
        with self._locks[part]:
            run = self._idle[part].pop() if self._idle[part] else self._compile_part(self, part)
        try:
            yield run
        finally:
            self._idle[part].append(run)

    def run_attention(self, frames: NDArray[np.uint8]) -> Floats:
        """Run the attention stream frame by frame."""
        with self._borrow("attention") as run, self.runtime.convert_errors():
            return np.concatenate([np.array(run({"frames": frames[i : i + 1]})[0]) for i in range(len(frames))])

    def run_experts(self, frames: NDArray[np.uint8], state: Floats | None) -> tuple[Floats, Floats]:
        """Run the experts frame by frame."""
        before = np.zeros(self.network.state_shape, np.float32) if state is None else state[None]
        maps, states = [], []
        with self._borrow("experts") as run, self.runtime.convert_errors():
            for i in range(len(frames)):
                carry = np.asarray(np.float32(i > 0 or state is not None))
                saliency, after = run({"frames": frames[i : i + 1], STATE: before, "carry": carry})
                maps.append(np.array(saliency))
                before = np.array(after)
                states.append(before)
        return np.concatenate(maps), np.concatenate(states)

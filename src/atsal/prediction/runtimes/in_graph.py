"""The network as an ONNX graph, run by OpenVINO or ONNX Runtime on the CPU."""

import importlib.util
import json
import textwrap
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from threading import Lock
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.errors import MissingDependencyError, PredictionError, install_hint
from atsal.models.two_stream import ATSal
from atsal.prediction.runtimes.base import PARTS, Floats, Precision, SideBySide, needed
from atsal.prediction.runtimes.graph import STATE
from atsal.prediction.runtimes.graph_cache import KeptGraph, cached_onnx
from atsal.prediction.streams import Stream

_tracing = Lock()  # the exporter is not made for several at a time
Inputs = Mapping[str, NDArray[Any]]
Compiled = Callable[[Inputs], Sequence[NDArray[Any]]]


class GraphRuntime(SideBySide):
    """Each stream is a graph of one frame, compiled when it is first needed: once for each thread that runs it."""

    needs: ClassVar[tuple[str, ...]]  # to import; tracing needs onnx
    extra: str  # of atsal, that brings them

    def __init__(self, network: ATSal, precision: Precision = "float32") -> None:
        super().__init__(network)
        if not self.is_installed():
            raise MissingDependencyError(
                f"runtime {self.name!r} needs the packages {' and '.join(self.needs)}: {install_hint(self.extra)}, "
                "or take runtime 'torch'"
            )
        self.precision = precision
        self._idle: dict[Stream, list[Compiled]] = {part: [] for part in PARTS}
        self._locks = {part: Lock() for part in PARTS}

    @classmethod
    def is_installed(cls) -> bool:
        """Whether what it needs is there."""
        return all(importlib.util.find_spec(package) is not None for package in cls.needs)

    @abstractmethod
    def compile(self, part: Stream) -> Compiled:
        """Prepare a part on `threads` threads: a function of named inputs that returns its outputs, in order."""

    def traced(self, part: Stream) -> bytes:
        """The part as an ONNX file."""
        with _tracing:
            return cached_onnx(self.network, (part,))

    def prepare(self, streams: Sequence[Stream]) -> None:
        """Start to compile what these streams need."""
        for part in needed(streams):
            self._start(partial(self._compile_ahead, part))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Give the errors of a runtime, which are of any kind, one of ours."""
        try:
            yield
        except Exception as error:
            reason = textwrap.shorten(str(error), 200, placeholder=" …") or type(error).__name__
            raise PredictionError(f"runtime {self.name!r} failed ({reason}); try --runtime torch") from error

    def _compile_ahead(self, part: Stream) -> None:
        with self._compiled(part):
            pass

    @contextmanager
    def _compiled(self, part: Stream) -> Iterator[Compiled]:
        """Lend a compiled part that no other thread runs."""
        with self._locks[part]:
            run = self._idle[part].pop() if self._idle[part] else self.compile(part)
        try:
            yield run
        finally:
            self._idle[part].append(run)

    def attend(self, frames: NDArray[np.uint8]) -> Floats:
        """Run the attention stream, frame by frame."""
        with self._compiled("attention") as run, self._told():
            return np.concatenate([np.array(run({"frames": frames[i : i + 1]})[0]) for i in range(len(frames))])

    def watch(self, frames: NDArray[np.uint8], state: Floats | None) -> tuple[Floats, Floats]:
        """Run the experts, frame by frame."""
        before = np.zeros(self.network.state_shape, np.float32) if state is None else state[None]
        maps, states = [], []
        with self._compiled("experts") as run, self._told():
            for i in range(len(frames)):
                carry = np.asarray(np.float32(i > 0 or state is not None))
                found, after = run({"frames": frames[i : i + 1], STATE: before, "carry": carry})
                maps.append(np.array(found))
                before = np.array(after)
                states.append(before)
        return np.concatenate(maps), np.concatenate(states)


class OpenVinoRuntime(GraphRuntime):
    """OpenVINO: two to three times as fast as PyTorch on small networks."""

    name = "openvino"
    needs = ("openvino", "onnx")
    packages = ("torch", "openvino")
    extra = "openvino"

    def compile(self, part: Stream) -> Compiled:
        """Compile for the CPU, or take what was compiled before."""
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": self.threads,
            # Where it may choose, it computes in bfloat16 on processors that can.
            "INFERENCE_PRECISION_HINT": "f32" if self.precision == "float32" else "bf16",
            "ENABLE_CPU_PINNING": False,  # pinned, two graphs would share one core
        }
        core, maker = _openvino()
        kept = KeptGraph(self.network, (part,), json.dumps([maker, settings]))
        model, known = None, kept.read()
        if known is not None:
            with suppress(RuntimeError):  # whatever is the matter with it, it can be made again
                model = core.import_model(known, "CPU", settings)
        if model is None:
            graph = self.traced(part)
            with self._told():
                model = core.compile_model(core.read_model(graph), "CPU", settings)
            if kept.path is not None:
                with suppress(RuntimeError):
                    kept.write(model.export_model().getvalue())
        with self._told():
            request = model.create_infer_request()

        def run(inputs: Inputs) -> Sequence[NDArray[Any]]:
            found = request.infer(dict(inputs), share_inputs=True, share_outputs=True)
            return list(found.values())

        return run


@cache
def _openvino() -> tuple[Any, list[str]]:
    """What compiles, one for the process, for it holds the plugin and its threads; and what its results depend on."""
    import openvino  # noqa: PLC0415 - an extra

    core = openvino.Core()
    processor = [str(core.get_property("CPU", name)) for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")]
    processor.append(torch.backends.cpu.get_cpu_capability())  # some virtual machines do not tell the name
    return core, [f"openvino {openvino.get_version()}", f"torch {torch.__version__}", *processor]


class OnnxRuntime(GraphRuntime):
    """ONNX Runtime: no faster than PyTorch; on many kinds of machine."""

    name = "onnx"
    needs = ("onnxruntime", "onnx")
    packages = ("torch", "onnxruntime")
    extra = "onnx"

    def compile(self, part: Stream) -> Compiled:
        """Open a session."""
        import onnxruntime  # noqa: PLC0415 - an extra

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        graph = self.traced(part)
        with self._told():
            session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

        def run(inputs: Inputs) -> Sequence[NDArray[Any]]:
            found: Sequence[NDArray[Any]] = session.run(None, dict(inputs))
            return found

        return run

"""OpenVINO, on the CPU: two to three times as fast as PyTorch on small networks."""

import json
from contextlib import suppress
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from atsal.prediction.runtimes.runtime import Precision, Runtime

if TYPE_CHECKING:
    import torch

    from atsal.models.two_stream import ATSal
    from atsal.prediction.runtimes.graph_session import CompiledGraph, GraphSession, Inputs, Outputs

_loading = Lock()


def _start(network: "ATSal", _device: "torch.device", precision: Precision) -> "GraphSession":
    from atsal.prediction.runtimes.graph_session import GraphSession  # noqa: PLC0415 - imports torch

    return GraphSession(OPENVINO, network, precision, _compile)


def _compile(session: "GraphSession", part: str) -> "CompiledGraph":
    """Compile a part for the CPU, or take it from the cache."""
    from atsal.prediction.runtimes.graph_cache import CachedGraph  # noqa: PLC0415 - imports torch

    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": session.threads,
        # Without this, it chooses bfloat16 on processors that have it.
        "INFERENCE_PRECISION_HINT": "f32" if session.precision == "float32" else "bf16",
        "ENABLE_CPU_PINNING": False,  # with pinning, two graphs would share one core
    }
    with _loading:
        core, depends_on = _load()
    cached = CachedGraph(session.network, (part,), json.dumps([depends_on, settings]))
    model, stored = None, cached.read()
    if stored is not None:
        with suppress(RuntimeError):  # it is compiled again then
            model = core.import_model(stored, "CPU", settings)
    if model is None:
        graph = session.trace(part)
        with OPENVINO.convert_errors():
            model = core.compile_model(core.read_model(graph), "CPU", settings)
        if cached.path is not None:
            with suppress(RuntimeError):
                cached.write(model.export_model().getvalue())
    with OPENVINO.convert_errors():
        request = model.create_infer_request()

    def run(inputs: "Inputs") -> "Outputs":
        return list(request.infer(dict(inputs), share_inputs=True, share_outputs=True).values())

    return run


@cache
def _load() -> tuple[Any, list[str]]:
    """Return the core, one for the process because it holds the plugin and its threads, and what its graphs depend on.

    The caller holds `_loading`.
    """
    import numpy as np  # noqa: PLC0415 - late, as all of this module
    import openvino  # noqa: PLC0415 - an extra
    import torch  # noqa: PLC0415

    # The first array that OpenVINO takes initialises its access to numpy. Two threads that do so at once can deadlock.
    openvino.Tensor(np.zeros(1, np.float32))
    core = openvino.Core()
    processor = [str(core.get_property("CPU", name)) for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")]
    processor.append(torch.backends.cpu.get_cpu_capability())  # some virtual machines hide the processor's name
    return core, [f"openvino {openvino.get_version()}", f"torch {torch.__version__}", *processor]


OPENVINO = Runtime(
    name="openvino",
    shows="OpenVINO, on a CPU; the fastest for lite",
    start=_start,
    imports=("openvino", "onnx"),  # onnx traces the network
    extra="openvino",
    versions_of=("torch", "openvino"),
    half_on_cpu=True,
)

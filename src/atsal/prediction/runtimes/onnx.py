"""ONNX Runtime, on the CPU: no faster than PyTorch, but it runs on many kinds of machine."""

from typing import TYPE_CHECKING

from atsal.prediction.runtimes.runtime import Precision, Runtime

if TYPE_CHECKING:
    import torch

    from atsal.models.two_stream import ATSal
    from atsal.prediction.runtimes.graph_session import CompiledGraph, GraphSession, Inputs, Outputs


def _start(network: "ATSal", _device: "torch.device", precision: Precision) -> "GraphSession":
    from atsal.prediction.runtimes.graph_session import GraphSession  # noqa: PLC0415 - imports torch

    return GraphSession(ONNX, network, precision, _compile)


def _compile(session: "GraphSession", part: str) -> "CompiledGraph":
    """Open a session of ONNX Runtime for a part."""
    import onnxruntime  # noqa: PLC0415 - an extra

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = session.threads
    options.log_severity_level = 3
    graph = session.trace(part)
    with ONNX.convert_errors():
        compiled = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def run(inputs: "Inputs") -> "Outputs":
        return list(compiled.run(None, dict(inputs)))

    return run


ONNX = Runtime(
    name="onnx",
    shows="ONNX Runtime, on a CPU",
    start=_start,
    imports=("onnxruntime", "onnx"),  # onnx traces the network
    extra="onnx",
    versions_of=("torch", "onnxruntime"),
)

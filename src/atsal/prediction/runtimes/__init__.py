"""What runs the network: PyTorch on CPU or CUDA, OpenVINO, ONNX Runtime, with one interface, held to PyTorch."""

import torch

from atsal.config import suggest_name
from atsal.errors import ConfigError
from atsal.models.two_stream import ATSal
from atsal.prediction.runtimes.base import Maps, Precision, Runtime
from atsal.prediction.runtimes.in_graph import GraphRuntime, OnnxRuntime, OpenVinoRuntime
from atsal.prediction.runtimes.in_torch import CudaRuntime, TorchRuntime

__all__ = ["GRAPH_RUNTIMES", "PRECISIONS", "RUNTIMES", "Maps", "OnnxRuntime", "Precision", "Runtime", "make_runtime"]

GRAPH_RUNTIMES: dict[str, type[GraphRuntime]] = {r.name: r for r in (OpenVinoRuntime, OnnxRuntime)}
RUNTIMES = ("auto", "torch", *GRAPH_RUNTIMES)
PRECISIONS: tuple[Precision, ...] = ("float32", "half")


def make_runtime(name: str, network: ATSal, device: torch.device, precision: Precision = "float32") -> Runtime:
    """Make the runtime of a name for a network in eval mode, which is its own from then on: it may replace layers.

    "auto" is OpenVINO on a CPU, where it is installed, for `lite` and for half precision, else PyTorch.
    Half precision is float16 on CUDA and bfloat16 in OpenVINO (where the processor has no such instructions, it stays
    with float32).
    Raises `ConfigError` for an unknown name and for what a runtime cannot do, `MissingDependencyError`.
    """
    if name not in RUNTIMES:
        raise ConfigError(f"runtime {name!r}{suggest_name(name, RUNTIMES)}")
    if precision not in PRECISIONS:
        raise ConfigError(f"precision {precision!r}{suggest_name(precision, PRECISIONS)}")
    if name == "auto":
        suits = network.config.architecture == "lite" or precision == "half"
        graph = suits and device.type == "cpu" and network.procedure == "corrected" and OpenVinoRuntime.is_installed()
        name = "openvino" if graph else "torch"
    if name == "torch":
        if device.type != "cpu":
            return CudaRuntime(network, device, precision)
        if precision == "half":
            raise ConfigError(
                "torch does not offer precision 'half' on a CPU, where it is slow: take runtime 'openvino'"
            )
        return TorchRuntime(network)
    if device.type != "cpu":
        raise ConfigError(f"runtime {name!r} runs on the CPU, not on {device}: take runtime 'torch'")
    if name == "onnx" and precision == "half":
        raise ConfigError("runtime 'onnx' computes in float32: take runtime 'openvino' for half precision")
    if network.procedure == "published":
        raise ConfigError(f"procedure 'published' does not run in {name!r}: take runtime 'torch'")
    return GRAPH_RUNTIMES[name](network, precision)

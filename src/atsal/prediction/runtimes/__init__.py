"""The runtimes: programs that run the network. Importing this needs no torch.

A runtime is declared in a module of its own and listed in `RUNTIMES`. `start_session` loads a network into one.
"""

from typing import TYPE_CHECKING, get_args

from atsal.config import suggest_name
from atsal.errors import ConfigError
from atsal.prediction.runtimes.onnx import ONNX
from atsal.prediction.runtimes.openvino import OPENVINO
from atsal.prediction.runtimes.pytorch import PYTORCH
from atsal.prediction.runtimes.runtime import Precision, Runtime

if TYPE_CHECKING:
    import torch

    from atsal.models.two_stream import ATSal
    from atsal.prediction.runtimes.session import Session

__all__ = ["PRECISIONS", "RUNTIMES", "RUNTIME_CHOICES", "Precision", "Runtime", "start_session"]

RUNTIMES = {runtime.name: runtime for runtime in (PYTORCH, OPENVINO, ONNX)}
# What a user may choose, with its help.
RUNTIME_CHOICES = {"auto": "openvino for lite on a CPU, where it is installed, else torch"} | {
    runtime.name: runtime.shows for runtime in RUNTIMES.values()
}
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


def start_session(name: str, network: "ATSal", device: "torch.device", precision: Precision = "float32") -> "Session":
    """Load a network in eval mode into the runtime of this name; "auto" chooses the fastest one.

    The session owns the network from then on and may replace its layers. Half precision is float16 on CUDA. In OpenVINO
    it is bfloat16, or float32 where the processor has no instructions for bfloat16.

    Raise `ConfigError` for an unknown name and for what the runtime cannot do, `MissingDependencyError` where it is not
    installed.
    """
    if name not in RUNTIME_CHOICES:
        raise ConfigError(f"runtime {name!r}{suggest_name(name, RUNTIME_CHOICES)}")
    if precision not in PRECISIONS:
        raise ConfigError(f"precision {precision!r}{suggest_name(precision, PRECISIONS)}")
    runtime = _fastest(network, device, precision) if name == "auto" else RUNTIMES[name]
    _check(runtime, network, device, precision)
    return runtime.start(network, device, precision)


def _fastest(network: "ATSal", device: "torch.device", precision: Precision) -> Runtime:
    suits = network.architecture.is_small or precision == "half"
    can = device.type == "cpu" and network.procedure == "corrected" and OPENVINO.is_installed()
    return OPENVINO if suits and can else PYTORCH


def _check(runtime: Runtime, network: "ATSal", device: "torch.device", precision: Precision) -> None:
    name, is_cpu = runtime.name, device.type == "cpu"
    if not is_cpu and not runtime.runs_on_gpu:
        raise ConfigError(f"runtime {name!r} runs on the CPU, not on {device}: take runtime {PYTORCH.name!r}")
    if precision == "half" and is_cpu and not runtime.half_on_cpu:
        able = " or ".join(repr(other.name) for other in RUNTIMES.values() if other.half_on_cpu)
        raise ConfigError(f"runtime {name!r} computes in float32 on a CPU: take runtime {able} for half precision")
    if network.procedure == "published" and not runtime.runs_published:
        raise ConfigError(f"procedure 'published' does not run in {name!r}: take runtime {PYTORCH.name!r}")
    runtime.check_installed()

"""PyTorch, on CPU and CUDA."""

from typing import TYPE_CHECKING

from atsal.prediction.runtimes.runtime import Precision, Runtime

if TYPE_CHECKING:
    import torch

    from atsal.models.two_stream import ATSal
    from atsal.prediction.runtimes.session import Session


def _start(network: "ATSal", device: "torch.device", precision: Precision) -> "Session":
    from atsal.prediction.runtimes.torch_sessions import CudaSession, TorchCpuSession  # noqa: PLC0415 - imports torch

    return TorchCpuSession(network) if device.type == "cpu" else CudaSession(network, device, precision)


PYTORCH = Runtime(
    name="torch",
    shows="PyTorch, on a CPU or GPU; the fastest for paper, and the first to start",
    start=_start,
    runs_on_gpu=True,
    runs_published=True,
)

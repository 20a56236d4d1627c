"""The machine on which a speed was measured, and its ceilings."""

import math
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch.nn import functional as F

from atsal.jobs.workers import usable_cores
from atsal.version import versions

T = TypeVar("T")
PACKAGES = ("atsal", "torch", "openvino", "onnxruntime", "av", "numpy")
MATRIX_SIDE = 2048
LAYERS = ((128, 160), (256, 80), (512, 40))  # channels and side of 3 x 3 convolutions, as of VGG16


def describe_machine(device: torch.device) -> dict[str, Any]:
    """Return processor, cores, system and versions, as JSON values."""
    machine: dict[str, Any] = {
        "processor": _processor(),
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions(PACKAGES),
    }
    if device.type == "cuda":
        machine["gpu"] = torch.cuda.get_device_name(device)
    return machine


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def peak_memory_mib() -> float:
    """Return the most memory that this process has used so far, in MiB; NaN where the system does not report it."""
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage includes the process that started this one
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    if sys.platform == "win32":
        return math.nan
    import resource  # noqa: PLC0415 - not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


def timed_seconds(work: Callable[[], T], device: torch.device) -> tuple[float, T]:
    """Return the seconds until the device is done, and the result."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    result = work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start, result


def matrix_rate(device: torch.device) -> float:
    """Return the GFLOP/s of a float32 matrix product, the best of three."""
    a, b = torch.rand(2, MATRIX_SIDE, MATRIX_SIDE, device=device).unbind()
    return 2 * MATRIX_SIDE**3 / min(timed_seconds(lambda: a @ b, device)[0] for _ in range(3)) / 1e9


@torch.inference_mode()
def convolution_rate(device: torch.device) -> float:
    """Return the GFLOP/s of float32 3 x 3 convolutions in PyTorch, the best of a few layers of VGG16."""
    best = 0.0
    for channels, side in LAYERS:
        x = torch.rand(1, channels, side, side, device=device).contiguous(memory_format=torch.channels_last)
        kernel = torch.rand(channels, channels, 3, 3, device=device).contiguous(memory_format=torch.channels_last)
        flops = 2 * 9 * channels**2 * side**2
        for _ in range(3):
            seconds, _ = timed_seconds(lambda: F.conv2d(x, kernel, padding=1), device)  # noqa: B023 - used at once
            best = max(best, flops / seconds)
    return best / 1e9

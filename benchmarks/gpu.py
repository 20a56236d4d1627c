"""Measure frames a second on a GPU: from frames to maps in the host's memory, and of the captured graph alone.

    python benchmarks/gpu.py

`atsal bench --device cuda` measures a video file. This script needs neither files nor weights: frames are random,
and so are the weights of `paper`.
"""

import time

import numpy as np
import torch

from atsal.models.config import ModelConfig
from atsal.models.loading import build_network, find_weights, new_parts
from atsal.models.two_stream import ATSal
from atsal.prediction.runtimes.torch_sessions import CudaSession

ROUNDS = 8


def main() -> None:
    if not torch.cuda.is_available():
        raise SystemExit("no CUDA device: nothing to measure")
    print(torch.cuda.get_device_name(), "PyTorch", torch.__version__)
    for precision in ("float32", "half"):
        measure(build_network(find_weights("lite")), precision)
    for face_size in (160, 256):
        config = ModelConfig("paper", erp_height=320, face_size=face_size)
        for precision in ("float32", "half"):
            torch.manual_seed(0)
            measure(ATSal(config, **new_parts(config)).eval(), precision)


def measure(network: ATSal, precision: str) -> None:
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    session = CudaSession(network, torch.device("cuda"), precision)
    height = network.config.erp_height
    frames = np.random.default_rng(0).integers(0, 255, (session.frames, height, 2 * height, 3), np.uint8)
    rows, times = network.config.map_height, np.arange(session.frames, dtype=np.float32) / 30
    states = session.run(frames, None, ("fused",), rows, times).states
    whole = min(timed(lambda: session.run(frames, states[-1], ("fused",), rows, times)) for _ in range(ROUNDS))
    (captured,) = session._captured.values()
    graph = min(timed(captured._graph.replay) for _ in range(ROUNDS))
    name = f"{network.config.architecture} 6x{network.config.face_size} {precision}"
    print(
        f"{name}: {session.frames / whole:.0f} frames/s, "
        f"graph alone {session.frames / graph:.0f}; held {torch.cuda.memory_reserved() / 2**30:.1f} GiB, "
        f"at most {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB",
        flush=True,
    )


def timed(job) -> float:
    torch.cuda.synchronize()
    started = time.perf_counter()
    job()
    torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

"""Speed on this machine, as ratios measured in one run: `python benchmarks/speed.py [VIDEO]`.

The floor of a network is its multiplications and additions over the matrix-multiply rate measured in between.
"""

import platform
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from atsal import load_model
from atsal.models.atsal import ATSal
from atsal.models.attention import AttentionStream
from atsal.models.config import ModelConfig
from atsal.models.salema import SalEMA
from atsal.synthetic import render_video
from atsal.video.reader import read_frames


def matmul_rate(side=3072):
    """GFLOP/s of a float32 matrix product, the best of a few."""
    a, b = torch.rand(side, side), torch.rand(side, side)
    times = []
    for _ in range(4):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return 2 * side**3 / min(times) / 1e9


def frame_seconds(network, repeats):
    """Median time of one frame, and its GFLOP."""
    frame = torch.rand(1, 3, 320, 640) * 255
    with torch.inference_mode():
        with FlopCounterMode(display=False) as counter:
            state = network(frame).state
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            state = network(frame, state).state
            times.append(time.perf_counter() - start)
    return statistics.median(times), counter.get_total_flops() / 1e9


def untrained_paper(face_size):
    config = ModelConfig(
        "paper", erp_height=320, face_size=face_size, layout="published", channel_order="bgr", scale=1.0
    )
    network = ATSal(config, AttentionStream(), SalEMA(), SalEMA()).eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last)


def clip_rates(video):
    """Frames a second of `lite` from file to maps, and of decoding and scaling alone."""
    model = load_model("lite")
    next(model.predict_video(video))
    rates = []
    for frames in (model.predict_video(video), read_frames(video, size=model.frame_size)):
        start = time.perf_counter()
        count = sum(1 for _ in frames)
        rates.append(count / (time.perf_counter() - start))
    return rates


def main():
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        video = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "scene.mp4"
        if not video.exists():
            render_video(video, seconds=5, frame_rate=30, erp_height=960, seed=0)
        whole, decoding = clip_rates(video)
        print(f"lite, file to maps      {whole:7.1f} frames/s   (decoding and scaling alone: {decoding:.0f})")
        print(f"peak memory so far      {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:7.0f} MB")
    networks = [("lite", load_model("lite").network, 20)]
    networks += [(f"paper, faces of {side}", untrained_paper(side), 2) for side in (160, 256)]
    for name, network, repeats in networks:
        before = matmul_rate()
        seconds, gflop = frame_seconds(network, repeats)
        rate = max(before, matmul_rate())
        floor = gflop / rate
        print(
            f"{name:22s} {seconds * 1e3:9.1f} ms, {gflop:6.1f} GFLOP, {seconds / floor:5.2f} x the floor "
            f"at {rate:.0f} GFLOP/s"
        )


if __name__ == "__main__":
    main()

"""What a batch brings on a CPU: the time a picture takes when one, two, four or eight go through the network at once.

    python benchmarks/batches.py

The time is that of the processor, on one thread, so that other programs do not change it much.
"""

import time

import numpy as np
import torch

from atsal.models.front_prior import PHOTO
from atsal.prediction.predictor import load_model
from atsal.video.synthetic_scene import Scene

RUNS = 20


def main() -> None:
    torch.set_num_threads(1)
    for runtime in ("openvino", "torch"):
        session = load_model("lite", runtime=runtime).session
        height = session.config.erp_height
        for count in (1, 2, 4, 8):
            frames = np.stack([Scene(seed=1).render(height, 0.0)] * count)
            seconds = np.full(count, PHOTO, np.float32)
            times = []
            for _ in range(RUNS):
                began_s = time.process_time()
                session.run(frames, None, ("fused",), height, seconds)
                times.append((time.process_time() - began_s) / count)
            print(f"{runtime}, {count} at once: {1000 * np.median(times):.1f} ms a picture")


if __name__ == "__main__":
    main()

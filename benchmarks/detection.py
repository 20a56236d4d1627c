"""Count the fixations that are detected in raw Salient360! headset logs, and measure the speed of the detection.

python benchmarks/detection.py rawDataDyn1.csv.gz rawDataStatic1.csv.gz ...
"""

import sys
import time
from pathlib import Path

import numpy as np

from atsal.gaze import GazeSamples, detect_idt, detect_ivt
from atsal.gaze.readers.salient360_raw import read_salient360_raw

METHODS = {"I-VT": detect_ivt, "I-DT": detect_idt}


def main(logs: list[Path]) -> None:
    """Print the fixations a second and their median duration for each log, then the speed on a made-up log."""
    for log in logs:
        samples = read_salient360_raw(log).records
        length_s = samples.timestamp_s[-1] - samples.timestamp_s[0]
        for direction in ("head_eye", "eye", "head"):
            for name, detect in METHODS.items():
                found = detect(samples, direction).fixations
                rate, median = len(found) / length_s, np.median(found.duration_ms)
                print(f"{log.name:28} {direction:9} {name}  {rate:5.2f} a second, {median:4.0f} ms")
    steps = np.random.default_rng(0).normal(0, 0.002, (1_000_000, 3))
    vectors = steps.cumsum(0) + np.array([0, 0, 1])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    samples = GazeSamples("made up", np.arange(len(vectors)) / 250, head_eye=vectors)
    for name, detect in METHODS.items():
        start = time.perf_counter()
        detect(samples, "head_eye")
        print(f"{len(samples)} samples, {name}: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])

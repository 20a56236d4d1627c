"""Speed of the metrics: every map metric on 320x640 maps with 100 fixations.

    python benchmarks/metrics.py

Prints maps a second: of each metric on one core, of `all_metrics` on one core and on all of them (a process each), and
the time of `all_metrics` as a ratio to a plain sort of the map's pixels, measured in the same run.
"""

import multiprocessing
import os
import time
from collections.abc import Callable

import numpy as np
import torch

from atsal.evaluation import metrics as m
from atsal.projection import solid_angle_weights

RUNS = 50


def rate(action: Callable[[], object]) -> float:
    for _ in range(3):
        action()
    started = time.perf_counter()
    for _ in range(RUNS):
        action()
    return RUNS / (time.perf_counter() - started)


def calls() -> dict[str, Callable[[], object]]:
    torch.set_num_threads(1)
    rng, weights = np.random.default_rng(0), solid_angle_weights(320)
    t, p, b = rng.random((3, 320, 640), np.float32)
    fixations, others = np.zeros((2, 320 * 640))
    np.add.at(fixations, rng.integers(0, fixations.size, 100), 1)
    np.add.at(others, rng.integers(0, others.size, 10_000), 1)
    fixations, others = fixations.reshape(320, 640), others.reshape(320, 640)
    return {
        "one sort": lambda: np.sort(p, axis=None),
        "cc": lambda: m.cc(t, p, weights=weights),
        "sim": lambda: m.sim(t, p, weights=weights),
        "kld": lambda: m.kld(t, p, weights=weights),
        "kld_symmetric": lambda: m.kld_symmetric(t, p, weights=weights),
        "nss": lambda: m.nss(p, fixations, weights=weights),
        "auc_judd": lambda: m.auc_judd(p, fixations, weights=weights),
        "auc_borji": lambda: m.auc_borji(p, fixations, weights=weights),
        "auc_shuffled": lambda: m.auc_shuffled(p, fixations, others, weights=weights),
        "information_gain": lambda: m.information_gain(p, b, fixations, weights=weights),
        "all but symmetric": lambda: m.all_metrics(
            t, p, fixations, other_fixations=others, baseline=b, weights=weights, metrics=m.METRICS[:-1]
        ),
        "all_metrics": lambda: m.all_metrics(t, p, fixations, other_fixations=others, baseline=b, weights=weights),
    }


def together(name: str) -> float:
    return rate(calls()[name])


def main() -> None:
    rates = {name: rate(call) for name, call in calls().items()}
    for name, found in rates.items():
        print(f"{name:18s}{found:8.0f} maps/s on one core")
    cores = len(os.sched_getaffinity(0))
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        for name in ("all but symmetric", "all_metrics"):
            found = sum(pool.map(together, [name] * cores, chunksize=1))
            print(f"{name:18s}{found:8.0f} maps/s on {cores} cores")
    print(f"{'all_metrics':18s}{rates['one sort'] / rates['all_metrics']:8.1f} x the time of one sort of the pixels")


if __name__ == "__main__":
    main()

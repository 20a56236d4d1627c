"""A made-up result with all that a report has to cope with."""

from dataclasses import replace

import numpy as np

from atsal.evaluation.protocol import Protocol, read_protocol
from atsal.evaluation.results import DatasetResult, ItemScores, PredictorKind, Result, Run

SPREAD = {
    "cc": (0.5, 0.1),
    "sim": (0.45, 0.07),
    "kld": (1.1, 0.25),
    "nss": (1.4, 0.3),
    "auc_judd": (0.82, 0.04),
    "auc_borji": (0.8, 0.04),
    "auc_shuffled": (0.62, 0.05),
    "information_gain": (0.5, 0.25),
    "kld_symmetric": (1.9, 0.4),
}
GOOD = {"kld": -1, "kld_symmetric": -1}
HOSTILE = '<b>bold</b> & "quoted" | $x_1$'
REASON = "no fixation in the window"


def item_scores(
    item: str,
    protocol: Protocol,
    quality: float,
    rng: np.random.Generator,
    *,
    windows: int = 4,
    without: tuple[str, ...] = (),
) -> ItemScores:
    """Scores that grow with quality; None in the first window of NSS, and everywhere for the metrics `without`."""
    by_window = {}
    for metric in protocol.metrics:
        middle, spread = SPREAD[metric]
        values: list[float | None] = list(middle + spread * (GOOD.get(metric, 1) * quality + rng.normal(size=windows)))
        by_window[metric] = (None,) * windows if metric in without else tuple(values)
    if "nss" in by_window and windows > 1:
        by_window["nss"] = (None, *by_window["nss"][1:])
    lat = 90 - (np.arange(36) + 0.5) * 5
    flat = protocol.is_planar

    def profile(width: float) -> tuple[float, ...]:
        shares = np.exp(-((lat - rng.normal() * 5) ** 2) / (2 * width**2)) * np.cos(np.radians(lat))
        return () if flat else tuple((shares / shares.sum()).tolist())

    return ItemScores(
        item,
        tuple(range(0, 6 * windows, 6)),
        by_window,
        fixations=int(rng.integers(50, 500)),
        skipped={REASON: 2},
        predicted_latitudes=profile(30 - 5 * quality),
        measured_latitudes=profile(22),
    )


def made_run(
    name: str, kind: PredictorKind, items: list[str], protocol: Protocol, quality: float, seed: int, **others: object
) -> Run:
    """A run whose items differ by the same amount for all runs: hard ones are hard for all."""
    without = others.pop("without", ())
    hard = np.random.default_rng(99).normal(size=len(items)) * 0.8
    rng = np.random.default_rng(seed)
    scores = tuple(
        item_scores(item, protocol, quality + extra, rng, without=without)
        for item, extra in zip(items, hard, strict=True)
    )
    if kind == "ceiling":
        scores = tuple(replace(found, predicted_latitudes=()) for found in scores)
    return Run(name, kind, scores, **others)


def sphere(count: int = 15) -> DatasetResult:
    """Spherical videos, twelve predictors."""
    protocol = read_protocol("vr-eyetracking")
    items = [f"video_{number:03d}" for number in range(count - 1)] + ["<b>"]
    runs = [
        made_run("uniform", "baseline", items, protocol, -2, 1, without=("cc", "nss")),
        made_run("centre", "baseline", items, protocol, -1, 2),
        made_run("equator-prior", "baseline", items, protocol, 0, 3),
        made_run("mean-of-others", "baseline", items, protocol, 0.3, 4),
        made_run("spectral-residual", "baseline", items, protocol, -0.7, 5, notes=("one map serves all windows",)),
    ]
    for number, model in enumerate(("lite", "atsal-published-vr-eyetracking-setting-ii")):
        for extra, stream in ((0, "attention"), (-0.3, "experts"), (0.4, "fused")):
            runs.append(made_run(f"{model}: {stream}", "model", items, protocol, 0.5 * number + extra, 6 + 3 * number))
    seen = made_run(
        HOSTILE, "maps", items[1:], protocol, 2.5, 20,
        seen={"was trained on": ("video_003", "video_004")},
        missing={items[0]: "no file of this item"}, settings={"maps": "maps/<b>"},
    )  # fmt: skip
    ceiling = made_run("viewers", "ceiling", items, protocol, 3, 21, notes=("the mean over 10 random halves",))
    facts = {
        "items": count,
        "fitted on": "134 items of their own",
        "viewers": 45,
        "fixations": 1_234_567,
        "licence": "for research",
        "citation": "Xu et al., Gaze Prediction in Dynamic 360° Immersive Videos, CVPR 2018",
    }
    return DatasetResult(
        "vr",
        "vr-eyetracking",
        "VR-EyeTracking",
        protocol,
        (*runs, seen, ceiling),
        facts,
        {"broken <i>": "15 of 15 items: no maps"},
    )


def planar() -> DatasetResult:
    """Flat photos: no latitudes, two metrics; the reference is not among the runs."""
    protocol = replace(read_protocol("flat-photos"), metrics=("kld", "nss"))
    items = [f"{number}.jpg" for number in range(5)]
    runs = (
        made_run("centre", "baseline", items, protocol, 0, 1),
        made_run("viewers", "ceiling", items, protocol, 2, 2),
    )
    return DatasetResult("photos", "osie", "OSIE", protocol, runs)


def single() -> DatasetResult:
    """One item: no interval."""
    protocol = read_protocol("salient360-video")
    runs = tuple(
        made_run(name, kind, ["only"], protocol, quality, 7)
        for name, kind, quality in (("equator-prior", "baseline", 0), ("lite: fused", "model", 1))
    )
    return DatasetResult("salient", "salient360-videos", "Salient360! videos", protocol, runs)


def made_result(count: int = 15) -> Result:
    """All three."""
    settings = {
        "version": "0.1.0",
        "date": "2026-01-02",
        "machine": "2 cores",
        "seed": 0,
        "resamples": 1000,
        "command": "atsal benchmark run.yaml -o out",
        "nothing": float("nan"),
        "number": np.int64(3),
    }
    return Result("Saliency <360°> & more", (sphere(count), planar(), single()), "equator-prior", settings)

"""Measure on made-up gaze what known faults do to the scores: the table of docs/metrics.md.

    python benchmarks/metric_faults.py

There are eight items of 20 made-up viewers with 6 fixations each. Most fixations lie around three places near the
equator, the others anywhere along it. The map of one half of the viewers predicts the other half. Maps have 320x640
pixels and σ 9.35°, if nothing else is stated. Every number is the mean over the items.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from atsal.evaluation import metrics as m
from atsal.gaze.maps import fixation_map, saliency_map
from atsal.gaze.records import Fixations
from atsal.projection import solid_angle_weights

HEIGHT, SIGMA, ITEMS, VIEWERS, EACH = 320, 9.35, 8, 20, 6
SPHERE = solid_angle_weights(HEIGHT).numpy()
Map = np.ndarray
Row = tuple[str, str, float, float]


def gaze(seed: int) -> tuple[Fixations, Fixations]:
    """Return the fixations of two halves of an item's viewers."""
    rng = np.random.default_rng(seed)
    count = VIEWERS * EACH
    centres = rng.uniform(-math.pi, math.pi, 3), rng.normal(0, 0.15, 3)
    place, strays = rng.integers(0, 3, count), rng.random(count) < 0.3
    lon = np.where(strays, rng.uniform(-math.pi, math.pi, count), centres[0][place] + rng.normal(0, 0.15, count))
    lat = np.where(strays, rng.normal(0, 0.35, count), centres[1][place] + rng.normal(0, 0.15, count))
    lon, lat = (lon + math.pi) % (2 * math.pi) - math.pi, lat.clip(-1.5, 1.5)
    half = count // 2
    return tuple(Fixations(np.full(half, "v"), lon[part], lat[part]) for part in (slice(half), slice(half, None)))


@dataclass
class Item:
    target: Map
    prediction: Map
    fixations: Map
    others: Map  # the fixations on the other items
    prior: Map  # of latitude alone, from the other items


def items(sigma: float = SIGMA) -> list[Item]:
    halves = [gaze(seed) for seed in range(ITEMS)]
    maps = [[saliency_map(half, HEIGHT, sigma).astype(np.float64) for half in pair] for pair in halves]
    counts = [[fixation_map(half, HEIGHT) for half in pair] for pair in halves]
    found = []
    for number in range(ITEMS):
        rest = [other for other in range(ITEMS) if other != number]
        others = sum(counts[other][0] + counts[other][1] for other in rest)
        rows = sum((maps[other][0] + maps[other][1]).mean(1, keepdims=True) for other in rest)
        prior = rows * np.ones((1, 2 * HEIGHT))
        found.append(Item(maps[number][0], maps[number][1], counts[number][0], others, prior))
    return found


def eight_bits(saliency: Map) -> Map:
    return np.floor(saliency / saliency.max() * 255)


def with_ties(prediction: Map, fixations: Map, tie: float) -> float:
    """Return the AUC-Judd where a tie counts `tie`."""
    at, free = fixations > 0, fixations == 0
    weight = np.broadcast_to(SPHERE, prediction.shape)[free]
    order = np.argsort(prediction[free])
    values, cumulated = prediction[free][order], np.r_[0, np.cumsum(weight[order])]
    below, with_equal = (cumulated[np.searchsorted(values, prediction[at], side)] for side in ("left", "right"))
    return float(np.average(below + tie * (with_equal - below), weights=fixations[at]) / cumulated[-1])


cc, sim, kld, both = (partial(f, weights=SPHERE) for f in (m.cc, m.sim, m.kld, m.kld_symmetric))
nss, auc, gain = (partial(f, weights=SPHERE) for f in (m.nss, m.auc_judd, m.information_gain))


def plain(function: Callable[..., float], fault: Callable[..., float]) -> Callable[[Item], tuple[float, float]]:
    """Return a function that gives a score of target and prediction: right and faulty."""
    return lambda i: (function(i.target, i.prediction), fault(i.target, i.prediction))


def at_fixations(function: Callable[..., float], fault: Callable[..., float]) -> Callable[[Item], tuple[float, float]]:
    """Return a function that gives a score of prediction and fixations: right, and faulty from the whole item."""
    return lambda i: (function(i.prediction, i.fixations), fault(i))


def of_width(deviation_deg: float) -> Map:
    """Return a map with a band along the equator."""
    lat = 90 - (np.arange(HEIGHT) + 0.5) / HEIGHT * 180
    return np.exp(-0.5 * (lat / deviation_deg) ** 2)[:, None] * np.ones((1, 2 * HEIGHT))


def comparisons() -> Iterator[tuple[str, str, Callable[[Item], tuple[float, float]]]]:
    """Yield (fault, name of the score, function that gives the right and the faulty score of an item)."""
    poles = np.sin(np.linspace(0, np.pi, HEIGHT)).clip(min=0)[:, None]
    noise = 1 + np.random.default_rng(0).random((HEIGHT, 2 * HEIGHT))
    band = of_width(20)
    none = "pixels counted alike, no solid angle"
    yield none, "CC", plain(cc, m.cc)
    yield none, "SIM", plain(sim, m.sim)
    yield none, "KLD", plain(kld, m.kld)
    yield none, "NSS", at_fixations(nss, lambda i: m.nss(i.prediction, i.fixations))
    yield none, "AUC-Judd", at_fixations(auc, lambda i: m.auc_judd(i.prediction, i.fixations))
    yield (
        f"{none}; the prediction is a band of 20° along the equator",
        "AUC-Judd",
        lambda i: (auc(band, i.fixations), m.auc_judd(band, i.fixations)),
    )
    sine = "weights sin(linspace(0, π, H)), 0 in the polar rows"
    yield sine, "CC", plain(cc, lambda t, p: m.cc(t, p, weights=poles))
    yield (
        f"{sine}; the prediction has 20 times its peak there",
        "CC",
        lambda i: (cc(i.target, stained(i)), m.cc(i.target, stained(i), weights=poles)),
    )
    yield (
        "both maps times the weights, then correlated; the prediction is noise",
        "CC",
        lambda i: (
            cc(1 + i.target / i.target.max(), noise),
            m.cc((1 + i.target / i.target.max()) * SPHERE, noise * SPHERE),
        ),
    )
    yield "both maps times the weights, then correlated", "CC", plain(cc, lambda t, p: m.cc(t * SPHERE, p * SPHERE))
    yield "KL(prediction ‖ target)", "KLD", plain(kld, lambda t, p: kld(p, t))
    yield "mean of both directions", "KLD", plain(kld, both)
    prior = "the prediction is the equator prior"
    yield f"KL(prediction ‖ target); {prior}", "KLD", lambda i: (kld(i.target, i.prior), kld(i.prior, i.target))
    yield f"mean of both directions; {prior}", "KLD", lambda i: (kld(i.target, i.prior), both(i.target, i.prior))
    bits = "prediction cut to 8 bits"
    yield bits, "KLD", plain(kld, lambda t, p: kld(t, eight_bits(p)))
    yield bits, "CC", plain(cc, lambda t, p: cc(t, eight_bits(p)))
    yield "target cut to 8 bits", "KLD", plain(kld, lambda t, p: kld(eight_bits(t), p))
    yield "target cut to 8 bits", "symmetric KLD", plain(both, lambda t, p: both(eight_bits(t), p))
    yield (
        "both maps cut to 8 bits, mean of both directions",
        "KLD",
        plain(kld, lambda t, p: both(eight_bits(t), eight_bits(p))),
    )
    low = "lowest value subtracted from a map with a floor of 10 %"
    yield low, "KLD", lambda i: (kld(i.target, floor(i)), kld(i.target, floor(i) - floor(i).min()))
    yield low, "SIM", lambda i: (sim(i.target, floor(i)), sim(i.target, floor(i) - floor(i).min()))
    cut = "the target map above half its peak in place of fixations"
    yield cut, "NSS", at_fixations(nss, lambda i: nss(i.prediction, np.greater(i.target, i.target.max() / 2)))
    yield cut, "AUC-Judd", at_fixations(auc, lambda i: auc(i.prediction, np.greater(i.target, i.target.max() / 2)))
    mirror = "fixations mirrored in longitude"
    yield mirror, "NSS", at_fixations(nss, lambda i: nss(i.prediction, i.fixations[:, ::-1]))
    yield mirror, "AUC-Judd", at_fixations(auc, lambda i: auc(i.prediction, i.fixations[:, ::-1]))
    yield (
        mirror,
        "information gain",
        lambda i: (gain(i.prediction, i.prior, i.fixations), gain(i.prediction, i.prior, i.fixations[:, ::-1])),
    )
    own = "averaged with the target's own score"
    yield own, "NSS", at_fixations(nss, lambda i: (nss(i.prediction, i.fixations) + nss(i.target, i.fixations)) / 2)
    yield (
        own,
        "AUC-Judd",
        at_fixations(auc, lambda i: (auc(i.prediction, i.fixations) + auc(i.target, i.fixations)) / 2),
    )
    for sign, tie in ((">=", 1.0), (">", 0.0)):
        yield (
            f"threshold `{sign}`, no half for ties; prediction in 16 steps",
            "AUC-Judd",
            partial(lambda tie, i: (auc(steps(i), i.fixations), with_ties(steps(i), i.fixations, tie)), tie),
        )
    yield (
        "all pixels as negatives, fixated ones too",
        "AUC-Judd",
        at_fixations(auc, lambda i: m.auc_shuffled(i.prediction, i.fixations, SPHERE * np.ones_like(i.fixations))),
    )
    yield (
        "the item's own fixations among the negatives",
        "shuffled AUC",
        lambda i: tuple(
            m.auc_shuffled(i.prediction, i.fixations, o) for o in (i.others, i.others + ITEMS * i.fixations)
        ),
    )
    yield (
        f"AUC-Judd in place of shuffled AUC; {prior}",
        "AUC",
        lambda i: (m.auc_shuffled(i.prior, i.fixations, i.others), auc(i.prior, i.fixations)),
    )


def floor(item: Item) -> Map:
    return item.prediction + item.prediction.max() / 10


def stained(item: Item) -> Map:
    found = item.prediction.copy()
    found[[0, -1]] = 20 * found.max()
    return found


def steps(item: Item) -> Map:
    return np.floor(item.prediction / item.prediction.max() * 15)


def main() -> None:
    torch.set_num_threads(1)  # maps are small: several threads would wait for each other
    given = items()
    print("| fault | score | right | with the fault |")
    print("|---|---|---|---|")
    for fault, name, pair in comparisons():
        right, wrong = np.mean([pair(item) for item in given], axis=0)
        print(f"| {fault} | {name} | {right:.2f} | {wrong:.2f} |")
    print()
    print("| σ of both maps | CC | SIM | KLD | symmetric KLD | NSS | AUC-Judd | information gain |")
    print("|---|---|---|---|---|---|---|---|")
    for sigma in (2.0, 5.0, 9.35):
        scores = np.mean(
            [
                [f(i.target, i.prediction) for f in (cc, sim, kld, both)]
                + [f(i.prediction, i.fixations) for f in (nss, auc)]
                + [gain(i.prediction, i.prior, i.fixations)]
                for i in (given if sigma == SIGMA else items(sigma))
            ],
            axis=0,
        )
        print(f"| {sigma:g}° | " + " | ".join(f"{value:.2f}" for value in scores) + " |")


if __name__ == "__main__":
    main()

"""A whole evaluation against a scorer that shares no code with it: from the tables of gaze and the map files on."""

import csv
import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from atsal.evaluation.benchmark import Benchmark
from atsal.evaluation.benchmark_config import BenchmarkConfig, DatasetEntry, PredictorEntry
from evaluation.conftest import ROWS

SIGMA = math.radians(8.0)
FRAMES, LENGTH = 10, 2  # of a video of the fake set, and of a window of 200 ms at 10 frames a second
LATITUDE = (0.5 - (np.arange(ROWS) + 0.5) / ROWS) * math.pi
LONGITUDE = ((np.arange(2 * ROWS) + 0.5) / (2 * ROWS) - 0.5) * 2 * math.pi
WEIGHT = np.repeat(np.cos(LATITUDE)[:, None], 2 * ROWS, 1)
WEIGHT = WEIGHT / WEIGHT.sum()


def looks(item_folder):
    with (item_folder / "fixations.csv").open() as file:
        rows = list(csv.DictReader(file))
    places = [(math.radians(float(r["lon_deg"])), math.radians(float(r["lat_deg"]))) for r in rows]
    frames = [(int(r["first_frame"]), int(r["last_frame"])) if r.get("first_frame") else None for r in rows]
    return places, frames


def measured(places):
    total = np.zeros((ROWS, 2 * ROWS))
    for lon, lat in places:
        cosine = np.sin(LATITUDE)[:, None] * math.sin(lat) + np.cos(LATITUDE)[:, None] * math.cos(lat) * np.cos(
            LONGITUDE - lon
        )
        total += np.exp(-0.5 * (np.arccos(cosine.clip(-1, 1)) / SIGMA) ** 2)
    return total


def counted(places):
    counts = np.zeros((ROWS, 2 * ROWS))
    for lon, lat in places:
        counts[int((0.5 - lat / math.pi) * ROWS), int((lon / math.pi + 1) * ROWS) % (2 * ROWS)] += 1
    return counts


def normal(density):
    return density / (density * WEIGHT).sum()


def divergence(p, q, epsilon=2.2204e-16):
    return (p * np.log(epsilon + p / (q + epsilon))).sum()


def independent(target, prediction, counts, others, prior):
    t, p, b = (normal(m) * WEIGHT for m in (target, prediction, prior))
    mean, centred = (prediction * WEIGHT).sum(), target - (target * WEIGHT).sum()
    deviation = math.sqrt((WEIGHT * (prediction - mean) ** 2).sum())
    hit, free = counts > 0, counts == 0
    labels = np.concatenate([np.ones(hit.sum()), np.zeros(free.sum())])
    shuffled = np.concatenate([np.ones(hit.sum()), np.zeros((others > 0).sum())])
    return {
        "cc": (WEIGHT * centred * (prediction - mean)).sum() / math.sqrt((WEIGHT * centred**2).sum()) / deviation,
        "sim": np.minimum(t, p).sum(),
        "kld": divergence(t, p),
        "kld_symmetric": (divergence(t, p) + divergence(p, t)) / 2,
        "nss": (counts * (prediction - mean) / deviation).sum() / counts.sum(),
        "auc_judd": roc_auc_score(
            labels,
            np.concatenate([prediction[hit], prediction[free]]),
            sample_weight=np.concatenate([counts[hit], WEIGHT[free]]),
        ),
        "auc_shuffled": roc_auc_score(
            shuffled,
            np.concatenate([prediction[hit], prediction[others > 0]]),
            sample_weight=np.concatenate([counts[hit], others[others > 0]]),
        ),
        "information_gain": (counts * np.log2(p / b)).sum() / counts.sum(),
    }


def test_scores_equal_those_of_an_independent_scorer(folder_set, maps, tmp_path):
    (tmp_path / "own.yaml").write_text(
        "title: own\ndatasets: [folder]\ndirection: head_eye\nevents: fixations\nwindow: 200ms\n"
        f"weighting: solid_angle\nerp_height: {ROWS}\nsigma_deg: 8\n"
    )
    entry = DatasetEntry(str(folder_set.folder), str(tmp_path / "own.yaml"), "own")
    config = BenchmarkConfig("test", (entry,), (PredictorEntry(maps=str(maps)),))
    result = Benchmark(config, tmp_path, tmp_path / "out").run()
    (run,) = result.datasets[0].runs
    items = {item.item: item for item in run.items}
    assert set(items) == set(folder_set.items)
    gaze = {item: looks(folder_set.folder / item) for item in folder_set.items}
    for item, found in items.items():
        places, frames = gaze[item]
        others = [name for name in gaze if name != item]
        pooled = sum(counted(gaze[name][0]) for name in others)
        profile = np.mean([normal(measured(gaze[name][0])) for name in others], 0).mean(1, keepdims=True)
        prior = 0.99 * normal(np.repeat(profile, 2 * ROWS, 1)) + 0.01
        stack = np.load(maps / f"{item}.npy").astype(float)
        spans = [(0, 0)] if item.startswith("image") else [(f, f + LENGTH - 1) for f in range(0, FRAMES, LENGTH)]
        expected = []
        for first, last in spans:
            seen = [
                place
                for place, span in zip(places, frames, strict=True)
                if item.startswith("image") or (span[0] <= last and span[1] >= first)
            ]
            prediction = np.mean([normal(stack[frame]) for frame in range(first, last + 1)], 0)
            expected.append(independent(measured(seen), prediction, counted(seen), pooled, prior))
        assert len(found.first_frames) == len(expected)
        for metric in expected[0]:
            mean = np.mean([scores[metric] for scores in expected])
            # the far tails of measured maps, below 1e-10 of their peak, are most of the symmetric KLD
            close = {"rel": 5e-3} if metric == "kld_symmetric" else {"abs": 2e-4}
            assert found.scores[metric] == pytest.approx(mean, **close), (item, metric)
        assert found.scores["auc_borji"] == pytest.approx(found.scores["auc_judd"], abs=0.05)

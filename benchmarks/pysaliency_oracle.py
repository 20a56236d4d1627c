"""Compare the metrics with pysaliency, on flat maps made from seeds.

pysaliency needs other versions of many packages, so it gets an environment of its own:

    python -m venv /tmp/pysaliency
    /tmp/pysaliency/bin/pip install torch pysaliency "setuptools<81"
    /tmp/pysaliency/bin/python benchmarks/pysaliency_oracle.py [--write]

This prints both scores and the largest difference. `--write` renews `tests/golden/pysaliency.json`, from which
`tests/evaluation/test_metrics.py` repeats the comparison without pysaliency.
"""

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests/golden/pysaliency.json"
SAMPLES, HEIGHT, WIDTH = 6, 24, 40
Arrays = dict[str, np.ndarray]


def sample(seed: int) -> Arrays:
    """Return the arguments of every metric: noise, a smooth map, or few levels with many ties and zeros, by turns."""
    rng = np.random.default_rng(seed)
    maps = rng.random((3, HEIGHT, WIDTH))
    if seed % 3 == 1:
        y, x = np.arange(HEIGHT)[:, None] / HEIGHT, np.arange(WIDTH) / WIDTH
        maps = np.stack([np.exp(-(((y - a) / 0.2) ** 2) - ((x - b) / 0.3) ** 2) for a, b in rng.random((3, 2))]) + 1e-3
    elif seed % 3 == 2:
        maps = np.floor(maps * 4)
        maps[2] += 1  # pysaliency's densities have no epsilon: no zeros in the baseline
    target, prediction, baseline = maps
    fixations, other_fixations = rng.integers(0, 3, (2, HEIGHT, WIDTH)) * (rng.random((2, HEIGHT, WIDTH)) < 0.1)
    return {
        "target": target,
        "prediction": prediction,
        "baseline": baseline,
        "fixations": fixations,
        "other_fixations": other_fixations,
    }


def pysaliency_scores(given: Arrays) -> dict[str, float]:
    import pysaliency  # noqa: PLC0415 (the tests import this file without it)
    from pysaliency import metrics  # noqa: PLC0415

    class Maps(pysaliency.SaliencyMapModel):
        def _saliency_map(self, _stimulus):
            return given["prediction"].astype(float)

    class Density(pysaliency.Model):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def _log_density(self, _stimulus):
            with np.errstate(divide="ignore"):
                return np.log(metrics.convert_saliency_map_to_density(given[self.name].astype(float)))

    def places(name, number):
        rows, columns = (np.repeat(at, given[name][given[name] > 0]) for at in np.nonzero(given[name]))
        return columns.astype(float), rows.astype(float), np.full(len(rows), number)

    images = pysaliency.Stimuli([np.full((HEIGHT, WIDTH, 3), number, np.uint8) for number in range(2)])

    def fixations(*parts):
        x, y, n = (np.concatenate(values) for values in zip(*parts, strict=True))
        return pysaliency.Fixations.create_without_history(x, y, n)

    own, both = fixations(places("fixations", 0)), fixations(places("fixations", 0), places("other_fixations", 1))
    target, prediction = given["target"].astype(float), given["prediction"].astype(float)
    first = both.n == 0
    with np.errstate(divide="ignore"):
        divergence = metrics.MIT_KLDiv(prediction, target)
    found = {
        "cc": metrics.CC(target, prediction),
        "sim": metrics.SIM(target, prediction),
        "kld": divergence,
        "nss": Maps().NSS(images, own),
        "auc_judd": Maps().AUCs(images, own, nonfixations="unfixated").mean(),
        "auc_all_pixels": Maps().AUCs(images, own, nonfixations="uniform").mean(),
        "auc_shuffled": Maps().AUCs(images, both, nonfixations="shuffled")[first].mean(),
        "information_gain": Density("prediction").information_gain(images, own, Density("baseline")),
    }
    return {name: float(value) for name, value in found.items()}


def atsal_scores(given: Arrays) -> dict[str, float]:
    from atsal.evaluation import metrics as m  # noqa: PLC0415 (`main` adds it to the path)

    t, p, b, f, o = (given[n] for n in ("target", "prediction", "baseline", "fixations", "other_fixations"))
    return {
        "cc": m.cc(t, p),
        "sim": m.sim(t, p),
        "kld": m.kld(t, p),
        "nss": m.nss(p, f),
        "auc_judd": m.auc_judd(p, f),
        "auc_all_pixels": m.auc_shuffled(p, f, np.ones_like(p)),  # every pixel once: pysaliency's "uniform"
        "auc_shuffled": m.auc_shuffled(p, f, o),
        "information_gain": m.information_gain(p, b, f),
    }


def main() -> None:
    sys.path.insert(0, str(ROOT / "src"))
    golden, largest = {}, {}
    for seed in range(SAMPLES):
        given = sample(seed)
        golden[str(seed)] = pysaliency_scores(given)
        for name, value in atsal_scores(given).items():
            expected = golden[str(seed)][name]
            print(f"{seed}  {name:18s}{expected:12.6f}{value:12.6f}")
            if np.isfinite(expected):  # log2 of a density of 0 is -inf there; atsal's stays finite because of epsilon
                largest[name] = max(largest.get(name, 0), abs(value - expected))
    for name, difference in largest.items():
        print(f"largest difference  {name:18s}{difference:10.1e}")
    if "--write" in sys.argv:
        finite = {s: {n: v for n, v in scores.items() if np.isfinite(v)} for s, scores in golden.items()}
        GOLDEN.write_text(json.dumps(finite, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Print the CC of an equator expert on the flat photos that training held out, by data set.

    python benchmarks/photos.py MODEL          a name, or a weight folder; data/ holds the prepared osie, crowd, scene

Whole photos are squeezed to squares. The ground truth has all fixations or leaves out the first of each viewer; σ
is that of the data set or 1/25 of the width. The maps are the expert's, the expert's times the mean map of the
set's other photos, and that mean map alone.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from atsal.evaluation.metrics import cc
from atsal.gaze.flat_maps import planar_saliency_map
from atsal.models.loading import find_weights, load_parts
from atsal.training.config import SourceConfig
from atsal.training.photos import without_first
from atsal.training.sources import open_prepared

SETS, FOLDS, SIZE = ("osie", "crowd", "scene"), 10, (96, 128)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--rows", type=int, default=192)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    expert = load_parts(find_weights(chosen.model))["equator"]
    rows: dict[tuple[str, str, str], list[float]] = {}
    for name in SETS:
        folder = str(chosen.data / name)
        prepared, held_out = open_prepared(SourceConfig(prepared=folder, folds=FOLDS, only_fold=0))
        _, others = open_prepared(SourceConfig(prepared=folder, folds=FOLDS, without_fold=0))
        maps = [predicted(expert, prepared.picture(item), chosen.rows) for item in held_out]
        for sigma_name, sigma in (("own", prepared.dataset.sigma_width), ("1/25", 0.04)):
            for fixations in ("but the first", "all"):

                def measured(item: str, sigma: float = sigma, fixations: str = fixations) -> np.ndarray:
                    found = prepared.fixations(item)  # noqa: B023 - used at once
                    kept = found if fixations == "all" else without_first(found)
                    return planar_saliency_map(kept, *SIZE, sigma)

                centre = np.mean([m / m.mean() for m in map(measured, others)], 0)
                targets = [measured(item) for item in held_out]
                for what, by in (
                    ("expert", maps),
                    ("× centre", [m * centre for m in maps]),
                    ("centre", [centre] * len(maps)),
                ):
                    score = np.mean([cc(t, p) for t, p in zip(targets, by, strict=True)])
                    rows.setdefault((sigma_name, fixations, what), []).append(float(score))
    print(f"{'σ':5s} {'fixations':14s} {'map':9s} " + " ".join(f"{name:>6s}" for name in (*SETS, "mean")))
    for key, scores in rows.items():
        values = " ".join(f"{score:6.3f}" for score in (*scores, np.mean(scores)))
        print(f"{key[0]:5s} {key[1]:14s} {key[2]:9s} {values}")


@torch.no_grad()
def predicted(expert: torch.nn.Module, picture: np.ndarray, rows: int) -> np.ndarray:
    image = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
    saliency, _ = expert(F.interpolate(image, (rows, rows), mode="bilinear", antialias=True))
    return F.interpolate(saliency, SIZE, mode="bilinear")[0, 0].numpy()


if __name__ == "__main__":
    main()

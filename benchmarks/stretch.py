"""Compare a saliency map that is stretched like a picture with the map of the stretched fixations.

atsal prepare avtrack360 RAW PREPARED && python benchmarks/stretch.py PREPARED
"""

import sys
from pathlib import Path

import numpy as np
import torch

from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.augmentation import Stretch
from atsal.evaluation.metrics import cc
from atsal.gaze.maps import saliency_map
from atsal.projection import solid_angle_weights

HEIGHT = 128


def main(folder: Path) -> None:
    """Print the lowest and the mean correlation over items, ends and σ."""
    prepared, weights, found = PreparedSet(folder), solid_angle_weights(HEIGHT).numpy(), []
    for item in prepared.items:
        fixations = prepared.fixations(item)
        for sigma_deg in (3.34, 9.35):
            whole = torch.from_numpy(saliency_map(fixations, HEIGHT, sigma_deg))[None, None]
            for end in ("top", "bottom"):
                stretch = Stretch(end)
                target = saliency_map(stretch.fixations(fixations), HEIGHT, sigma_deg)
                found.append(cc(target, stretch.erp(whole)[0, 0].numpy(), weights=weights))
    print(f"CC of {len(found)} pairs: at least {min(found):.4f}, on average {np.mean(found):.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

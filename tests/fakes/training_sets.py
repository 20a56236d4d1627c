"""Raw fakes of every data set that the stages of training read: `python tests/fakes/training_sets.py RAW`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest has it

from fakes.every_set import WRITERS
from fakes.fixations2d import write_fixations2d

PHOTOS = ("osie", "crowd", "scene")
SPHERE = ("salient360-images", "sitzmann", "salient360-videos", "vr-eyetracking")


def write_training_sets(root: Path) -> None:
    """A folder for each set, named as `atsal prepare` names it: 20 photos, 8 images or 2 videos each."""
    for seed, name in enumerate(PHOTOS):
        write_fixations2d(root / name, items=20, seed=seed, first="1001" if name == "osie" else "001")
    for seed, name in enumerate(SPHERE):
        WRITERS[name](root / name, items=8 if "images" in name or name == "sitzmann" else 2, seed=seed)


if __name__ == "__main__":
    write_training_sets(Path(sys.argv[1]))

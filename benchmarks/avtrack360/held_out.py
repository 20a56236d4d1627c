"""Maps of `lite` on the frames of AVTrack360, each by a model that did not see the frame.

    python benchmarks/avtrack360/held_out.py DATA -o OUT       DATA holds avtrack360/ and panoramas/

The experts are those of the package, which saw no 360° frame at all. The attention stream, the equator prior and the
exponents of the fusion are trained anew without each fold, by the recipe (`configs/lite.yaml`): about ten minutes on
two cores. Writes OUT/<stream>/<frame>.npy, which `atsal benchmark` scores.
"""

import argparse
import time
from pathlib import Path

import torch
from atsal.training.lite import Recipe, train_attention_and_fusion, write_held_out

from atsal.config import read_yaml
from atsal.models.lite import LiteExpert
from atsal.models.registry import find_bundle
from atsal.training.panoramas import read_head_frames, read_panoramas

RECIPE = Path(__file__).parents[2] / "configs" / "lite.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    chosen = parser.parse_args()
    recipe, bundle, started = read_yaml(Recipe, RECIPE), find_bundle("lite"), time.monotonic()
    equator, poles = (expert(bundle.load(part)) for part in ("equator", "poles"))
    torch.manual_seed(recipe.seed)
    frames = read_head_frames(chosen.data / "avtrack360", recipe.excluded_frames, recipe.model.map_height)
    panoramas = read_panoramas(chosen.data / "panoramas")
    _, maps = train_attention_and_fusion(
        recipe, equator, poles, frames, panoramas, lambda line: print(f"{time.monotonic() - started:6.0f} s  {line}")
    )
    write_held_out(chosen.output, maps, frames.names)


def expert(weights: dict[str, torch.Tensor]) -> LiteExpert:
    model = LiteExpert()
    model.load_state_dict(weights)
    return model.eval()


if __name__ == "__main__":
    main()

"""Write maps of `lite` on the frames of AVTrack360, each with fusion settings that were chosen without the frame.

    python benchmarks/avtrack360/held_out.py MODEL data/avtrack360 --prior PRIOR.json -o OUT

The layers were trained without any 360° gaze, and PRIOR.json was fitted on other sets (`atsal weights front`). For
each fold of frames, the sharpness and the strengths of the prior are chosen on the other folds, for the fused map
and for each stream alone. It takes some minutes on two cores. It writes OUT/<map>/<frame>.npy, which `atsal
benchmark` scores.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from atsal.models.front_prior import FrontPrior
from atsal.models.front_prior_file import read_front_priors
from atsal.models.loading import build_network, find_weights
from atsal.training.config import SourceConfig
from atsal.training.fusion import bits_per_fixation, choose, fused_density, run_streams, share_of, with_strengths
from atsal.training.sources import SphereSource
from atsal.video.image_writer import write_map_npy

FOLDS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("prepared")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--prior", type=Path, required=True, help="a front prior that was fitted on other sets")
    parser.add_argument("--exclude", nargs="*", default=["11", "12", "14", "16"], help="frames that match no clip")
    chosen = parser.parse_args()
    bundle = find_weights(chosen.model)
    prior = read_front_priors(chosen.prior).head
    source = SphereSource(SourceConfig(prepared=chosen.prepared, exclude=tuple(chosen.exclude)), bundle.config)
    measured = run_streams(build_network(bundle), source)
    fold_of = torch.from_numpy(np.random.default_rng(0).permutation(len(source.items)) % FOLDS)
    alone = with_strengths(prior, 1.0, 1.0)  # the stored strengths are for use with the content of a frame
    maps = {"prior": FrontPrior(alone, measured.counts.shape[-2])(measured.seconds)}
    for stream, share in {"fused": share_of(bundle.config), "attention": 1.0, "experts": 0.0}.items():
        maps[stream] = torch.zeros_like(measured.counts)
        for fold in range(FOLDS):
            choice = choose(measured.select(fold_of != fold), prior, share)
            edge = f"; at the edge: {', '.join(choice.on_edge())}" if choice.on_edge() else ""
            print(f"{stream} without fold {fold}: {choice}{edge}", flush=True)
            maps[stream][fold_of == fold] = fused_density(measured.select(fold_of == fold), choice, prior)
    for stream, found in maps.items():
        print(f"{stream}: {bits_per_fixation(found, measured.counts).mean():.3f} bits a fixation")
        (chosen.output / stream).mkdir(parents=True, exist_ok=True)
        for name, saliency in zip(source.items, found, strict=True):
            write_map_npy(chosen.output / stream / f"{name}.npy", saliency[0].numpy())


if __name__ == "__main__":
    main()

"""Maps of `lite` on the frames of AVTrack360, each by a model that did not see the frame.

    python benchmarks/avtrack360/held_out.py configs/lite/4-attention.yaml --experts runs/lite/6-poles/model -o OUT

The experts saw no 360° gaze at all. The attention stream is trained anew without each fold of frames, under an equator
prior without them, and the exponents of the fusion for a fold are chosen on the others: about ten minutes on two
cores. Writes OUT/<stream>/<frame>.npy, which `atsal benchmark` scores; interrupted, it goes on where it was.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from atsal.cli.parameters import cores
from atsal.models.atsal import product
from atsal.models.registry import build_network, find_bundle
from atsal.training.config import Augmentation, SourceConfig, TrainConfig, read_train_config, with_folders_resolved
from atsal.training.fusion import Measured, choose_exponents, measure
from atsal.training.priors import equator_prior
from atsal.training.run import train
from atsal.training.sources import SphereSource
from atsal.training.trainer import Machine
from atsal.video.maps import write_map_npy
from atsal.workers import run_each

FOLDS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--experts", type=Path, help="weight folder whose experts take the place of the start's")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    chosen = parser.parse_args()
    config = with_folders_resolved(read_train_config(chosen.config, tuple(chosen.overrides)))
    job = partial(train_without, config=config, output=chosen.output)
    for fold, run in run_each(job, range(FOLDS), cores()):
        print(f"without fold {fold}: {run}", flush=True)
    names: list[str] = []
    found, priors = [], []
    for fold in range(FOLDS):
        bundle = find_bundle(run_folder(chosen.output, fold) / "model")
        network = build_network(bundle)
        if chosen.experts is not None:
            others = build_network(find_bundle(chosen.experts))
            network.equator, network.poles = others.equator, others.poles
        kept = SphereSource(replace(config.prior, folds=FOLDS, only_fold=fold), bundle.config, Augmentation())
        names += kept.items
        found.append(measure(network, kept))
        seen = replace(config.prior, folds=FOLDS, without_fold=fold)
        priors.append(equator_prior(seen, bundle.config.map_height))
    fold_of = torch.tensor([fold for fold, part in enumerate(found) for _ in part.target])
    all_maps = Measured(*(torch.cat(kind) for kind in zip(*found, strict=True)))
    exponents = [choose_exponents(all_maps.of(fold_of != fold)) for fold in range(FOLDS)]
    print(f"exponents of the folds {exponents}; on all frames {choose_exponents(all_maps)}")
    for name, fold, attention, experts in zip(names, fold_of, all_maps.attention, all_maps.experts, strict=True):
        prior = priors[fold][:, None].expand(attention.shape[-2:])
        maps = {
            "attention": attention,
            "experts": experts,
            "experts x prior": experts * prior,
            "prior": prior[None],
            "fused": product(attention, experts, *exponents[fold]),
        }
        for stream, saliency in maps.items():
            (chosen.output / stream).mkdir(parents=True, exist_ok=True)
            write_map_npy(chosen.output / stream / f"{name}.npy", saliency[0].numpy())


def run_folder(output: Path, fold: int) -> Path:
    return output / "runs" / f"fold-{fold}"


def train_without(fold: int, *, config: TrainConfig, output: Path) -> Path:
    torch.set_num_threads(1)
    train(without_fold(config, fold), run_folder(output, fold), Machine(torch.device("cpu"), 0, 1000))
    return run_folder(output, fold)


def without_fold(config: TrainConfig, fold: int) -> TrainConfig:
    """The same training, its prior and whatever it learns of the prior's set without a fold of frames."""

    def cut(source: SourceConfig) -> SourceConfig:
        is_measured = config.prior is not None and source.prepared == config.prior.prepared
        return replace(source, folds=FOLDS, without_fold=fold) if is_measured else source

    return replace(config, train=tuple(map(cut, config.train)), prior=cut(config.prior))


if __name__ == "__main__":
    main()

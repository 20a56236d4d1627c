"""The exponents of the fusion, chosen on measured maps: the product is `attention ** a * experts ** b`."""

import dataclasses
import itertools
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from atsal.errors import OutputError
from atsal.models.atsal import ATSal, product
from atsal.models.bundle import PARTS, check_target, write_bundle
from atsal.models.registry import build_network, find_bundle
from atsal.projection import solid_angle_weights
from atsal.training.config import Augmentation, SourceConfig
from atsal.training.losses import kld_cc
from atsal.training.plan import Key
from atsal.training.sources import SphereSource

EXPONENTS = (0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 1.0, 1.25)


class Measured(NamedTuple):
    """Maps (N, 1, h, 2h) of both streams on the first frames of N items, and the measured ones."""

    attention: Tensor
    experts: Tensor
    target: Tensor

    def of(self, items: Tensor) -> "Measured":
        """Only some of the items."""
        return Measured(self.attention[items], self.experts[items], self.target[items])


@torch.no_grad()
def measure(network: ATSal, source: SphereSource) -> Measured:
    """Run both streams on the first frame of each item of a source."""
    maps = []
    for item in range(len(source.items)):
        sample = source.plain(Key(0, item))
        found = network(sample.frames[:, 0].float())
        maps.append((found.attention, found.experts, sample.maps[:, 0]))
    return Measured(*(torch.cat(kind) for kind in zip(*maps, strict=True)))


def choose_exponents(measured: Measured) -> tuple[float, float]:
    """The exponents of attention and experts with the smallest KLD - CC, weighted by solid angle."""
    weights = solid_angle_weights(measured.target.shape[-2]).float()

    def loss(exponents: tuple[float, float]) -> float:
        return kld_cc(product(measured.attention, measured.experts, *exponents), measured.target, weights).item()

    return min(itertools.product(EXPONENTS, EXPONENTS), key=loss)


def fuse(model: Path | str, source: SourceConfig, output: Path, *, half: bool, overwrite: bool) -> tuple[float, float]:
    """Write a weight folder like `model` with the exponents that suit the source best; returns them."""
    bundle = find_bundle(model)
    if output.exists() and output.samefile(bundle.folder):
        raise OutputError(f"{output}: is the model that is read; give another folder")
    check_target(output, overwrite=overwrite)
    network = build_network(bundle)
    opened = SphereSource(source, bundle.config, Augmentation())
    chosen = choose_exponents(measure(network, opened))
    config = dataclasses.replace(bundle.config, attention_exponent=chosen[0], experts_exponent=chosen[1])
    noted = {"dataset": opened.name, "items": list(opened.items), "sigma_deg": opened.sigma_deg}
    provenance = {**bundle.provenance, "exponents_chosen_on": noted}
    parts = {part: bundle.load(part) for part in PARTS}
    write_bundle(output, config, parts, provenance, overwrite=overwrite, half=half)
    return chosen

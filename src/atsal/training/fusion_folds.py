"""Choose the fusion for each fold of a set's items on the other folds, so that the set can score the result."""

from dataclasses import replace
from pathlib import Path

import torch

from atsal.models.directions import check_direction
from atsal.models.front_prior_file import FRONT_PRIOR, read_front_priors
from atsal.models.fusion_folds import FORMAT, FusionFold, FusionFolds, write_fusion_folds
from atsal.models.loading import build_network
from atsal.training.config import SourceConfig
from atsal.training.fusion import Choice, FusionFrames, choose, fitted_direction, open_lite, run_streams, share_of
from atsal.training.sources import SphereSource


def choose_folds(
    model: Path | str,
    source: SourceConfig,
    output: Path,
    *,
    folds: int,
    direction: str | None = None,
    prior: Path = FRONT_PRIOR,
) -> list[Choice]:
    """Write the settings of each fold to a file (`models.fusion_folds`), and return the choices.

    `direction` and `prior` are those of `fusion.fuse`, which also says what is raised.
    """
    bundle = open_lite(model)
    parts = [SphereSource(replace(source, folds=folds, only_fold=fold), bundle.config) for fold in range(folds)]
    measured = check_direction(direction or parts[0].prepared.preparation.direction)
    priors = read_front_priors(prior)
    network = build_network(bundle)
    frames = [run_streams(network, part) for part in parts]
    choices = [
        choose(_joined(frames, without=fold), priors.of(measured), share_of(bundle.config)) for fold in range(folds)
    ]
    is_photos = bool((frames[0].seconds < 0).all())
    settings = [fitted_direction(choice, priors.of(measured), photos=is_photos) for choice in choices]
    chosen = tuple(FusionFold(part.items, setting) for part, setting in zip(parts, settings, strict=True))
    document = FusionFolds(FORMAT, bundle.checksum, parts[0].name, measured, priors.sources, chosen)
    write_fusion_folds(output, document)
    return choices


def _joined(frames: list[FusionFrames], *, without: int) -> FusionFrames:
    others = [found for fold, found in enumerate(frames) if fold != without]
    return FusionFrames(*(torch.cat(tensors) for tensors in zip(*others, strict=True)))

"""The equator prior: where people look on a sphere whatever it shows, by latitude."""

import torch
from torch import Tensor

from atsal.errors import DataError
from atsal.gaze.maps import saliency_map
from atsal.gaze.records import Fixations
from atsal.projection import solid_angle_weights
from atsal.training.config import SourceConfig
from atsal.training.sources import open_prepared


def equator_prior(config: SourceConfig, height: int) -> Tensor:
    """The mean density of each row over the items of a prepared set, (height,), of spherical mean 1."""
    prepared, items = open_prepared(config)
    sigma = config.sigma_deg or prepared.preparation.sphere_sigma_deg
    weight = solid_angle_weights(height)[:, 0]
    profiles = []
    for item in items:
        fixations = prepared.fixations(item)
        if not isinstance(fixations, Fixations):
            raise DataError(f"{prepared.folder}: flat photos have no equator; give a 360° set as prior")
        if len(fixations):
            rows = torch.from_numpy(saliency_map(fixations, height, sigma)).double().mean(1)
            profiles.append(rows * weight.sum() / (rows * weight).sum())
    if not profiles:
        raise DataError(f"{prepared.folder}: no fixation on {', '.join(items[:3])}, …; an equator prior needs some")
    return torch.stack(profiles).mean(0).float()


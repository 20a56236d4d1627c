"""Fit the front prior to logs of head directions by maximum likelihood. docs/models/front-prior.md has the results.

Every set has the same weight, and so has every video of a set. The prior is separable, so its likelihood depends only
on the histograms of latitude, and of longitude and time.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import torch
from torch import Tensor

from atsal.errors import DataError
from atsal.models import Direction
from atsal.models.front_prior import (
    FrontPriorConfig,
    LatitudeProfile,
    LongitudeProfile,
    Number,
    latitude_values,
    longitude_values,
    peak_values,
)
from atsal.models.front_prior_file import FrontPriors
from atsal.training.head_logs import LATITUDES, LONGITUDES, TIME_STEP_S, TIMES, HeadHistogram, HeadLog

# Share and spread of the viewers who start at the front. They are not fitted: in a laboratory all or none start there.
START, START_DEG = 0.4, 10.0
EYES_LOWER_DEG = 3.0  # than heads
STRENGTHS: dict[Direction, tuple[float, float]] = {"head_eye": (1.1, 0.3), "head": (0.65, 0.3)}  # of videos, photos
_EARLY_S = 4.0
_MAX_STEPS = 500  # of L-BFGS, which needs some tens
_UNIFORM_SHARE = 1e-3  # of the density, so that it is nowhere 0
_RANGES = {  # of each free parameter: lowest value, highest value, start
    "centre_deg": (-45.0, 45.0, 0.0),
    "narrow_lat_deg": (2.0, 40.0, 8.0),
    "broad_lat_deg": (5.0, 120.0, 25.0),
    "broad_lat": (0.0, 5.0, 0.3),
    "floor": (0.0, 2.0, 0.01),
    "narrow_deg": (3.0, 60.0, 12.0),
    "narrow": (0.0, 1.0, 0.2),
    "broad_deg": (10.0, 120.0, 45.0),
    "broad_of_rest": (0.0, 1.0, 0.5),  # share of what the narrow peak leaves
    "fading_s": (0.2, 20.0, 3.0),
}


def fit_front(logs: Sequence[HeadLog]) -> FrontPriorConfig:
    """Return the most likely prior, at strength 1. Every set has the same weight.

    Raise `DataError` if every set is used for its latitudes alone, or if the fit fails.
    """
    with_longitude = [log.histogram for log in logs if log.source.used == "all"]
    if not with_longitude:
        raise DataError("no head directions; a front prior needs some")
    density = _BinnedDensity()
    latitude = torch.from_numpy(HeadHistogram.mean(log.histogram for log in logs).latitude)
    longitude = torch.from_numpy(HeadHistogram.mean(with_longitude).longitude)
    low, high, start = torch.tensor(list(_RANGES.values()), dtype=torch.float64).T
    free = torch.logit((start - low) / (high - low)).requires_grad_()
    optimiser = torch.optim.LBFGS([free], max_iter=_MAX_STEPS, line_search_fn="strong_wolfe", tolerance_change=1e-12)

    def loss() -> Tensor:
        optimiser.zero_grad()
        prior = _PriorValues.from_free(low + (high - low) * torch.sigmoid(free))
        likelihood = (latitude * density.log_latitude(prior)).sum() + (longitude * density.log_longitude(prior)).sum()
        (-likelihood).backward()  # type: ignore[no-untyped-call]
        return -likelihood.detach()

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        values = low + (high - low) * torch.sigmoid(free)
    if not values.isfinite().all():
        raise DataError("no front prior fits these head directions; look at them")
    return _PriorValues.from_free(values).to_config()


def fit_priors(logs: Sequence[HeadLog]) -> FrontPriors:
    """Return the priors of heads and of eyes, which look lower, with `STRENGTHS`."""
    heads = fit_front(logs)
    lower = round(heads.latitude.centre_deg - EYES_LOWER_DEG, 4)
    eyes = replace(heads, latitude=replace(heads.latitude, centre_deg=lower))
    (eyes_video, eyes_photo), (heads_video, heads_photo) = STRENGTHS["head_eye"], STRENGTHS["head"]
    return FrontPriors(
        "atsal front priors 1",
        head_eye=replace(eyes, video_strength=eyes_video, photo_strength=eyes_photo),
        head=replace(heads, video_strength=heads_video, photo_strength=heads_photo),
        sources=tuple(log.source for log in logs),
    )


def held_out_gains(logs: Sequence[HeadLog]) -> Iterator[tuple[str, tuple[float, float, float]]]:
    """Yield the `front_gain` on each set of the prior that is fitted to the others: in all, before 4 s, and later.

    Sets that are used for their latitudes alone are not tested.
    """
    for log in logs:
        if log.source.used == "all":
            fitted = fit_front([other for other in logs if other is not log])
            spans = ((0.0, math.inf), (0.0, _EARLY_S), (_EARLY_S, math.inf))
            total, early, later = (front_gain(fitted, log.histogram, *span) for span in spans)
            yield log.source.name, (total, early, later)


def front_gain(
    config: FrontPriorConfig, histogram: HeadHistogram, from_s: float = 0.0, to_s: float = math.inf
) -> float:
    """Return the gain of the longitudes over the latitudes alone, in bits a head direction, from `from_s` to `to_s`.

    The prior has the config's strength for videos.
    """
    density = _BinnedDensity().log_longitude(_PriorValues.from_config(config), config.video_strength)
    time = torch.arange(TIMES) * TIME_STEP_S
    in_span = (time >= from_s) & (time < to_s)
    counts = torch.from_numpy(histogram.longitude)[in_span]
    return float((counts * density[in_span]).sum() / counts.sum()) / math.log(2)


class _PriorValues(NamedTuple):
    """The parameters of a prior, as arguments of `latitude_values` and `longitude_values`."""

    latitude: dict[str, Number]
    longitude: dict[str, Number]
    start: float
    start_deg: float
    fading_s: Number

    @classmethod
    def from_free(cls, values: Tensor) -> Self:
        """Compute them from the free parameters, in the order of `_RANGES`."""
        centre, narrow_lat, broad_lat, height, floor, narrow_deg, narrow, broad_deg, of_rest, fading = values.unbind()
        broad = of_rest * (1 - narrow) * (1 - _UNIFORM_SHARE)
        return cls(
            {"centre_deg": centre, "narrow_deg": narrow_lat, "broad_deg": broad_lat, "broad": height, "floor": floor},
            {"narrow_deg": narrow_deg, "narrow": narrow, "broad_deg": broad_deg, "broad": broad},
            START,
            START_DEG,
            fading,
        )

    @classmethod
    def from_config(cls, config: FrontPriorConfig) -> Self:
        """Take them from a config."""
        return cls(vars(config.latitude), vars(config.longitude), config.start, config.start_deg, config.fading_s)

    def to_config(self) -> FrontPriorConfig:
        """Return the config, rounded to four significant digits."""
        latitude = LatitudeProfile(**{name: _rounded(value) for name, value in self.latitude.items()})
        longitude = LongitudeProfile(**{name: _rounded(value) for name, value in self.longitude.items()})
        return FrontPriorConfig(latitude, longitude, self.start, self.start_deg, _rounded(self.fading_s))


def _rounded(value: Number) -> float:
    return float(f"{float(value):.4g}")


class _BinnedDensity:
    """The natural logarithms of a prior's density over the uniform density, in the bins of a `HeadHistogram`."""

    def __init__(self) -> None:
        edges = torch.linspace(-90.5, 90.5, LATITUDES + 1, dtype=torch.float64).clamp(-90, 90).deg2rad()
        self._solid_angle = edges.sin().diff() / 2  # of each bin, as a share of the sphere
        self._lat = torch.linspace(-90, 90, LATITUDES, dtype=torch.float64).deg2rad()
        self._lon = (torch.arange(LONGITUDES, dtype=torch.float64) - LONGITUDES // 2).deg2rad()
        self._seconds = torch.arange(TIMES, dtype=torch.float64)[:, None] * TIME_STEP_S

    def log_latitude(self, prior: _PriorValues) -> Tensor:
        """Return (LATITUDES,)."""
        density = latitude_values(self._lat, **prior.latitude)
        return (density / (density * self._solid_angle).sum()).log()

    def log_longitude(self, prior: _PriorValues, strength: float = 1.0) -> Tensor:
        """Return (TIMES, LONGITUDES)."""
        longitude = longitude_values(self._lon, **prior.longitude)
        peak = peak_values(self._lon, prior.start_deg)
        at_start = prior.start * torch.exp(-self._seconds / prior.fading_s)
        density = strength * ((1 - at_start) * longitude + at_start * peak).log()
        return density - density.exp().mean(1, keepdim=True).log()

"""The front prior, fitted to logs of head directions by greatest likelihood; docs/models/front-prior.md has results.

Sets count the same, whatever their size, and so do the videos of a set. The prior is separable, so that counts by
latitude, and by longitude and time, are all that its likelihood depends on.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import torch
from torch import Tensor

from atsal.errors import DataError
from atsal.models.directions import Direction
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
from atsal.training.head_logs import LATITUDES, LONGITUDES, TIME_STEP_S, TIMES, HeadLog, Looks

# Share and spread of the viewers who begin at the front. Not fitted: laboratories have all begin there, or nobody.
START, START_DEG = 0.4, 10.0
EYES_LOWER_DEG = 3.0  # than heads
STRENGTHS: dict[Direction, tuple[float, float]] = {"head_eye": (1.1, 0.3), "head": (0.65, 0.3)}  # of videos, photos
_EARLY_S = 4.0
_STEPS = 500  # of L-BFGS at most; it takes some tens
_EVENLY = 1e-3  # at least that share of all looks lies anywhere: the density is nowhere 0
_FREE = {  # name: the range in which it is sought, and where from
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
    """The parameters, at strength 1, under which the looks of the sets are likeliest; each set counts the same.

    Raises `DataError` where no set is used as a whole, and where nothing fits.
    """
    whole = [log.looks for log in logs if log.source.used == "all"]
    if not whole:
        raise DataError("no head directions; a front prior needs some")
    density = _BinnedDensity()
    latitude = torch.from_numpy(Looks.mean(log.looks for log in logs).latitude)
    longitude = torch.from_numpy(Looks.mean(whole).longitude)
    low, high, start = torch.tensor(list(_FREE.values()), dtype=torch.float64).T
    free = torch.logit((start - low) / (high - low)).requires_grad_()
    optimiser = torch.optim.LBFGS([free], max_iter=_STEPS, line_search_fn="strong_wolfe", tolerance_change=1e-12)

    def loss() -> Tensor:
        optimiser.zero_grad()
        found = _Parameters.of(low + (high - low) * torch.sigmoid(free))
        likelihood = (latitude * density.log_latitude(found)).sum() + (longitude * density.log_longitude(found)).sum()
        (-likelihood).backward()  # type: ignore[no-untyped-call]
        return -likelihood.detach()

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        values = low + (high - low) * torch.sigmoid(free)
    if not values.isfinite().all():
        raise DataError("no front prior fits these head directions; look at them")
    return _Parameters.of(values).config()


def fitted_priors(logs: Sequence[HeadLog]) -> FrontPriors:
    """What is stored of a fit; eyes look lower than heads; strengths as configured."""
    heads = fit_front(logs)
    lower = round(heads.latitude.centre_deg - EYES_LOWER_DEG, 4)
    eyes = replace(heads, latitude=replace(heads.latitude, centre_deg=lower))
    return FrontPriors(
        "atsal front priors 1",
        head_eye=_of_strength(eyes, *STRENGTHS["head_eye"]),
        head=_of_strength(heads, *STRENGTHS["head"]),
        sources=tuple(log.source for log in logs),
    )


def _of_strength(prior: FrontPriorConfig, video: float, photo: float) -> FrontPriorConfig:
    return replace(prior, video_strength=video, photo_strength=photo)


def held_out_gains(logs: Sequence[HeadLog]) -> Iterator[tuple[str, tuple[float, float, float]]]:
    """By name of each set that is used as a whole: the `front_gain` there of what is fitted on the others.

    Of all looks, of those before 4 s, and of those later.
    """
    for log in logs:
        if log.source.used == "all":
            fitted = fit_front([other for other in logs if other is not log])
            spans = ((0.0, math.inf), (0.0, _EARLY_S), (_EARLY_S, math.inf))
            whole, early, later = (front_gain(fitted, log.looks, *span) for span in spans)
            yield log.source.name, (whole, early, later)


def front_gain(config: FrontPriorConfig, looks: Looks, from_s: float = 0.0, to_s: float = math.inf) -> float:
    """Bits a look that the longitude's part says over latitude alone, of looks from `from_s` up to before `to_s`.

    At the config's strength for videos.
    """
    density = _BinnedDensity().log_longitude(_Parameters.stored(config), config.video_strength)
    time = torch.arange(TIMES) * TIME_STEP_S
    counts = torch.from_numpy(looks.longitude)[(time >= from_s) & (time < to_s)]
    gain = (counts * density[(time >= from_s) & (time < to_s)]).sum() / counts.sum()
    return float(gain) / math.log(2)


class _Parameters(NamedTuple):
    latitude: dict[str, Number]  # as of `latitude_values`
    longitude: dict[str, Number]
    start: float
    start_deg: float
    fading_s: Number

    @classmethod
    def of(cls, values: Tensor) -> Self:
        """From the values of `_FREE`."""
        centre, narrow_lat, broad_lat, height, floor, narrow_deg, narrow, broad_deg, of_rest, fading = values.unbind()
        latitude = {"centre_deg": centre, "narrow_deg": narrow_lat, "broad_deg": broad_lat, "broad": height}
        broad = of_rest * (1 - narrow) * (1 - _EVENLY)
        longitude = {"narrow_deg": narrow_deg, "narrow": narrow, "broad_deg": broad_deg, "broad": broad}
        return cls({**latitude, "floor": floor}, {**longitude}, START, START_DEG, fading)

    @classmethod
    def stored(cls, config: FrontPriorConfig) -> Self:
        """Those of a config."""
        return cls(vars(config.latitude), vars(config.longitude), config.start, config.start_deg, config.fading_s)

    def config(self) -> FrontPriorConfig:
        """To four digits: more say nothing."""
        latitude, longitude = (
            {name: _rounded(value) for name, value in part.items()} for part in (self.latitude, self.longitude)
        )
        profiles = LatitudeProfile(**latitude), LongitudeProfile(**longitude)
        return FrontPriorConfig(*profiles, self.start, self.start_deg, _rounded(self.fading_s))


def _rounded(value: Number) -> float:
    return float(f"{float(value):.4g}")


class _BinnedDensity:
    """What a prior says of the bins of `Looks`: natural logarithms of densities over uniform."""

    def __init__(self) -> None:
        edges = torch.linspace(-90.5, 90.5, LATITUDES + 1, dtype=torch.float64).clamp(-90, 90).deg2rad()
        self._solid_angle = edges.sin().diff() / 2  # of each bin, as a share of the sphere
        self._lat = torch.linspace(-90, 90, LATITUDES, dtype=torch.float64).deg2rad()
        self._lon = (torch.arange(LONGITUDES, dtype=torch.float64) - LONGITUDES // 2).deg2rad()
        self._seconds = torch.arange(TIMES, dtype=torch.float64)[:, None] * TIME_STEP_S

    def log_latitude(self, parameters: _Parameters) -> Tensor:
        """(LATITUDES,)."""
        density = latitude_values(self._lat, **parameters.latitude)
        return (density / (density * self._solid_angle).sum()).log()

    def log_longitude(self, parameters: _Parameters, strength: float = 1.0) -> Tensor:
        """(TIMES, LONGITUDES)."""
        longitude = longitude_values(self._lon, **parameters.longitude)
        peak = peak_values(self._lon, parameters.start_deg)
        fresh = parameters.start * torch.exp(-self._seconds / parameters.fading_s)
        density = strength * ((1 - fresh) * longitude + fresh * peak).log()
        return density - density.exp().mean(1, keepdim=True).log()

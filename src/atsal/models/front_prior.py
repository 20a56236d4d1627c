"""Where people look in 360° films, whatever they show: a density by latitude, longitude from the front, and time.

Makers compose around the front of the picture, films begin there, and viewers return to it even if they start
elsewhere. The density is separable, symmetric in longitude, and has few parameters:

    p(lon, lat, t) ~ latitude(lat) * ((1 - s) longitude(lon) + s peak(lon)),  s = start * exp(-t / fading_s)

A map of a frame's content already contains part of this. So when they are multiplied, both factors are raised to
powers, their strengths. Photos have no time: they have `s = 0` and a strength of their own.
`atsal.training.fit_front_prior` fits the prior to logs of head directions. docs/models/front-prior.md has the figures.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from atsal.config import check_range
from atsal.errors import ConfigError
from atsal.projection.sampling import ConstantTensor
from atsal.projection.sphere import erp_latitudes, erp_longitudes, solid_angle_weights

PHOTO = -1.0  # in place of the seconds since the start, for a still image
_MIN_FACTOR = 1e-3  # of the mean: the least value of each factor, so that no power of it is 0 in float32
Number = float | Tensor  # in a fit, the varied parameters are tensors with one value


def latitude_values(
    lat_rad: Tensor, centre_deg: Number, narrow_deg: Number, broad_deg: Number, broad: Number, floor: Number
) -> Tensor:
    """Return the values of a `LatitudeProfile` with these parameters."""
    distance = torch.rad2deg(lat_rad) - centre_deg
    narrow, wide = (torch.exp(-0.5 * (distance / sigma) ** 2) for sigma in (narrow_deg, broad_deg))
    return narrow + broad * wide + floor


def longitude_values(lon_rad: Tensor, narrow_deg: Number, narrow: Number, broad_deg: Number, broad: Number) -> Tensor:
    """Return the values of a `LongitudeProfile` with these parameters."""
    return 1 - narrow - broad + narrow * peak_values(lon_rad, narrow_deg) + broad * peak_values(lon_rad, broad_deg)


def peak_values(lon_rad: Tensor, width_deg: Number) -> Tensor:
    """Return a von Mises density around longitude 0, relative to the uniform density.

    `width_deg` is 1 / sqrt(kappa), close to a standard deviation.
    """
    kappa = torch.as_tensor(width_deg).to(lon_rad).deg2rad() ** -2
    mean: Tensor = torch.special.i0e(kappa)
    return torch.exp(kappa * (torch.cos(lon_rad) - 1)) / mean


@dataclass(frozen=True)
class LatitudeProfile:
    """Density by latitude: a narrow and a broad Gaussian around one centre, on a floor."""

    centre_deg: float
    narrow_deg: float  # standard deviations
    broad_deg: float
    broad: float  # height of the broad Gaussian; the narrow one has height 1
    floor: float  # in the same unit

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values that make no density."""
        check_range(self, centre_deg=(-90, 90), narrow_deg=(1, 90), broad_deg=(1, 180), broad=(0, 100), floor=(0, 100))

    def __call__(self, lat_rad: Tensor) -> Tensor:
        """Return the values at latitudes, up to a factor."""
        return latitude_values(lat_rad, self.centre_deg, self.narrow_deg, self.broad_deg, self.broad, self.floor)


@dataclass(frozen=True)
class LongitudeProfile:
    """Density by longitude from the front: two von Mises peaks there, the rest uniform."""

    narrow_deg: float  # widths, see `peak_values`
    narrow: float  # shares of the total
    broad_deg: float
    broad: float

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values that make no density."""
        check_range(self, narrow_deg=(1, 180), broad_deg=(1, 180), narrow=(0, 1), broad=(0, 1))
        if not self.narrow + self.broad < 1:
            raise ConfigError(f"narrow {self.narrow} and broad {self.broad}: expected shares with a sum below 1")

    def __call__(self, lon_rad: Tensor) -> Tensor:
        """Return the values at longitudes; their mean over the circle is 1."""
        return longitude_values(lon_rad, self.narrow_deg, self.narrow, self.broad_deg, self.broad)


@dataclass(frozen=True)
class FrontPriorConfig:
    """The parameters of the prior, as they are stored."""

    latitude: LatitudeProfile
    longitude: LongitudeProfile
    start: float  # share of viewers who begin at the front, at most 0.99: the density must be above 0 elsewhere
    start_deg: float  # width of the peak in which they begin, see `peak_values`
    fading_s: float  # time in which the share falls to 1 / e
    latitude_strength: float = 1.0  # powers of the two factors
    video_strength: float = 1.0
    photo_strength: float = 1.0

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values out of range, also for those that make the density 0 or infinite somewhere."""
        check_range(self, start=(0, 0.99), start_deg=(1, 180), fading_s=(0.1, 1000))
        check_range(self, latitude_strength=(0, 3), video_strength=(0, 3), photo_strength=(0, 3))


class FrontPrior:
    """The prior on an ERP grid.

    Args:
        config: the parameters.
        rows: height of the maps.
        front_deg: longitude of the front, + to the right. None: there is no front, only latitude counts.

    """

    def __init__(self, config: FrontPriorConfig, rows: int, front_deg: float | None = 0.0) -> None:
        self.config, self.rows = config, rows
        latitude = config.latitude(erp_latitudes(rows))[:, None]
        weights = solid_angle_weights(rows)
        latitude = (latitude * weights.sum() / (latitude * weights).sum()).clamp(min=_MIN_FACTOR)
        from_front = erp_longitudes(2 * rows)[None, :] - math.radians(front_deg or 0.0)
        longitude = config.longitude(from_front).clamp(min=_MIN_FACTOR)
        peak = peak_values(from_front, config.start_deg)
        if front_deg is None:
            longitude, peak = torch.ones_like(longitude), torch.ones_like(peak)
        self._latitude = ConstantTensor(latitude**config.latitude_strength)
        self._longitude = ConstantTensor(longitude)
        self._start_difference = ConstantTensor(peak - longitude)
        self._weights = ConstantTensor(weights)

    def __call__(self, seconds: Tensor) -> Tensor:
        """Return densities (T, 1, H, 2H) of solid-angle mean 1 at (T,) seconds since the start; `PHOTO` for a still."""
        config = self.config
        time = seconds[:, None, None]
        is_photo = (time < 0).to(seconds.dtype)
        start_share = config.start * torch.exp(-time.clamp(min=0) / config.fading_s) * (1 - is_photo)
        strength = config.video_strength + (config.photo_strength - config.video_strength) * is_photo
        longitude = self._longitude.like(seconds) + start_share * self._start_difference.like(seconds)
        density = self._latitude.like(seconds) * torch.exp(strength * longitude.log())
        weights = self._weights.like(seconds)
        mean = (density * weights).sum((-2, -1), keepdim=True) / (2 * self.rows * weights.sum())
        return (density / mean)[:, None]

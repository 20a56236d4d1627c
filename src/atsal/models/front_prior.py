"""Where people look in 360° films whatever they show: by latitude, by longitude from the front, by time.

Makers compose around the front of the picture, films begin there, and viewers come back to it even where they start
anywhere. The density is separable, symmetric in longitude, and has few parameters:

    log p(lon, lat, t) = log latitude(lat) + strength * (log later(lon) + fresh(t) * log(start(lon) / later(lon))),
    fresh(t) = exp(-t / fading_s)

`atsal.training.front` fits them to logs of head directions; docs/models/front-prior.md has the figures. Photos have no
time: theirs is the later profile, at a strength of its own.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from atsal.config import check_range
from atsal.errors import ConfigError
from atsal.projection.sampling import Fixed
from atsal.projection.sphere import erp_latitudes, erp_longitudes, solid_angle_weights

PHOTO = -1.0  # in place of the seconds since the start: a picture that stands still


@dataclass(frozen=True)
class LatitudeProfile:
    """Density over uniform by latitude: a narrow and a broad Gaussian about one centre, on a floor."""

    centre_deg: float
    narrow_deg: float  # standard deviations
    broad_deg: float
    broad: float  # height of the broad one; that of the narrow one is 1
    floor: float  # of the same unit

    def __post_init__(self) -> None:
        """Refuse what is no density."""
        check_range(self, centre_deg=(-90, 90), narrow_deg=(1, 90), broad_deg=(1, 180), broad=(0, 100), floor=(0, 100))

    def __call__(self, lat_rad: Tensor) -> Tensor:
        """Values at latitudes, up to a factor."""
        away = torch.rad2deg(lat_rad) - self.centre_deg
        narrow, broad = (torch.exp(-0.5 * (away / sigma) ** 2) for sigma in (self.narrow_deg, self.broad_deg))
        return narrow + self.broad * broad + self.floor


@dataclass(frozen=True)
class LongitudeProfile:
    """Density over uniform by longitude from the front: two von Mises peaks there, the rest spread evenly."""

    narrow_deg: float  # about the standard deviation, 1 / sqrt(kappa)
    narrow: float  # shares of all looks
    broad_deg: float
    broad: float

    def __post_init__(self) -> None:
        """Refuse what is no density."""
        check_range(self, narrow_deg=(1, 180), broad_deg=(1, 180), narrow=(0, 1), broad=(0, 1))
        if not self.narrow + self.broad < 1:
            raise ConfigError(f"narrow {self.narrow} and broad {self.broad}: expected shares of a sum below 1")

    def __call__(self, lon_rad: Tensor) -> Tensor:
        """Values at longitudes; their mean over the circle is 1."""
        peaks = zip((self.narrow, self.broad), (self.narrow_deg, self.broad_deg), strict=True)
        found = torch.full_like(lon_rad, 1 - self.narrow - self.broad)
        for share, width in peaks:
            kappa = lon_rad.new_tensor(math.radians(width) ** -2)
            found = found + share * torch.exp(kappa * (torch.cos(lon_rad) - 1)) / torch.special.i0e(kappa)
        return found


@dataclass(frozen=True)
class FrontPriorConfig:
    """The parameters of the prior, as they are stored."""

    latitude: LatitudeProfile
    start: LongitudeProfile
    later: LongitudeProfile
    fading_s: float  # time in which the start's part falls to 1 / e
    video_strength: float = 1.0  # power of the longitude's part
    photo_strength: float = 1.0

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check_range(self, fading_s=(0.1, 1000), video_strength=(0, 10), photo_strength=(0, 10))


class FrontPrior:
    """The prior on an ERP grid.

    Args:
        config: the parameters.
        rows: height of the maps.
        front_deg: longitude of the front, + to the right; None where there is none, and latitude alone is left.

    """

    def __init__(self, config: FrontPriorConfig, rows: int, front_deg: float | None = 0.0) -> None:
        self.config, self.rows = config, rows
        latitude = config.latitude(erp_latitudes(rows))[:, None]
        weights = solid_angle_weights(rows)
        latitude = latitude * weights.sum() / (latitude * weights).sum()
        longitude = erp_longitudes(2 * rows)[None, :] - math.radians(front_deg or 0.0)
        later, start = config.later(longitude).log(), config.start(longitude).log()
        if front_deg is None:
            later, start = torch.zeros_like(later), torch.zeros_like(start)
        self._latitude = Fixed(latitude.log())
        self._later = Fixed(later)
        self._change = Fixed(start - later)
        self._weights = Fixed(weights)

    def __call__(self, seconds: Tensor) -> Tensor:
        """Densities (T, 1, H, 2H) of solid-angle mean 1, at (T,) seconds since the start; `PHOTO` for a still."""
        config = self.config
        time = seconds[:, None, None]
        is_photo = (time < 0).to(seconds.dtype)
        fresh = torch.exp(-time.clamp(min=0) / config.fading_s) * (1 - is_photo)
        strength = config.video_strength + (config.photo_strength - config.video_strength) * is_photo
        longitude = self._later.like(seconds) + fresh * self._change.like(seconds)
        density = torch.exp(self._latitude.like(seconds) + strength * longitude)
        weights = self._weights.like(seconds)
        mean = (density * weights).sum((-2, -1), keepdim=True) / (2 * self.rows * weights.sum())
        return (density / mean)[:, None]

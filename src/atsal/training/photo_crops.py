"""Random views of flat photos: what an expert learns from in place of the faces of a cube."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from atsal.errors import ConfigError

MIN_VIEW, MAX_VIEW = 32, 1024  # pixels; the networks reduce the smallest view to one value
_MAX_VIEWS = 4096  # of one photo


@dataclass(frozen=True)
class CropRange:
    """The ranges that `random_crops` draws from."""

    smallest: float = 0.45  # side of the crop, as a share of the photo's shorter side
    largest: float = 1.0
    roll_deg: float = 8.0  # largest rotation about the optical axis, either way
    tilt: float = 0.25  # strength of the projective term, as of a camera that points aside
    stretch: float = 1.25  # largest change of the aspect
    colour: float = 0.25
    whole: float = 0.0  # share of views that show the whole photo upright, squeezed to a square
    grey: float = 0.0  # share of views without colour

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values out of range."""
        if not 0 < self.smallest <= self.largest <= 1:
            raise ConfigError(f"crops: smallest {self.smallest}, largest {self.largest}; expected 0 < … <= … <= 1")
        if not (0 <= self.tilt < 0.5 and 1 <= self.stretch <= 100 and 0 <= self.roll_deg <= 180):
            raise ConfigError("crops: tilt is 0 to below 0.5, stretch 1 to 100, roll_deg 0 to 180")
        if not all(0 <= share <= 1 for share in (self.colour, self.whole, self.grey)):
            raise ConfigError("crops: colour, whole and grey are 0 to 1")


@dataclass(frozen=True)
class Growth:
    """Smaller views in the first epochs: faster, and as good in the end."""

    until: float  # share of the epochs
    size: int  # pixels

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values out of range."""
        if not 0 < self.until <= 1 or not MIN_VIEW <= self.size <= MAX_VIEW:
            raise ConfigError(f"growth: until is above 0 to 1, size {MIN_VIEW} to {MAX_VIEW} pixels")


@dataclass(frozen=True)
class PhotoViews:
    """How flat photos become views for an expert: random crops. The loss takes all views of a photo as one map."""

    count: int = 2
    size: int = 128  # pixels
    growth: tuple[Growth, ...] = ()
    crops: CropRange = field(default_factory=CropRange)

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values out of range."""
        if not (1 <= self.count <= _MAX_VIEWS and MIN_VIEW <= self.size <= MAX_VIEW):
            raise ConfigError(f"photo_views: count is 1 to {_MAX_VIEWS}, size {MIN_VIEW} to {MAX_VIEW} pixels")

    def size_at(self, share: float) -> int:
        """Return the size of the views after a share of the epochs."""
        return next((growth.size for growth in self.growth if share < growth.until), self.size)


def random_crops(
    images: Tensor, maps: Tensor, aspects: Tensor, count: int, size: int, range_: CropRange, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw `count` views of each photo, its image and its map by the same homography.

    `images` (B, 3, H, W) uint8 and `maps` (B, 1, h, w) show photos squeezed to squares; `aspects` (B,) are the photos'
    width / height. Return images (B, count, 3, size, size) in [0, 1] and maps (B, count, 1, size / 4, size / 4).
    """
    views = _Views.random(aspects.repeat_interleave(count), range_, rng)
    crops = jitter_colour(views.cut(images.float().div_(255), size), range_.colour, rng)
    grey = torch.rand(len(crops), 1, 1, 1, generator=rng) < range_.grey
    crops = torch.where(grey, crops.mean(1, keepdim=True), crops)
    found = views.cut(maps, size // 4)
    return crops.reshape(-1, count, *crops.shape[1:]), found.reshape(-1, count, *found.shape[1:])


@dataclass(frozen=True)
class _Views:
    """The places of N views on their photos, which span -1 to 1 in both directions. Each field is (N, 1, 1)."""

    centre_u: Tensor
    centre_v: Tensor
    half_u: Tensor  # half of the width
    half_v: Tensor
    flip: Tensor  # -1: mirrored, 1: not
    roll: Tensor  # radians
    tilt_u: Tensor
    tilt_v: Tensor

    @classmethod
    def random(cls, aspect: Tensor, range_: CropRange, rng: torch.Generator) -> "_Views":
        """Draw a view of a photo of each `aspect` (N,)."""

        def uniform(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(len(aspect), generator=rng)

        side = uniform(range_.smallest**2, range_.largest**2).sqrt()
        stretch = torch.exp(uniform(-1, 1) * math.log(range_.stretch) / 2)
        half_u = (side * stretch / aspect.clamp(min=1)).clamp(max=1)
        half_v = (side / stretch * aspect.clamp(max=1)).clamp(max=1)
        whole = torch.rand(len(aspect), generator=rng) < range_.whole
        half_u, half_v = (torch.where(whole, 1.0, half) for half in (half_u, half_v))
        centre_u, centre_v = uniform(-1, 1) * (1 - half_u), uniform(-1, 1) * (1 - half_v)
        flip = torch.where(torch.rand(len(aspect), generator=rng) < 0.5, -1.0, 1.0)
        roll = torch.deg2rad(uniform(-1, 1) * range_.roll_deg)
        tilt_u, tilt_v = uniform(-1, 1) * range_.tilt, uniform(-1, 1) * range_.tilt
        roll, tilt_u, tilt_v = (torch.where(whole, 0.0, x) for x in (roll, tilt_u, tilt_v))
        fields = (centre_u, centre_v, half_u, half_v, flip, roll, tilt_u, tilt_v)
        return cls(*(field[:, None, None] for field in fields))

    def cut(self, photos: Tensor, pixels: int) -> Tensor:
        """Return the views (N, C, pixels, pixels) of photos (B, C, H, W); the first N / B are of the first photo."""
        count = len(self.roll) // len(photos)
        # the views of a photo are sampled as one tall picture, so that each photo is read once
        grid = self._grid(pixels).reshape(len(photos), count * pixels, pixels, 2)
        found = F.grid_sample(photos, grid, padding_mode="reflection", align_corners=False)
        return found.reshape(len(photos), -1, count, pixels, pixels).transpose(1, 2).flatten(0, 1)

    def _grid(self, pixels: int) -> Tensor:
        """Return the positions of the pixels' centres on the photo, (N, pixels, pixels, 2)."""
        line = (torch.arange(pixels) + 0.5) * 2 / pixels - 1
        y, x = torch.meshgrid(line, line, indexing="ij")
        depth = 1 + self.tilt_u * x + self.tilt_v * y
        x, y = x * self.flip / depth, y / depth
        cos, sin = torch.cos(self.roll), torch.sin(self.roll)
        rolled_x, rolled_y = cos * x - sin * y, sin * x + cos * y
        return torch.stack([self.centre_u + self.half_u * rolled_x, self.centre_v + self.half_v * rolled_y], -1)


def jitter_colour(images: Tensor, strength: float, rng: torch.Generator) -> Tensor:
    """Change exposure, contrast, saturation and white balance of (B, 3, H, W) in [0, 1] at random."""

    def factor(*shape: int) -> Tensor:
        return 1 + strength * (2 * torch.rand(*shape, generator=rng) - 1)

    batch = len(images)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * factor(batch, 1, 1, 1) ** 2
    middle = images.mean((1, 2, 3), keepdim=True)
    images = middle + (images - middle) * factor(batch, 1, 1, 1)
    images = images * factor(batch, 1, 1, 1) * (1 + 0.3 * (factor(batch, 3, 1, 1) - 1))
    return images.clamp(0, 1)

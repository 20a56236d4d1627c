"""Flat photographs with eye fixations, as training material for the experts: a cube face is such a view.

The layout read here: one folder a set, with `images.zip` (stem = image name) and either `fixations.csv.gz` or
`maps.npz`, as `atsal.gaze.readers.fixations2d` describes them.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from atsal.errors import DataError
from atsal.gaze.planar import planar_fixation_map
from atsal.gaze.readers.fixations2d import read_density_maps, read_fixations2d

CANVAS = 256  # photos are resized to a square of this side; the crop undoes the squash by `aspect`
MAP_SIDE = 64
SIGMA = 2.0  # of the Gaussian on the fixations, in map pixels: 1/32 of the photo's width and of its height


@dataclass(frozen=True)
class Photos:
    """Photos on a square canvas, ready for `random_crops`."""

    names: list[str]  # "set/stem"
    images: Tensor  # (N, 3, 256, 256) uint8
    maps: Tensor  # (N, 1, 64, 64) float32, >= 0, mean 1
    aspects: Tensor  # (N,) width / height of the photo, float32

    def __len__(self) -> int:
        return len(self.names)

    def subset(self, chosen: NDArray[np.int64]) -> "Photos":
        """The photos of these indices, in their order."""
        index = torch.from_numpy(chosen)
        return Photos([self.names[i] for i in chosen], self.images[index], self.maps[index], self.aspects[index])


def read_photo_sets(root: Path, sets: list[str]) -> Photos:
    """Read `sets` (folder names) below `root`, in the order given, photos in order of name."""
    names: list[str] = []
    images, maps, aspects = [], [], []
    for name in sets:
        densities = _densities(root / name)
        with zipfile.ZipFile(root / name / "images.zip") as archive:
            for member in sorted(archive.namelist()):
                stem = Path(member).stem
                if stem not in densities:
                    continue
                photo = Image.open(io.BytesIO(archive.read(member))).convert("RGB")
                names.append(f"{name}/{stem}")
                aspects.append(photo.width / photo.height)
                squared = photo.resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)
                images.append(torch.from_numpy(np.array(squared)).permute(2, 0, 1))
                maps.append(densities[stem])
    if not names:
        raise DataError(f"{root}: no photo with gaze in {', '.join(sets)}; expected images.zip and gaze on its photos")
    stacked = torch.stack(maps)[:, None]
    return Photos(names, torch.stack(images), stacked / stacked.mean((1, 2, 3), keepdim=True), torch.tensor(aspects))


def _densities(folder: Path) -> dict[str, Tensor]:
    """Image stem -> blurred density (64, 64)."""
    if (folder / "maps.npz").is_file():
        densities = read_density_maps(folder / "maps.npz").records
        if not densities:
            return {}
        maps = torch.from_numpy(np.stack(list(densities.values()))).float()[:, None]
        resized = F.interpolate(maps, (MAP_SIDE, MAP_SIDE), mode="area")
        sigma = SIGMA if folder.name == "tasks" else 1.0  # the others are already smooth
        return {Path(name).stem: m[0] for name, m in zip(densities, gaussian_blur(resized, sigma), strict=True)}
    # the first one is where the fixation cross was
    fixations = read_fixations2d(folder / "fixations.csv.gz", first_fixation=1).records
    if not fixations:
        return {}
    counts = np.stack([planar_fixation_map(f, MAP_SIDE, MAP_SIDE) for f in fixations.values()]).astype(np.float32)
    blurred = gaussian_blur(torch.from_numpy(counts)[:, None], SIGMA)
    return {name: m[0] for name, m in zip(fixations, blurred, strict=True)}


def gaussian_blur(maps: Tensor, sigma: float) -> Tensor:
    """Blur (N, 1, H, W) by a planar Gaussian of `sigma` pixels, zero outside."""
    radius = int(4 * sigma + 0.5)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    kernel = kernel / kernel.sum()
    rows = F.conv2d(maps, kernel[None, None, :, None], padding=(radius, 0))
    return F.conv2d(rows, kernel[None, None, None, :], padding=(0, radius))


@dataclass(frozen=True)
class CropRange:
    """What `random_crops` draws from."""

    smallest: float = 0.45  # side of the crop over the photo's shorter side
    largest: float = 1.0
    roll_deg: float = 8.0  # rotation about the optical axis, up to this much either way
    tilt: float = 0.25  # strength of the projective term: a view off its axis
    stretch: float = 1.25  # aspect jitter
    colour: float = 0.25


def random_crops(
    photos: Photos, index: Tensor, crops: int, size: int, range_: CropRange, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw `crops` views of each photo of `index`, image and map by the same homography.

    Returns images (B, crops, 3, size, size) in [0, 1] and maps (B, crops, 1, size / 4, size / 4).
    """
    batch = len(index) * crops
    each = index.repeat_interleave(crops)
    images, maps = photos.images[each].float() / 255, photos.maps[each]

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(batch, generator=rng)

    aspect = photos.aspects[each]
    side = uniform(range_.smallest**2, range_.largest**2).sqrt()
    stretch = torch.exp(uniform(-1, 1) * float(np.log(range_.stretch)) / 2)
    # half sides of the crop in canvas units (the canvas spans -1..1 both ways)
    half_u = (side * stretch / aspect.clamp(min=1)).clamp(max=1)
    half_v = (side / stretch * aspect.clamp(max=1)).clamp(max=1)
    centre_u, centre_v = uniform(-1, 1) * (1 - half_u), uniform(-1, 1) * (1 - half_v)
    flip = torch.where(torch.rand(batch, generator=rng) < 0.5, -1.0, 1.0)
    roll = torch.deg2rad(uniform(-1, 1) * range_.roll_deg)
    tilt_u, tilt_v = uniform(-1, 1) * range_.tilt, uniform(-1, 1) * range_.tilt

    def grid(pixels: int) -> Tensor:
        line = (torch.arange(pixels) + 0.5) * 2 / pixels - 1
        y, x = torch.meshgrid(line, line, indexing="ij")
        column = (slice(None), None, None)
        depth = 1 + tilt_u[column] * x + tilt_v[column] * y
        x, y = x * flip[column] / depth, y / depth
        cos, sin = torch.cos(roll)[column], torch.sin(roll)[column]
        rolled_x, rolled_y = cos * x - sin * y, sin * x + cos * y
        return torch.stack(
            [centre_u[column] + half_u[column] * rolled_x, centre_v[column] + half_v[column] * rolled_y], -1
        )

    views = F.grid_sample(images, grid(size), padding_mode="reflection", align_corners=False)
    targets = F.grid_sample(maps, grid(size // 4), padding_mode="reflection", align_corners=False)
    shape = (len(index), crops)
    views = jitter_colour(views, range_.colour, rng)
    return views.reshape(*shape, *views.shape[1:]), targets.reshape(*shape, *targets.shape[1:])


def jitter_colour(images: Tensor, strength: float, rng: torch.Generator) -> Tensor:
    """Random exposure, contrast, saturation and white balance of (B, 3, H, W) in [0, 1]."""

    def factor(*shape: int) -> Tensor:
        return 1 + strength * (2 * torch.rand(*shape, generator=rng) - 1)

    batch = len(images)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * factor(batch, 1, 1, 1) ** 2
    middle = images.mean((1, 2, 3), keepdim=True)
    images = middle + (images - middle) * factor(batch, 1, 1, 1)
    images = images * factor(batch, 1, 1, 1) * (1 + 0.3 * (factor(batch, 3, 1, 1) - 1))
    return images.clamp(0, 1)

"""Flat photographs with eye fixations, as training material for the experts: a cube face is such a view."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from atsal.datasets.prepared import PreparedSet
from atsal.datasets.stimulus import read_photo
from atsal.errors import ConfigError, DataError
from atsal.gaze.flat_maps import planar_saliency_map
from atsal.gaze.readers.fixations2d import read_density_maps
from atsal.gaze.records import PlanarFixations
from atsal.projection import resize_flat
from atsal.untrusted.archives import open_archive
from atsal.untrusted.files import ErrorFactory

ARCHIVE = "images.zip"
CANVAS = 256  # photos are resized to a square of this side; the crop undoes the squash by `aspect`
MAP_SIDE = 64


@dataclass(frozen=True)
class Photos:
    """Photos on a square canvas, ready for `random_crops`."""

    names: list[str]
    images: Tensor  # (N, 3, 256, 256) uint8
    maps: Tensor  # (N, 1, 64, 64) float32, >= 0, mean 1
    aspects: Tensor  # (N,) width / height of the photo, float32

    def __len__(self) -> int:
        return len(self.names)


def read_prepared_photos(prepared: PreparedSet, items: Sequence[str], blur: float = 0.0) -> Photos:
    """Photos of a prepared set with the maps of their fixations, σ as the data set has it, blurred once more.

    `blur` is the standard deviation of that Gaussian, a share of the map's side; 0 leaves them as they are.
    The first fixation of each observer on a photo is left out: the eye was there before the photo came up.
    """
    return _gathered((_prepared_photo(prepared, item) for item in items), blur)


def _prepared_photo(prepared: PreparedSet, item: str) -> tuple[str, NDArray[np.uint8], Tensor]:
    fixations = prepared.fixations(item)
    if not isinstance(fixations, PlanarFixations):
        raise DataError(f"{prepared.folder}: {item} holds gaze on the sphere; expected flat photos")
    image = prepared.picture(item)
    height, width = image.shape[:2]
    density = planar_saliency_map(without_first(fixations), height, width, prepared.dataset.sigma_width)
    return item, image, torch.from_numpy(density)


def without_first(fixations: PlanarFixations) -> PlanarFixations:
    """All but each observer's first one; they stand in the order of time."""
    _, first = np.unique(fixations.observer, return_index=True)
    kept = np.ones(len(fixations), bool)
    kept[first] = False
    return fixations.select(kept)


def density_photo_names(folder: Path) -> list[str]:
    """The photos of a folder of density maps that have both picture and map, by name."""
    stems = {Path(member).stem for member in _members(folder)}
    return sorted(stems & {Path(name).stem for name in read_density_maps(folder / "maps.npz").records})


def read_density_photos(folder: Path, items: Sequence[str], blur: float, aspect: float | None = None) -> Photos:
    """Photos of which only density maps exist: `images.zip` and `maps.npz` (`atsal.gaze.readers.fixations2d`).

    `blur` is the standard deviation of a Gaussian on the maps, a share of their side; 0 leaves them as they are.
    `aspect` is the photos' true width / height where the files were squeezed.
    """
    densities = {Path(name).stem: d for name, d in read_density_maps(folder / "maps.npz").records.items()}

    def photos() -> Iterator[tuple[str, NDArray[np.uint8], Tensor]]:
        members = {Path(member).stem: member for member in _members(folder)}
        for item in items:
            yield (
                item,
                read_photo(folder / ARCHIVE, members.get(item, item)),
                torch.from_numpy(np.array(densities[item])).float(),
            )

    found = _gathered(photos(), blur)
    return found if aspect is None else replace(found, aspects=torch.full_like(found.aspects, aspect))


def _members(folder: Path) -> tuple[str, ...]:
    path = folder / ARCHIVE
    with open_archive(path, ErrorFactory(DataError, path, "expected the photos there, beside maps.npz")) as archive:
        return archive.names


def _gathered(photos: Iterator[tuple[str, NDArray[np.uint8], Tensor]], blur: float) -> Photos:
    """Each photo squeezed to the canvas, its map by area to 64 x 64 blurred; photos nobody looked at are left out."""
    names: list[str] = []
    images, maps, aspects = [], [], []
    for name, picture, density in photos:
        if not density.sum() > 0:
            continue
        names.append(name)
        aspects.append(picture.shape[1] / picture.shape[0])
        squared = Image.fromarray(picture).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)
        images.append(torch.from_numpy(np.array(squared)).permute(2, 0, 1))
        maps.append(resize_flat(density[None, None], MAP_SIDE, MAP_SIDE)[0])
    if not names:
        raise DataError("no photo with gaze; expected pictures and fixations or density maps on them")
    stacked = gaussian_blur(torch.stack(maps), blur * MAP_SIDE) if blur else torch.stack(maps)
    return Photos(names, torch.stack(images), stacked / stacked.mean((1, 2, 3), keepdim=True), torch.tensor(aspects))


def gaussian_blur(maps: Tensor, sigma: float) -> Tensor:
    """Blur (N, 1, H, W) by a planar Gaussian of `sigma` pixels; outside, the border goes on."""
    radius = int(4 * sigma + 0.5)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(maps, (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel[None, None, :, None]), kernel[None, None, None, :])


@dataclass(frozen=True)
class CropRange:
    """What `random_crops` draws from."""

    smallest: float = 0.45  # side of the crop over the photo's shorter side
    largest: float = 1.0
    roll_deg: float = 8.0  # rotation about the optical axis, up to this much either way
    tilt: float = 0.25  # strength of the projective term: a view off its axis
    stretch: float = 1.25  # aspect jitter
    colour: float = 0.25
    whole: float = 0.0  # share of views that show the whole photo, squeezed to a square, upright
    grey: float = 0.0  # share of views without colour

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if not 0 < self.smallest <= self.largest <= 1:
            raise ConfigError(f"crops: smallest {self.smallest}, largest {self.largest}; expected 0 < … <= … <= 1")
        if not (0 <= self.tilt < 0.5 and 1 <= self.stretch <= 100 and 0 <= self.roll_deg <= 180):
            raise ConfigError("crops: tilt is 0 to below 0.5, stretch 1 to 100, roll_deg 0 to 180")
        if not all(0 <= share <= 1 for share in (self.colour, self.whole, self.grey)):
            raise ConfigError("crops: colour, whole and grey are 0 to 1")


def random_crops(
    photos: Photos, index: Tensor, crops: int, size: int, range_: CropRange, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw `crops` views of each photo of `index`, image and map by the same homography.

    Returns images (B, crops, 3, size, size) in [0, 1] and maps (B, crops, 1, size / 4, size / 4).
    """
    chosen = _Views.random(photos.aspects[index].repeat_interleave(crops), range_, rng)
    images = chosen.of(photos.images.index_select(0, index).float().div_(255), size)
    maps = chosen.of(photos.maps[index], size // 4)
    images = jitter_colour(images, range_.colour, rng)
    grey = torch.rand(len(images), 1, 1, 1, generator=rng) < range_.grey
    images = torch.where(grey, images.mean(1, keepdim=True), images)
    shape = (len(index), crops)
    return images.reshape(*shape, *images.shape[1:]), maps.reshape(*shape, *maps.shape[1:])


@dataclass(frozen=True)
class _Views:
    """Where N views lie on their photos' canvases, which span -1 to 1 both ways; each field is (N, 1, 1)."""

    centre_u: Tensor
    centre_v: Tensor
    half_u: Tensor  # half sides
    half_v: Tensor
    flip: Tensor  # -1 where mirrored, else 1
    roll: Tensor  # radians
    tilt_u: Tensor
    tilt_v: Tensor

    @classmethod
    def random(cls, aspect: Tensor, range_: CropRange, rng: torch.Generator) -> Self:
        """Draw a view of a photo of each `aspect` (N,)."""

        def uniform(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(len(aspect), generator=rng)

        side = uniform(range_.smallest**2, range_.largest**2).sqrt()
        stretch = torch.exp(uniform(-1, 1) * float(np.log(range_.stretch)) / 2)
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

    def of(self, canvases: Tensor, pixels: int) -> Tensor:
        """What is seen of canvases (B, C, H, W), N / B views of each in turn: (N, C, pixels, pixels)."""
        count, crops = len(self.roll), len(self.roll) // len(canvases)
        below = self._grid(pixels).reshape(len(canvases), crops * pixels, pixels, 2)  # each canvas is read once
        found = F.grid_sample(canvases, below, padding_mode="reflection", align_corners=False)
        apart = found.reshape(len(canvases), -1, crops, pixels, pixels).transpose(1, 2)
        return apart.reshape(count, -1, pixels, pixels)

    def _grid(self, pixels: int) -> Tensor:
        """The places of the pixels' centres on the canvas, (N, pixels, pixels, 2)."""
        line = (torch.arange(pixels) + 0.5) * 2 / pixels - 1
        y, x = torch.meshgrid(line, line, indexing="ij")
        depth = 1 + self.tilt_u * x + self.tilt_v * y
        x, y = x * self.flip / depth, y / depth
        cos, sin = torch.cos(self.roll), torch.sin(self.roll)
        rolled_x, rolled_y = cos * x - sin * y, sin * x + cos * y
        return torch.stack([self.centre_u + self.half_u * rolled_x, self.centre_v + self.half_v * rolled_y], -1)


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

"""Flat photographs with eye fixations as a source of samples for the experts, whose cube faces look like such views."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.clip import scale_to_peak_one
from atsal.datasets.stimulus import read_photo
from atsal.errors import DataError
from atsal.gaze.flat_maps import planar_saliency_map
from atsal.gaze.readers.fixations2d import read_density_maps
from atsal.gaze.records import PlanarFixations
from atsal.jobs.checksums import file_sha256
from atsal.projection import resize_flat
from atsal.training.config import SourceConfig
from atsal.training.photo_crops import PhotoViews, random_crops
from atsal.training.sampler import SampleKey
from atsal.training.sources import Sample, choose_items, describe_prepared, open_prepared
from atsal.untrusted.archives import open_archive
from atsal.untrusted.files import ErrorFactory

IMAGES, MAPS = "images.zip", "maps.npz"  # the files of a folder of density maps
SIDE, MAP_SIDE = 256, 64  # photos and maps are resized to squares; the crops restore the aspect
VALIDATION_SIDE = 160  # pixels of whole photos in validation
_Photo = tuple[str, NDArray[np.uint8], Tensor]  # name, picture, density


@dataclass(frozen=True)
class Photos:
    """Photos and their density maps as squares, in memory."""

    names: list[str]
    images: Tensor  # (N, 3, 256, 256) uint8
    maps: Tensor  # (N, 1, 64, 64) float32, >= 0, mean 1
    aspects: Tensor  # (N,) width / height of the photo, float32

    def __len__(self) -> int:
        return len(self.names)


class PhotoSource:
    """Views of flat photos, of a prepared set or of a folder of density maps: random crops, or whole photos."""

    def __init__(self, config: SourceConfig, views: PhotoViews) -> None:
        self.config, self.views = config, views
        if config.prepared is not None:
            self.prepared, items = open_prepared(config)
            self.name = self.prepared.dataset.name
            self.photos = read_prepared_photos(self.prepared, items, config.blur)
        else:
            self.name = config.folder.name
            items = choose_items(config, density_photo_names(config.folder))
            self.photos = read_density_photos(config.folder, items, config.blur, config.aspect)
        self.items = tuple(self.photos.names)
        self.frame_counts = (1,) * len(self.items)

    def describe(self) -> dict[str, Any]:
        """Return the set and its items."""
        folder = self.config.folder
        if self.config.prepared is not None:
            return describe_prepared(self.prepared, self.items)
        return {
            "photos": str(folder.resolve()),
            "manifest_sha256": file_sha256(folder / MAPS),
            "stimuli_bytes": (folder / IMAGES).stat().st_size,
            "items": list(self.items),
        }

    def read(self, key: SampleKey, *, augment: bool) -> Sample:
        """Return random views of a photo, or the whole photo squeezed to a square. The density stands for counts."""
        images, maps = self.photos.images[key.item, None], self.photos.maps[key.item, None]
        if augment:
            rng, aspects = torch.Generator().manual_seed(key.seed), self.photos.aspects[key.item, None]
            images, maps = random_crops(images, maps, aspects, self.views.count, key.view_size, self.views.crops, rng)
        else:
            images, maps = resize_flat(images.float() / 255, VALIDATION_SIDE, VALIDATION_SIDE)[:, None], maps[:, None]
        maps = scale_to_peak_one(maps)
        return Sample(f"{self.name}/{self.items[key.item]}", key, (images * 255).round().to(torch.uint8), maps, maps)


def read_prepared_photos(prepared: PreparedSet, items: Iterable[str], blur: float = 0.0) -> Photos:
    """Read photos of a prepared set and make the maps of their fixations, with the data set's own σ.

    `blur` is the σ of an additional Gaussian on the maps, as a share of their side; 0: none. The first fixation of each
    observer does not count: the eye was there before the photo appeared.
    """
    return _collect((_prepared_photo(prepared, item) for item in items), blur)


def _prepared_photo(prepared: PreparedSet, item: str) -> _Photo:
    fixations = prepared.fixations(item)
    if not isinstance(fixations, PlanarFixations):
        raise DataError(f"{prepared.folder}: {item} holds gaze on the sphere; expected flat photos")
    image = prepared.picture(item)
    height, width = image.shape[:2]
    density = planar_saliency_map(without_first(fixations), height, width, prepared.dataset.sigma_width)
    return item, image, torch.from_numpy(density)


def without_first(fixations: PlanarFixations) -> PlanarFixations:
    """Return all fixations but each observer's first one. They must be in the order of time."""
    _, first = np.unique(fixations.observer, return_index=True)
    is_later = np.ones(len(fixations), bool)
    is_later[first] = False
    return fixations.select(is_later)


def density_photo_names(folder: Path) -> list[str]:
    """Return the names of the photos in a folder of density maps that have both a picture and a map."""
    stems = {Path(member).stem for member in _members(folder)}
    return sorted(stems & {Path(name).stem for name in read_density_maps(folder / MAPS).records})


def read_density_photos(folder: Path, items: Iterable[str], blur: float, aspect: float | None = None) -> Photos:
    """Read photos that only have density maps: `images.zip` and `maps.npz` (`atsal.gaze.readers.fixations2d`).

    `blur` is the σ of an additional Gaussian on the maps, as a share of their side; 0: none. `aspect` is the photos'
    true width / height, if the files were squeezed.
    """
    densities = {Path(name).stem: d for name, d in read_density_maps(folder / MAPS).records.items()}
    members = {Path(member).stem: member for member in _members(folder)}

    def photos() -> Iterator[_Photo]:
        for item in items:
            density = torch.from_numpy(np.array(densities[item])).float()
            yield item, read_photo(folder / IMAGES, members.get(item, item)), density

    return _collect(photos(), blur, aspect)


def _members(folder: Path) -> tuple[str, ...]:
    path = folder / IMAGES
    with open_archive(path, ErrorFactory(DataError, path, "expected the photos there, beside maps.npz")) as archive:
        return archive.names


def _collect(photos: Iterator[_Photo], blur: float, aspect: float | None = None) -> Photos:
    """Resize each photo and its map to squares, and blur the maps. Photos without gaze are left out."""
    names: list[str] = []
    images, maps, aspects = [], [], []
    for name, picture, density in photos:
        if not density.sum() > 0:
            continue
        names.append(name)
        aspects.append(aspect or picture.shape[1] / picture.shape[0])
        square = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        images.append(torch.from_numpy(np.array(square)).permute(2, 0, 1))
        maps.append(resize_flat(density[None, None], MAP_SIDE, MAP_SIDE)[0])
    if not names:
        raise DataError("no photo with gaze; expected pictures and fixations or density maps on them")
    stacked = gaussian_blur(torch.stack(maps), blur * MAP_SIDE) if blur else torch.stack(maps)
    return Photos(names, torch.stack(images), stacked / stacked.mean((1, 2, 3), keepdim=True), torch.tensor(aspects))


def gaussian_blur(maps: Tensor, sigma: float) -> Tensor:
    """Blur (N, 1, H, W) by a planar Gaussian of `sigma` pixels. The border pixels continue outside."""
    radius = int(4 * sigma + 0.5)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(maps, (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel[None, None, :, None]), kernel[None, None, None, :])

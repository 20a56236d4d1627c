"""Flat photos as a source of samples, of a prepared set or of a folder of density maps; all are held in memory."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from atsal.jobs.checksums import file_sha256
from atsal.models.config import ModelConfig
from atsal.projection import SphericalGaussian, resize_erp
from atsal.training.config import Collage, PhotoViews, SourceConfig
from atsal.training.photos import (
    density_photo_names,
    joined,
    random_crops,
    read_density_photos,
    read_prepared_photos,
)
from atsal.training.plan import Extent, Key
from atsal.training.sources import Sample, chosen_items, describe_prepared, of_peak_one, open_prepared

ROWS, COLUMNS = 2, 4  # of a collage
WHOLE = 160  # pixels to which whole photos are squeezed both ways for validation


class _Photos:
    """Flat photos of one source, read and held."""

    def __init__(self, config: SourceConfig) -> None:
        self.config = config
        if config.prepared is not None:
            self.prepared, items = open_prepared(config)
            self.name = self.prepared.dataset.name
            self.photos = read_prepared_photos(self.prepared, items, config.blur)
        else:
            self.name = config.folder.name
            items = chosen_items(config, density_photo_names(config.folder))
            self.photos = read_density_photos(config.folder, items, config.blur, config.aspect)
        self.items = tuple(self.photos.names)

    @property
    def weight(self) -> float:
        """How often one of these photos is drawn for a collage: all alike, or as the share of their set has it."""
        return 1.0 if self.config.share is None else self.config.share / len(self.items)

    def extent(self) -> Extent:
        """One frame an item."""
        return Extent((1,) * len(self.items))

    def describe(self) -> dict[str, Any]:
        """The set, its items."""
        config = self.config
        if config.prepared is not None:
            return describe_prepared(self.prepared, self.items)
        return {
            "photos": str(config.folder.resolve()),
            "manifest_sha256": file_sha256(config.folder / "maps.npz"),
            "stimuli_bytes": (config.folder / "images.zip").stat().st_size,
            "items": list(self.items),
        }


class PhotoSource(_Photos):
    """Views of flat photos: random crops to learn from, whole photos to validate on."""

    def __init__(self, config: SourceConfig, views: PhotoViews) -> None:
        super().__init__(config)
        self.views = views

    def sample(self, key: Key) -> Sample:
        """Random views of one photo."""
        rng = torch.Generator().manual_seed(key.seed)
        views, settings = torch.tensor([key.item]), self.views
        images, maps = random_crops(self.photos, views, settings.count, key.size, settings.crops, rng)
        return self._sample(key, images, maps)

    def plain(self, key: Key) -> Sample:
        """The whole photo, squeezed to a square."""
        image = self.photos.images[key.item][None].float() / 255
        view = F.interpolate(image, (WHOLE, WHOLE), mode="area")
        return self._sample(key, view[:, None], self.photos.maps[key.item][None, None])

    def _sample(self, key: Key, images: Tensor, maps: Tensor) -> Sample:
        maps = of_peak_one(maps)
        frames = (images * 255).round().to(torch.uint8)
        return Sample(f"{self.name}/{self.items[key.item]}", key, frames, maps, maps)


class CollageSource:
    """360° frames for an attention stream, pasted together of views of flat photos."""

    name = "collage"

    def __init__(self, config: SourceConfig, collage: Collage, model: ModelConfig, prior: Tensor) -> None:
        self.config, self.collage, self.model = config, collage, model
        self.prior = prior  # (map_height,)
        self._parts = [_Photos(part) for part in config.collage]
        self.photos = joined([part.photos for part in self._parts])
        self.items = tuple(f"{part.name}/{item}" for part in self._parts for item in part.items)
        self._weights = torch.cat([torch.full((len(part.items),), part.weight) for part in self._parts])
        self._smooth = SphericalGaussian(model.map_height, collage.smoothing_deg)

    def extent(self) -> Extent:
        """One frame around each photo."""
        return Extent((1,) * len(self.items))

    def sample(self, key: Key) -> Sample:
        """The key's photo among others, all drawn and turned by its seed."""
        rng, model = torch.Generator().manual_seed(key.seed), self.model
        chosen = torch.multinomial(self._weights, ROWS * COLUMNS, replacement=True, generator=rng)
        chosen[0] = key.item
        views = random_crops(self.photos, chosen, 1, model.erp_height // ROWS, self.collage.crops, rng)
        frame, density = (_pasted(v[:, 0]) for v in views)
        smooth = self._smooth(resize_erp(density[None], model.map_height))
        pixels = int(torch.randint(2 * model.map_height, (), generator=rng))
        maps = of_peak_one(smooth * self.prior[:, None]).roll(pixels, -1)[None]
        times = model.frame_height // model.erp_height  # the attention stream sees the frame at the views' own size
        frame = (frame * 255).round().to(torch.uint8).repeat_interleave(times, -1).repeat_interleave(times, -2)
        frame = frame.roll(pixels * model.frame_height // model.map_height, -1)
        return Sample(f"{self.items[key.item]} in a collage", key, frame[None, None], maps, maps)

    def plain(self, key: Key) -> Sample:
        """The same: there is no frame without chance."""
        return self.sample(key)

    def describe(self) -> dict[str, Any]:
        """The sets that the photos come from."""
        return {"collage": [part.describe() for part in self._parts]}


def _pasted(views: Tensor) -> Tensor:
    """Views (8, C, S, S) as one picture (C, 2 S, 4 S)."""
    return torch.cat([torch.cat(list(row), -1) for row in torch.split(views, COLUMNS)], -2)

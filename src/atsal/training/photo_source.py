"""Flat photos as a source of samples, of a prepared set or of a folder of density maps; all are held in memory."""

from typing import Any

import torch
from torch import Tensor

from atsal.jobs.checksums import file_sha256
from atsal.projection import resize_flat
from atsal.training.config import PhotoViews, SourceConfig
from atsal.training.photos import (
    density_photo_names,
    random_crops,
    read_density_photos,
    read_prepared_photos,
)
from atsal.training.sampler import Extent, Key
from atsal.training.sources import Sample, chosen_items, describe_prepared, of_peak_one, open_prepared

WHOLE = 160  # pixels to which whole photos are squeezed both ways for validation


class PhotoSource:
    """Views of flat photos: random crops to learn from, whole photos to validate on."""

    def __init__(self, config: SourceConfig, views: PhotoViews) -> None:
        self.config, self.views = config, views
        if config.prepared is not None:
            self.prepared, items = open_prepared(config)
            self.name = self.prepared.dataset.name
            self.photos = read_prepared_photos(self.prepared, items, config.blur)
        else:
            self.name = config.folder.name
            items = chosen_items(config, density_photo_names(config.folder))
            self.photos = read_density_photos(config.folder, items, config.blur, config.aspect)
        self.items = tuple(self.photos.names)

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

    def sample(self, key: Key) -> Sample:
        """Random views of one photo."""
        rng = torch.Generator().manual_seed(key.seed)
        views, settings = torch.tensor([key.item]), self.views
        images, maps = random_crops(self.photos, views, settings.count, key.size, settings.crops, rng)
        return self._sample(key, images, maps)

    def plain(self, key: Key) -> Sample:
        """The whole photo, squeezed to a square."""
        image = self.photos.images[key.item][None].float() / 255
        view = resize_flat(image, WHOLE, WHOLE)
        return self._sample(key, view[:, None], self.photos.maps[key.item][None, None])

    def _sample(self, key: Key, images: Tensor, maps: Tensor) -> Sample:
        maps = of_peak_one(maps)
        frames = (images * 255).round().to(torch.uint8)
        return Sample(f"{self.name}/{self.items[key.item]}", key, frames, maps, maps)

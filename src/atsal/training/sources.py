"""The data that training reads: sources of samples, each opened from its settings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.augmentation import (
    Chain,
    Flip,
    Stretch,
    Transform,
    published_variants,
    random_yaw_flip,
    steps_of,
)
from atsal.datasets.prepared.clip import read_clip
from atsal.datasets.prepared.frame_times import frame_seconds
from atsal.datasets.prepared.manifest import MANIFEST
from atsal.errors import ConfigError, DataError
from atsal.jobs.checksums import file_sha256
from atsal.models.config import ModelConfig
from atsal.models.directions import direction_for_gaze
from atsal.models.front_prior import PHOTO, FrontPrior
from atsal.training.config import Augmentation, SourceConfig
from atsal.training.photo_crops import jitter_colour
from atsal.training.sampler import Batch, SampleKey, seed_of, split_video

_FOLD_SEED = 0  # folds are the same in every run


@dataclass(frozen=True, eq=False)
class Sample:
    """A clip: T frames of one item in V views, and their ground truth. A sphere has one view, a photo several."""

    name: str  # "set/item", for messages
    key: SampleKey
    frames: Tensor  # (T, V, 3, H, W) uint8 RGB; on the sphere W = 2H and H is the model's erp_height
    saliency_maps: Tensor  # (T, V, 1, h, w) float32 >= 0; the peak over the frame or photo is 1, or 0 without gaze
    fixation_maps: Tensor  # (T, V, 1, h, w) float32, fixations a pixel; for photos the density
    # (T, V, 1, h, w) float32, peak 1: the prior at the frame's time. Predictions are multiplied by it before they are
    # compared with the ground truth. None: no prior
    prior: Tensor | None = None

    @property
    def is_sphere(self) -> bool:
        """Whether the frames are ERP frames."""
        return is_erp(self.frames)


def is_erp(frames: Tensor) -> bool:
    """Return whether pictures are ERP frames, twice as wide as high. Views of photos are square."""
    return frames.shape[-1] == 2 * frames.shape[-2]


class Source(Protocol):
    """Items to draw samples from."""

    config: SourceConfig
    name: str
    items: tuple[str, ...]
    frame_counts: tuple[int, ...]  # frames of each item

    def read(self, key: SampleKey, *, augment: bool) -> Sample:
        """Read a sample; with `augment`, change it at random by the key's seed."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return what a run records of its data, as JSON values."""
        ...


def choose_items(config: SourceConfig, items: Sequence[str]) -> tuple[str, ...]:
    """Return the items that a source takes, in their order. Raise `ConfigError` if none is left."""
    unknown = [name for name in config.exclude if name not in items]
    if unknown:
        raise ConfigError(f"{config.folder}: exclude names {', '.join(unknown)}; expected items of the set")
    chosen = [name for name in items if name not in config.exclude]
    if config.folds is not None:
        fold = np.random.default_rng(_FOLD_SEED).permutation(len(chosen)) % config.folds
        wanted = fold == config.only_fold if config.only_fold is not None else fold != config.without_fold
        chosen = [name for name, is_wanted in zip(chosen, wanted, strict=True) if is_wanted]
    if not chosen:
        raise ConfigError(f"{config.folder}: no item is left to train on; look at split, exclude and folds")
    return tuple(chosen)


def open_prepared(config: SourceConfig) -> tuple[PreparedSet, tuple[str, ...]]:
    """Open a prepared set and choose its items. Raise `DataError` if one of them has no picture."""
    prepared = PreparedSet(config.folder, Path(config.raw) if config.raw else None)
    items = choose_items(config, prepared.items if config.split is None else prepared.choose(config.split))
    blind = [item for item in items if prepared.stimulus(item).kind is None]
    if blind:
        raise DataError(
            f"{config.folder}: {len(blind)} of {len(items)} items have no picture ({', '.join(blind[:3])}, …); "
            "training needs the images or videos: put them beside the gaze and prepare again"
        )
    return prepared, items


def describe_prepared(prepared: PreparedSet, items: Sequence[str]) -> dict[str, Any]:
    """Return what a run records of a prepared set: the checksum of its manifest, the sizes of its pictures."""
    return {
        "prepared": str(prepared.folder.resolve()),
        "dataset": prepared.dataset.name,
        "licence": prepared.dataset.licence,
        "manifest_sha256": file_sha256(prepared.folder / MANIFEST),
        "stimuli_bytes": sum(prepared.stimulus_bytes(item) for item in items),
        "items": list(items),
    }


class SphereSource:
    """360° images and videos of a prepared set, decoded when a sample is read."""

    def __init__(self, config: SourceConfig, model: ModelConfig, augmentation: Augmentation | None = None) -> None:
        self.config, self.augmentation = config, augmentation or Augmentation()
        self.erp_height, self.map_height = model.erp_height, model.map_height
        self.prepared, self.items = open_prepared(config)
        if self.prepared.dataset.stimuli == "photos":
            raise ConfigError(f"{config.folder}: holds flat photos; expected 360° images or videos")
        if self.augmentation.yaw and self.erp_height % self.map_height:
            raise ConfigError(
                f"frames of {self.erp_height} rows and maps of {self.map_height} cannot be turned together by whole "
                "pixels: leave yaw out"
            )
        self.name = self.prepared.dataset.name
        self.frame_counts = tuple(self.prepared.stimulus(item).frames or 1 for item in self.items)
        self.sigma_deg = config.sigma_deg or self.prepared.preparation.sphere_sigma_deg
        self.direction = direction_for_gaze(self.prepared.preparation.direction)
        self._prior = None
        if model.directions is not None:
            self._prior = FrontPrior(model.directions.of(self.direction).prior, self.map_height)

    def describe(self) -> dict[str, Any]:
        """Return the set, its items and σ."""
        return describe_prepared(self.prepared, self.items) | {"sigma_deg": self.sigma_deg}

    def seconds(self, key: SampleKey) -> Tensor:
        """Return the times (T,) of a sample's frames since the start of the video; `PHOTO` for images."""
        times = frame_seconds(self.prepared, self.items[key.item], key.frame_indices)
        return torch.tensor([PHOTO] * key.count if times is None else times)

    def read(self, key: SampleKey, *, augment: bool) -> Sample:
        """Read a clip and move all its frames alike."""
        rng = torch.Generator().manual_seed(key.seed)
        transform: Transform = Chain()
        if augment:
            transform = draw_transform(self.augmentation, key, rng, 2 * self.map_height)
        item = self.items[key.item]
        clip = read_clip(
            self.prepared,
            item,
            key.frame_indices,
            erp_height=self.erp_height,
            map_height=self.map_height,
            sigma_deg=self.sigma_deg,
            transform=transform,
        )
        frames = recolour(clip.frames, self.augmentation.colour, rng) if augment else clip.frames
        prior = None
        if self._prior is not None:
            prior = transform.erp(self._prior(self.seconds(key)))
            prior = (prior / prior.amax((1, 2, 3), keepdim=True))[:, None]
        views = frames[:, None], clip.saliency_maps[:, None], clip.fixation_maps[:, None]
        return Sample(f"{self.name}/{item}", key, *views, prior)


def draw_transform(augmentation: Augmentation, key: SampleKey, rng: torch.Generator, map_width: int) -> Transform:
    """Draw a movement of the sphere that the settings allow. The published variants come in turn."""
    if augmentation.published:
        variants = published_variants()
        return variants[key.repeat % len(variants)]
    steps: list[Transform] = []
    chance, end = torch.rand(2, generator=rng).tolist()
    if chance < augmentation.stretch:
        steps.append(Stretch("top" if end < 0.5 else "bottom"))
    for step in steps_of(random_yaw_flip(rng, map_width)):
        if augmentation.flip if isinstance(step, Flip) else augmentation.yaw:
            steps.append(step)
    return Chain(tuple(steps))


def recolour(frames: Tensor, strength: float, rng: torch.Generator) -> Tensor:
    """Change the colours of all frames (T, 3, H, W) uint8 alike, at random. Strength 0 changes nothing."""
    if not strength:
        return frames
    stacked = frames.transpose(0, 1).flatten(1, 2)[None].float() / 255  # (1, 3, T H, W)
    changed = (jitter_colour(stacked, strength, rng)[0] * 255).round().to(torch.uint8)
    return changed.reshape(3, len(frames), *frames.shape[2:]).transpose(0, 1)


def validation_keys(source: Source, number: int, frames_per_item: int, clip_frames: int | None) -> list[Batch]:
    """Return the samples of each item to validate: evenly spread frames, or all clips at the source's stride."""
    found = []
    for item, frames in enumerate(source.frame_counts):
        key = SampleKey(number, item, seed=seed_of("validation", number, item))
        if clip_frames is not None:
            found.append(list(split_video(replace(key, stride=source.config.stride), frames, clip_frames)))
            continue
        count = min(frames_per_item, frames)
        found.append([replace(key, first=int((k + 0.5) * frames / count)) for k in range(count)])
    return found

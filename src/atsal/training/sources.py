"""What training reads: sources of samples, each opened from its configuration.

A sample is a clip: some frames of one item and their maps, moved together. Single frames are clips of one frame; a flat
photo is a clip of one frame in several views.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
from atsal.datasets.prepared.frame_times import frame_seconds
from atsal.datasets.prepared.manifest import MANIFEST
from atsal.errors import ConfigError, DataError
from atsal.gaze.maps import Window, fixation_map, saliency_map
from atsal.gaze.records import Fixations
from atsal.jobs.checksums import file_sha256
from atsal.models.config import ModelConfig
from atsal.models.directions import direction_for_gaze
from atsal.models.front_prior import PHOTO, FrontPrior
from atsal.training.config import Augmentation, SourceConfig
from atsal.training.photos import jitter_colour
from atsal.training.sampler import Extent, Key, clips_of, seed_of

_FOLD_SEED = 0  # folds are a property of a source, not of a run


@dataclass(frozen=True, eq=False)
class Sample:
    """T frames of one item, in V views (1 on the sphere), and what was measured on them."""

    name: str  # "set/item", for messages
    key: Key
    frames: Tensor  # (T, V, 3, H, W) uint8 RGB; on the sphere W = 2H, H = the model's erp_height
    maps: Tensor  # (T, V, 1, h, w) float32 >= 0; the peak over the whole frame or photo is 1, unless nobody looked
    counts: Tensor  # (T, V, 1, h, w) float32, fixations a pixel; of photos the density takes their place
    # (T, V, 1, h, w) float32: the prior at the frame's time, peak 1; predictions are multiplied by it before they are
    # compared with the maps; None: no prior
    prior: Tensor | None = None

    @property
    def is_sphere(self) -> bool:
        """Whether the frames are whole ERP frames."""
        return is_erp(self.frames)


def is_erp(frames: Tensor) -> bool:
    """Whether pictures are whole ERP frames: twice as wide as high, which views of photos, all square, never are."""
    return frames.shape[-1] == 2 * frames.shape[-2]


class Source(Protocol):
    """Items to draw samples from."""

    config: SourceConfig
    name: str
    items: tuple[str, ...]

    def extent(self) -> Extent:
        """The frames of each item."""
        ...

    def sample(self, key: Key) -> Sample:
        """Read, and move at random by the key's seed."""
        ...

    def plain(self, key: Key) -> Sample:
        """Read as it is, for validation."""
        ...

    def describe(self) -> dict[str, Any]:
        """What a run notes of its data: JSON values."""
        ...


def chosen_items(config: SourceConfig, every: Sequence[str]) -> tuple[str, ...]:
    """The items that a source takes of all that are there, in their order; `ConfigError` where none is left."""
    unknown = [name for name in config.exclude if name not in every]
    if unknown:
        raise ConfigError(f"{config.folder}: exclude names {', '.join(unknown)}; expected items of the set")
    kept = [name for name in every if name not in config.exclude]
    if config.folds is not None:
        fold = np.random.default_rng(_FOLD_SEED).permutation(len(kept)) % config.folds
        wanted = fold == config.only_fold if config.only_fold is not None else fold != config.without_fold
        kept = [name for name, is_wanted in zip(kept, wanted, strict=True) if is_wanted]
    if not kept:
        raise ConfigError(f"{config.folder}: no item is left to train on; look at split, exclude and folds")
    return tuple(kept)


def open_prepared(config: SourceConfig) -> tuple[PreparedSet, tuple[str, ...]]:
    """A prepared set and the items of it that are taken, each of which must have its picture."""
    prepared = PreparedSet(config.folder, Path(config.raw) if config.raw else None)
    every = prepared.items
    if config.split is not None:
        name, dot, part = config.split.partition(".")
        if not dot:
            raise ConfigError(f"{config.folder}: split {config.split!r}; expected NAME.PART, as in published.train")
        every = prepared.split(name, part)
    items = chosen_items(config, every)
    blind = [item for item in items if prepared.stimulus(item).kind is None]
    if blind:
        raise DataError(
            f"{config.folder}: {len(blind)} of {len(items)} items have no picture ({', '.join(blind[:3])}, …); "
            "training needs the images or videos: put them beside the gaze and prepare again"
        )
    return prepared, items


def describe_prepared(prepared: PreparedSet, items: Sequence[str]) -> dict[str, Any]:
    """A prepared set in a run's data manifest: the checksum of the set's own manifest, the sizes of its pictures."""
    return {
        "prepared": str(prepared.folder.resolve()),
        "dataset": prepared.dataset.name,
        "licence": prepared.dataset.licence,
        "manifest_sha256": file_sha256(prepared.folder / MANIFEST),
        "stimuli_bytes": sum(prepared.stimulus_bytes(item) for item in items),
        "items": list(items),
    }


class SphereSource:
    """360° images and videos of a prepared set; frames are decoded when they are asked for."""

    def __init__(self, config: SourceConfig, model: ModelConfig, augmentation: Augmentation) -> None:
        self.config, self.augmentation = config, augmentation
        self.erp_height, self.map_height = model.erp_height, model.map_height
        self.prepared, self.items = open_prepared(config)
        if self.prepared.dataset.stimuli == "photos":
            raise ConfigError(f"{config.folder}: holds flat photos; expected 360° images or videos")
        if augmentation.yaw and self.erp_height % self.map_height:
            raise ConfigError(
                f"frames of {self.erp_height} rows and maps of {self.map_height} cannot be turned together by whole "
                "pixels: leave yaw out"
            )
        self.name = self.prepared.dataset.name
        self.sigma_deg = config.sigma_deg or self.prepared.preparation.sphere_sigma_deg
        self.direction = direction_for_gaze(self.prepared.preparation.direction)
        self._prior = None
        if model.directions is not None:
            self._prior = FrontPrior(model.directions.of(self.direction).prior, self.map_height)

    def extent(self) -> Extent:
        """The frames of each item; images have one."""
        return Extent(tuple(self.prepared.stimulus(item).frames or 1 for item in self.items))

    def sample(self, key: Key) -> Sample:
        """The clip of a key, moved as a whole."""
        rng = torch.Generator().manual_seed(key.seed)
        return self._read(key, draw_transform(self.augmentation, key, rng, 2 * self.map_height), rng)

    def plain(self, key: Key) -> Sample:
        """The clip of a key as it is."""
        return self._read(key, Chain(), None)

    def describe(self) -> dict[str, Any]:
        """The set, its items, σ."""
        return describe_prepared(self.prepared, self.items) | {"sigma_deg": self.sigma_deg}

    def seconds(self, key: Key) -> Tensor:
        """The times (T,) of a key's frames since the start of the video; `PHOTO` for photos."""
        numbers = range(key.first, key.first + key.count * key.stride, key.stride)
        times = frame_seconds(self.prepared, self.items[key.item], numbers)
        return torch.tensor([PHOTO] * key.count if times is None else times)

    def _read(self, key: Key, transform: Transform, rng: torch.Generator | None) -> Sample:
        item = self.items[key.item]
        numbers = range(key.first, key.first + key.count * key.stride, key.stride)
        size = (2 * self.erp_height, self.erp_height)
        pictures = list(self.prepared.pictures(item, numbers, size=size))
        frames = moved_frames(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2), transform)
        if rng is not None and self.augmentation.colour:
            frames = recoloured(frames, self.augmentation.colour, rng)
        windows = [self.prepared.window_at(item, number) for number in numbers]
        made = {window: self._measured(item, window, transform) for window in dict.fromkeys(windows)}
        maps, counts = (torch.stack([made[window][k] for window in windows]) for k in (0, 1))
        name = f"{self.name}/{item}"
        prior = None
        if self._prior is not None:
            prior = transform.erp(self._prior(self.seconds(key)))
            prior = (prior / prior.amax((1, 2, 3), keepdim=True))[:, None]
        return Sample(name, key, frames[:, None], maps[:, None], counts[:, None], prior)

    def _measured(self, item: str, window: Window | None, transform: Transform) -> tuple[Tensor, Tensor]:
        """Map and counts (1, h, 2h) of a window, moved."""
        fixations = self.prepared.fixations(item)
        if not isinstance(fixations, Fixations):
            raise DataError(f"{item} is a flat photo; expected 360° frames")
        if window is not None:
            fixations = fixations.in_frames(window.first_frame, window.last_frame)
        saliency = torch.from_numpy(saliency_map(fixations, self.map_height, self.sigma_deg))[None, None]
        counts = fixation_map(transform.fixations(fixations), self.map_height)
        return of_peak_one(transform.erp(saliency)[0]), torch.from_numpy(counts).float()[None]


def of_peak_one(maps: Tensor) -> Tensor:
    """Scaled to a maximum of 1; zeros stay zeros."""
    peak = maps.max()
    return maps / peak if peak > 0 else maps


def draw_transform(augmentation: Augmentation, key: Key, rng: torch.Generator, map_width: int) -> Transform:
    """One movement of the sphere, as the configuration allows; the published variants come in turn."""
    if augmentation.published:
        variants = published_variants()
        return variants[key.turn % len(variants)]
    steps: list[Transform] = []
    chance, end = torch.rand(2, generator=rng).tolist()
    if chance < augmentation.stretch:
        steps.append(Stretch("top" if end < 0.5 else "bottom"))
    moved = random_yaw_flip(rng, map_width)
    for step in steps_of(moved):
        if augmentation.flip if isinstance(step, Flip) else augmentation.yaw:
            steps.append(step)
    return Chain(tuple(steps))


def moved_frames(frames: Tensor, transform: Transform) -> Tensor:
    """Move frames (T, 3, H, 2H) uint8; only a stretch makes new grey levels."""
    if not any(isinstance(step, Stretch) for step in steps_of(transform)):
        return transform.erp(frames)
    return transform.erp(frames.float()).round().clamp(0, 255).to(torch.uint8)


def recoloured(frames: Tensor, strength: float, rng: torch.Generator) -> Tensor:
    """Change the colours of all frames (T, 3, H, W) uint8 alike."""
    together = frames.transpose(0, 1).flatten(1, 2)[None].float() / 255  # (1, 3, T H, W)
    moved = (jitter_colour(together, strength, rng)[0] * 255).round().to(torch.uint8)
    return moved.reshape(3, len(frames), *frames.shape[2:]).transpose(0, 1)


def validation_keys(source: Source, number: int, frames_per_item: int, clip_frames: int | None) -> list[list[Key]]:
    """What is validated of each item: some evenly spread single frames, or all its clips at the source's stride."""
    found = []
    for item, frames in enumerate(source.extent().frames):
        seed = seed_of("validation", number, item)
        if clip_frames is None:
            count = min(frames_per_item, frames)
            places = [int((k + 0.5) * frames / count) for k in range(count)]
            found.append([Key(number, item, place, seed=seed) for place in places])
            continue
        found.append(list(clips_of(Key(number, item, stride=source.config.stride, seed=seed), frames, clip_frames)))
    return found

"""360° images without gaze, under maps that other models make of them: distillation."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from atsal.aside import reported, write_aside
from atsal.errors import DataError, WeightsError
from atsal.jobs.checksums import file_sha256
from atsal.models.atsal import ATSal
from atsal.models.config import ModelConfig
from atsal.models.registry import build_network, find_bundle
from atsal.projection import RotateErp, resize_erp
from atsal.training.config import Augmentation, SourceConfig
from atsal.training.plan import Extent, Key
from atsal.training.priors import equator_prior
from atsal.training.sources import Sample, chosen_items, draw_transform, moved_frames, of_peak_one, recoloured
from atsal.untrusted.json_text import parse_json
from atsal.untrusted.reading import Blame
from atsal.untrusted.text import reason
from atsal.video.folders import IMAGE_SUFFIXES
from atsal.video.image import read_image
from atsal.video.pixels import scaled

_TILT_SEED = 5  # the copies are a property of a source, not of a run
TURNS = ((0, 0, 0), (45, 0, 0), (0, 30, 30), (45, -30, 30))  # yaw, pitch, roll of the cube, degrees


class PanoramaSource:
    """Panoramas and the maps that the teachers' experts make of them, averaged over turned cubes."""

    def __init__(
        self,
        config: SourceConfig,
        model: ModelConfig,
        augmentation: Augmentation,
        prior: SourceConfig | None,
        taught: Path,
    ) -> None:
        self.config, self.augmentation = config, augmentation
        self.map_height = model.map_height
        self.name = config.folder.name
        files = {file.stem: file for file in sorted(config.folder.glob("*")) if file.suffix.lower() in IMAGE_SUFFIXES}
        if not files:
            raise DataError(f"{config.folder}: no image there; expected a folder of 360° images")
        self.items = chosen_items(config, list(files))
        size = (2 * model.frame_height, model.frame_height)
        pictures = [scaled(read_image(files[item]), size) for item in self.items]
        self.frames = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
        self.checksums = {item: file_sha256(files[item]) for item in self.items}
        consensus = self._taught(taught)
        self.frames, consensus = with_tilted_copies(self.frames, consensus, config.tilted, config.tilt_deg)
        self.maps = consensus if prior is None else consensus * equator_prior(prior, self.map_height)[:, None]

    def _taught(self, kept: Path) -> Tensor:
        """The mean of the teachers' maps (N, 1, h, 2h): made once, then read from the file `kept`."""
        if not kept.is_file():
            teachers = [find_bundle(teacher) for teacher in self.config.teachers]
            maps = [
                expert_consensus(
                    build_network(teacher, face_size=self.config.teacher_face_size), self.frames, self.map_height
                )
                for teacher in teachers
            ]
            self.teachers = [teacher.checksum for teacher in teachers]
            with reported(kept, also=SafetensorError):
                kept.parent.mkdir(parents=True, exist_ok=True)
                with write_aside(kept) as part:
                    save_file({"maps": torch.stack(maps).mean(0)}, part, {"teachers": json.dumps(self.teachers)})
        try:
            with safe_open(kept, framework="pt") as file:
                self.teachers = parse_json(file.metadata()["teachers"], Blame(WeightsError, kept, "delete it"))
                found: Tensor = file.get_tensor("maps")
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, WeightsError) as error:
            remedy = "delete it, and the teachers make it anew"
            raise WeightsError(f"{kept}: damaged ({reason(error)}); {remedy}") from error
        return found

    def extent(self) -> Extent:
        """One frame an item and tilted copy."""
        return Extent((1,) * len(self.frames))

    def sample(self, key: Key) -> Sample:
        """A panorama and its map, moved together; the map takes the place of counts, too."""
        rng = torch.Generator().manual_seed(key.seed)
        transform = draw_transform(self.augmentation, key, rng, 2 * self.map_height)
        frames = moved_frames(self.frames[key.item][None], transform)
        if self.augmentation.colour:
            frames = recoloured(frames, self.augmentation.colour, rng)
        return self._sample(key, frames, transform.erp(self.maps[key.item][None]))

    def plain(self, key: Key) -> Sample:
        """A panorama and its map."""
        return self._sample(key, self.frames[key.item][None], self.maps[key.item][None])

    def _sample(self, key: Key, frames: Tensor, maps: Tensor) -> Sample:
        maps = of_peak_one(maps)[:, None]
        name = f"{self.name}/{self.items[key.item % len(self.items)]}"
        return Sample(name, key, frames[:, None], maps, maps)

    def describe(self) -> dict[str, Any]:
        """The pictures and who taught them."""
        return {
            "panoramas": str(self.config.folder.resolve()),
            "items": list(self.items),
            "sha256": self.checksums,
            "teachers": self.teachers,
            "turns_deg": [list(turn) for turn in TURNS],
        }


def with_tilted_copies(frames: Tensor, maps: Tensor, copies: int, tilt_deg: float) -> tuple[Tensor, Tensor]:
    """Frames (N, 3, H, 2H) uint8 and maps (N, 1, h, 2h), and `copies` of each, pitched and rolled alike at random."""
    rng = torch.Generator().manual_seed(_TILT_SEED)
    all_frames, all_maps = [frames], [maps]
    for _ in range(copies):
        for frame, density in zip(frames, maps, strict=True):
            pitch, roll = ((2 * torch.rand(2, generator=rng) - 1) * tilt_deg).tolist()
            turned = RotateErp(frames.shape[-2], 0.0, pitch, roll)(frame[None].float())
            all_frames.append(turned.round().clamp(0, 255).to(torch.uint8))
            all_maps.append(RotateErp(maps.shape[-2], 0.0, pitch, roll)(density[None]))
    return torch.cat(all_frames), torch.cat(all_maps)


@torch.no_grad()
def expert_consensus(network: ATSal, frames: Tensor, height: int) -> Tensor:
    """The experts' maps of stills (N, 3, H, 2H) uint8, averaged over turned cubes, (N, 1, height, 2 height)."""
    rows = network.config.map_height
    views = [(RotateErp(frames.shape[2], *v), RotateErp(rows, *v, inverse=True)) for v in TURNS]
    maps = [
        torch.stack([back(network.run_experts(turn(frame[None].float()))[0]) for turn, back in views]).mean(0)
        for frame in frames
    ]
    return resize_erp(torch.cat(maps), height)

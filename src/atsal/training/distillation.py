"""360° frames without gaze, under maps that other models make of them: distillation."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from atsal.errors import DataError, WeightsError
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.jobs.checksums import file_sha256
from atsal.models.config import ModelConfig
from atsal.models.registry import build_network, find_bundle
from atsal.models.seen_items import Seen, add_seen, seen_by
from atsal.models.two_stream import ATSal
from atsal.projection import RotateErp, resize_erp
from atsal.training.config import Augmentation, SourceConfig
from atsal.training.frames_without_gaze import STEP_S, STEPS, Moments
from atsal.training.sampler import Extent, Key
from atsal.training.sources import Sample, chosen_items, draw_transform, moved_frames, of_peak_one, recoloured
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import parse_json
from atsal.untrusted.text import error_reason

_TILT_SEED = 5  # the copies are a property of a source, not of a run
TURNS = (  # yaw, pitch, roll of the cube, degrees
    *((0, 0, 0), (45, 0, 0), (0, 30, 30), (45, -30, 30)),
    *((22, 0, 0), (67, 15, 15), (22, 30, -30), (67, -45, 0)),
)


class TaughtSource:
    """Panoramas, moments of videos or scenes, and the maps that the teachers' experts make of them.

    The target of a moment is the mean over the frames around it, so that what is learned is steady in time.
    """

    def __init__(self, config: SourceConfig, model: ModelConfig, augmentation: Augmentation, taught: Path) -> None:
        self.config, self.augmentation = config, augmentation
        self.map_height = model.map_height
        self.name = "scenes" if config.scenes else config.folder.name
        moments = Moments.of(config)
        self.items = chosen_items(config, moments.every)
        self.checksums = {item: file_sha256(moments.files[item]) for item in self.items if item in moments.files}
        if not taught.is_file():
            self._teach(moments, model.erp_height, taught)
        shown = [moment for item in self.items for moment in moments.of_item(item, model.erp_height)]
        self._shown = [moment.item for moment in shown]
        frames, maps = torch.stack([moment.frame for moment in shown]), self._taught(taught)
        if len(maps) != len(frames):
            raise DataError(
                f"{taught}: holds the teachers' maps of {len(maps)} frames, but {config.folder} shows {len(frames)}; "
                "put back what the run began with, or begin a new run"
            )
        self.frames, self.maps = with_tilted_copies(frames, maps, config.tilted, config.tilt_deg)

    def _teach(self, moments: Moments, height: int, kept: Path) -> None:
        """Write the mean of the teachers' maps, (N, 1, h, 2h), to the file `kept`."""
        bundles = [find_bundle(teacher) for teacher in self.config.teachers]
        teachers = [build_network(bundle, face_size=self.config.teacher_face_size) for bundle in bundles]
        maps = [
            torch.stack([expert_consensus(t, moment.frames, self.map_height).mean(0) for t in teachers]).mean(0)
            for item in self.items
            for moment in moments.of_item(item, height)
        ]
        seen: Seen = {}
        for bundle in bundles:
            add_seen(seen, ("experts",), seen_by(bundle.provenance).get("experts", {}).items())
        noted = {
            "teachers": json.dumps([bundle.checksum for bundle in bundles]),
            "trained_on": json.dumps(seen.get("experts", {})),
        }
        with output_errors(kept, also=SafetensorError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(kept) as part:
                save_file({"maps": torch.stack(maps)}, part, noted)

    def _taught(self, kept: Path) -> Tensor:
        """What `_teach` wrote."""
        try:
            with safe_open(kept, framework="pt") as file:
                told, make_error = file.metadata(), ErrorFactory(WeightsError, kept, "delete it")
                self.teachers = parse_json(told["teachers"], make_error)
                self.teachers_saw: dict[str, list[str]] = parse_json(told.get("trained_on", "{}"), make_error)
                found: Tensor = file.get_tensor("maps")
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, WeightsError) as error:
            remedy = "delete it, and the teachers make it anew"
            raise WeightsError(f"{kept}: damaged ({error_reason(error)}); {remedy}") from error
        return found

    def extent(self) -> Extent:
        """One frame a moment and tilted copy."""
        return Extent((1,) * len(self.frames))

    def sample(self, key: Key) -> Sample:
        """A frame and its map, moved together; the map takes the place of counts, too."""
        rng = torch.Generator().manual_seed(key.seed)
        transform = draw_transform(self.augmentation, key, rng, 2 * self.map_height)
        frames = moved_frames(self.frames[key.item][None], transform)
        if self.augmentation.colour:
            frames = recoloured(frames, self.augmentation.colour, rng)
        return self._sample(key, frames, transform.erp(self.maps[key.item][None]))

    def plain(self, key: Key) -> Sample:
        """A frame and its map."""
        return self._sample(key, self.frames[key.item][None], self.maps[key.item][None])

    def _sample(self, key: Key, frames: Tensor, maps: Tensor) -> Sample:
        maps = of_peak_one(maps)[:, None]
        name = f"{self.name}/{self._shown[key.item % len(self._shown)]}"
        return Sample(name, key, frames[:, None], maps, maps)

    def describe(self) -> dict[str, Any]:
        """The pictures and who taught them."""
        config = self.config
        shown: dict[str, Any] = {"panoramas": str(config.folder.resolve())}
        if config.scenes or config.videos:
            what = (
                {"scenes": config.scenes}
                if config.scenes
                else {"videos": [str(Path(v).resolve()) for v in config.videos]}
            )
            shown = what | {
                "taught_frames": config.taught_frames,
                "around_s": [k * STEP_S for k in range(-STEPS, STEPS + 1)],
            }
        return shown | {
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
    views = _turns(frames.shape[2], network.config.map_height)
    maps = [
        torch.stack([back(network.run_experts(turn(frame[None].float()))[0]) for turn, back in views]).mean(0)
        for frame in frames
    ]
    return resize_erp(torch.cat(maps), height)


@lru_cache(maxsize=2)
def _turns(erp_height: int, map_height: int) -> list[tuple[RotateErp, RotateErp]]:
    """What turns a frame, and what turns a map back, for each view."""
    return [(RotateErp(erp_height, *v), RotateErp(map_height, *v, inverse=True)) for v in TURNS]

"""360° frames without gaze as a source of samples, with target maps that other models make: distillation."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from atsal.datasets.prepared.augmentation import transform_frames
from atsal.datasets.prepared.clip import scale_to_peak_one
from atsal.errors import DataError, WeightsError
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.jobs.checksums import file_sha256
from atsal.models.config import ModelConfig
from atsal.models.loading import build_network, find_weights
from atsal.models.seen_items import SeenItems, add_seen_items, read_seen_items
from atsal.models.two_stream import ATSal
from atsal.projection import RotateErp, resize_erp
from atsal.training.config import Augmentation, SourceConfig
from atsal.training.frames_without_gaze import NEIGHBOURS, STEP_S, FramesWithoutGaze, FrameWithNeighbours
from atsal.training.sampler import SampleKey
from atsal.training.sources import Sample, choose_items, draw_transform, recolour
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import parse_json
from atsal.untrusted.text import error_reason

_TILT_SEED = 5  # the tilted copies are the same in every run
TURNS = (  # yaw, pitch, roll of the cube, degrees
    *((0, 0, 0), (45, 0, 0), (0, 30, 30), (45, -30, 30)),
    *((22, 0, 0), (67, 15, 15), (22, 30, -30), (67, -45, 0)),
)


class DistillationSource:
    """Frames without gaze and the mean of the teachers' expert maps. The maps stand for fixation counts, too.

    The target of a frame is the mean over its neighbours in time, so that the student's maps are steady. The teachers
    run once; their maps are stored in the file `teacher_maps`.
    """

    def __init__(
        self, config: SourceConfig, model: ModelConfig, augmentation: Augmentation, teacher_maps: Path
    ) -> None:
        self.config, self.augmentation = config, augmentation
        self.map_height = model.map_height
        self.name = "scenes" if config.scenes else config.folder.name
        found = FramesWithoutGaze.find(config)
        self.items = choose_items(config, found.items)
        self.checksums = {item: file_sha256(found.files[item]) for item in self.items if item in found.files}
        shown = [frame for item in self.items for frame in found.read(item, model.erp_height)]
        if not teacher_maps.is_file():
            self._run_teachers(shown, teacher_maps)
        self._item_of_frame = [frame.item for frame in shown]
        frames, maps = torch.stack([frame.frame for frame in shown]), self._read_teacher_maps(teacher_maps)
        if len(maps) != len(frames):
            raise DataError(
                f"{teacher_maps}: holds the teachers' maps of {len(maps)} frames, but {config.folder} has "
                f"{len(frames)}; put back the data that the run began with, or begin a new run"
            )
        self.frames, self.maps = with_tilted_copies(frames, maps, config.tilted, config.tilt_deg)
        self.frame_counts = (1,) * len(self.frames)

    def _run_teachers(self, shown: list[FrameWithNeighbours], path: Path) -> None:
        """Write the mean of the teachers' maps, (N, 1, h, 2h)."""
        bundles = [find_weights(teacher) for teacher in self.config.teachers]
        teachers = [build_network(bundle, face_size=self.config.teacher_face_size) for bundle in bundles]
        maps = [
            torch.stack([expert_consensus(t, frame.frames, self.map_height).mean(0) for t in teachers]).mean(0)
            for frame in shown
        ]
        seen: SeenItems = {}
        for bundle in bundles:
            add_seen_items(seen, ("experts",), read_seen_items(bundle.provenance).get("experts", {}).items())
        metadata = {
            "teachers": json.dumps([bundle.checksum for bundle in bundles]),
            "trained_on": json.dumps(seen.get("experts", {})),
        }
        with output_errors(path, also=SafetensorError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(path) as part:
                save_file({"maps": torch.stack(maps)}, part, metadata)

    def _read_teacher_maps(self, path: Path) -> Tensor:
        """Read what `_run_teachers` wrote."""
        try:
            with safe_open(path, framework="pt") as file:
                metadata, make_error = file.metadata(), ErrorFactory(WeightsError, path, "delete it")
                self.teachers = parse_json(metadata["teachers"], make_error)
                self.seen_by_teachers: dict[str, list[str]] = parse_json(metadata.get("trained_on", "{}"), make_error)
                found: Tensor = file.get_tensor("maps")
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, WeightsError) as error:
            remedy = "delete it; the teachers make it again"
            raise WeightsError(f"{path}: damaged ({error_reason(error)}); {remedy}") from error
        return found

    def read(self, key: SampleKey, *, augment: bool) -> Sample:
        """Return a frame and its map, moved alike."""
        frames, maps = self.frames[key.item, None], self.maps[key.item, None]
        if augment:
            rng = torch.Generator().manual_seed(key.seed)
            transform = draw_transform(self.augmentation, key, rng, 2 * self.map_height)
            frames = recolour(transform_frames(frames, transform), self.augmentation.colour, rng)
            maps = transform.erp(maps)
        maps = scale_to_peak_one(maps)[:, None]
        name = f"{self.name}/{self._item_of_frame[key.item % len(self._item_of_frame)]}"
        return Sample(name, key, frames[:, None], maps, maps)

    def describe(self) -> dict[str, Any]:
        """Return the pictures and the teachers."""
        config = self.config
        shown: dict[str, Any] = {"panoramas": str(config.folder.resolve())}
        if config.scenes or config.videos:
            videos = [str(Path(video).resolve()) for video in config.videos]
            shown = {"scenes": config.scenes} if config.scenes else {"videos": videos}
            shown["taught_frames"] = config.taught_frames
            shown["around_s"] = [k * STEP_S for k in range(-NEIGHBOURS, NEIGHBOURS + 1)]
        return shown | {
            "items": list(self.items),
            "sha256": self.checksums,
            "teachers": self.teachers,
            "turns_deg": [list(turn) for turn in TURNS],
        }


def with_tilted_copies(frames: Tensor, maps: Tensor, copies: int, tilt_deg: float) -> tuple[Tensor, Tensor]:
    """Append `copies` of frames (N, 3, H, 2H) uint8 and maps (N, 1, h, 2h), pitched and rolled alike at random."""
    rng = torch.Generator().manual_seed(_TILT_SEED)
    all_frames, all_maps = [frames], [maps]
    for _ in range(copies):
        for frame, density in zip(frames, maps, strict=True):
            pitch, roll = ((2 * torch.rand(2, generator=rng) - 1) * tilt_deg).tolist()
            tilted = RotateErp(frames.shape[-2], 0.0, pitch, roll)(frame[None].float())
            all_frames.append(tilted.round().clamp(0, 255).to(torch.uint8))
            all_maps.append(RotateErp(maps.shape[-2], 0.0, pitch, roll)(density[None]))
    return torch.cat(all_frames), torch.cat(all_maps)


@torch.no_grad()
def expert_consensus(network: ATSal, frames: Tensor, height: int) -> Tensor:
    """Return the experts' maps of stills (N, 3, H, 2H) uint8, the mean over turned cubes, (N, 1, height, 2 height)."""
    turns = _turns(frames.shape[2], network.config.map_height)
    maps = [
        torch.stack([back(network.run_experts(turn(frame[None].float()))[0]) for turn, back in turns]).mean(0)
        for frame in frames
    ]
    return resize_erp(torch.cat(maps), height)


@lru_cache(maxsize=2)
def _turns(erp_height: int, map_height: int) -> list[tuple[RotateErp, RotateErp]]:
    """Return the rotation of a frame and the inverse rotation of its map, for each turn of the cube."""
    return [(RotateErp(erp_height, *turn), RotateErp(map_height, *turn, inverse=True)) for turn in TURNS]

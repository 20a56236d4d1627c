"""Set up a run from its configuration: the weights it starts from, the part it trains, its sources."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from atsal.datasets.prepared import PreparedSet
from atsal.errors import ConfigError
from atsal.jobs.checksums import file_sha256
from atsal.models import Direction
from atsal.models.architecture import find_architecture
from atsal.models.config import ModelConfig
from atsal.models.efficientnet import Encoder, read_imagenet_weights
from atsal.models.lite import LiteAttention
from atsal.models.loading import find_weights, load_parts, new_parts
from atsal.models.seen_items import add_seen_items, read_seen_items
from atsal.models.two_stream import EXPERTS, ATSal
from atsal.models.weight_folder import WeightFolder, write_weight_folder
from atsal.training.checkpoint import Progress
from atsal.training.config import JOINT_PARTS, SCRATCH, Part, SourceConfig, TrainConfig, to_plain
from atsal.training.distillation import DistillationSource
from atsal.training.photos import PhotoSource
from atsal.training.sources import Source, SphereSource
from atsal.training.trained_part import TrainedPart

_CLOSED_MASK = -3.0  # logit: an attention stream that starts from an expert has an almost closed mask


def write_start(config: TrainConfig, folder: Path) -> None:
    """Write the weight folder that the run starts from, so that the run needs no other weights.

    Raise `WeightsError` for weights that cannot be read, `ConfigError` if the parts do not fit each other.
    """
    if config.start == SCRATCH:
        if config.model is None:
            raise ConfigError("a start from scratch needs model settings")
        model, recorded = config.model, dict[str, Any]()
        with torch.random.fork_rng(devices=[]):  # leave the program's own random state as it is
            torch.default_generator.manual_seed(config.seed)
            parts = new_parts(model)
        if config.pretrained is not None:
            recorded["pretrained"] = _load_pretrained(parts, Path(config.pretrained))
    else:
        bundle = find_weights(config.start)
        model, recorded, parts = bundle.config, dict(bundle.provenance), load_parts(bundle)
    experts = tuple(EXPERTS)
    if config.start_part is not None:
        for part in experts if config.part == "experts" else (config.part,):
            _copy_part(parts, config.start_part, part)
        seen = read_seen_items(recorded)
        sets = [items for stream in _streams(config.start_part) for items in seen.get(stream, {}).items()]
        add_seen_items(seen, _streams(config.part), sets)
        recorded["trained_on"] = seen
    if config.moving_average is not None:
        logit = float(torch.logit(torch.tensor(config.moving_average)))
        for part in experts if config.part in JOINT_PARTS else (config.part,):
            for name, parameter in parts[part].named_parameters():
                if name.endswith("alpha"):
                    nn.init.constant_(parameter, logit)
    write_weight_folder(folder, model, {name: part.state_dict() for name, part in parts.items()}, recorded)


def _load_pretrained(parts: Mapping[str, nn.Module], file: Path) -> dict[str, str]:
    """Load the ImageNet weights into every encoder. Return the name and checksum of their file."""
    weights = read_imagenet_weights(file)
    for name, part in parts.items():
        encoder = getattr(part, "encoder", None)
        if not isinstance(encoder, Encoder):
            raise ConfigError(f"pretrained: the {name} of this network has no encoder for it; expected that of lite")
        encoder.load_state_dict(weights)
    return {"file": file.name, "sha256": file_sha256(file)}


def _copy_part(parts: Mapping[str, nn.Module], source: str, part: str) -> None:
    """Copy the weights of `source` to `part`; between an expert and the attention stream, only those they share."""
    own = parts[part].state_dict()
    weights = parts[source].state_dict().items()
    shared = {name: value.clone() for name, value in weights if name in own and own[name].shape == value.shape}
    missing = [name for name in own if name not in shared]
    if "attention" not in (source, part) and missing:
        raise ConfigError(f"start_part {source!r}: its weights do not fit {part!r} ({missing[0]}, …)")
    if not shared:
        raise ConfigError(f"start_part {source!r}: shares no weights with {part!r}, whose layers have other names")
    parts[part].load_state_dict(own | shared)
    attention = parts[part]
    if isinstance(attention, LiteAttention) and attention.mask_logits.bias is not None:
        nn.init.constant_(attention.mask_logits.bias, _CLOSED_MASK)


def load_trained_part(bundle: WeightFolder, config: TrainConfig, sources: Sequence[Source]) -> TrainedPart:
    """Return the part in training with the start's weights.

    A fused map is predicted for the direction of the sources' gaze. Raise `ConfigError` if they have both directions.
    """
    direction: Direction = "head_eye"
    if config.part == "fused" and bundle.config.directions is not None:
        measured = {source.direction: source for source in sources if isinstance(source, SphereSource)}
        if len(measured) > 1:
            found = " and ".join(f"{source.name} has {kind}" for kind, source in measured.items())
            raise ConfigError(f"part fused: the gaze of its sources is of two directions ({found}); give sets of one")
        direction = next(iter(measured), direction)
    parts = load_parts(bundle)
    network = ATSal(bundle.config, parts["attention"], parts["poles"], parts["equator"], direction=direction)
    return TrainedPart(network, config.part)


def open_sources(
    sources: Sequence[SourceConfig], config: TrainConfig, model: ModelConfig, teacher_maps: Path
) -> list[Source]:
    """Open each source. Raise `ConfigError` if it does not fit the part, `DataError` for unexpected data.

    The maps of teachers are stored in the folder `teacher_maps`; a resumed run reads them there.
    """
    return [_open(source, config, model, teacher_maps / f"{k}.safetensors") for k, source in enumerate(sources)]


def _open(source: SourceConfig, config: TrainConfig, model: ModelConfig, teacher_maps: Path) -> Source:
    flat = source.photos is not None
    if source.prepared is not None:
        flat = PreparedSet(source.folder).dataset.stimuli == "photos"
    if flat and config.part not in EXPERTS:
        raise ConfigError(f"{source.folder}: holds flat photos, which only an expert can learn from, not {config.part}")
    if flat and config.clip_frames:
        raise ConfigError(f"{source.folder}: holds flat photos; expected 360° videos for clips")
    if flat:
        return PhotoSource(source, config.photo_views)
    if source.is_distilled:
        return DistillationSource(source, model, config.augmentation, teacher_maps)
    if config.start != SCRATCH and model.directions is None and find_architecture(model.architecture).has_front_prior:
        raise ConfigError(
            f"{source.folder}: holds gaze in 360°, but {config.start} has no front prior yet, so its layers would "
            "learn what the prior adds later; run `atsal weights fuse` on it and start from the result"
        )
    return SphereSource(source, model, config.augmentation)


def provenance(
    config: TrainConfig, start: WeightFolder, sources: Sequence[Source], progress: Progress
) -> dict[str, Any]:
    """Return the start's provenance with this stage and the 360° items that its sources and teachers saw added."""
    stage = {
        "title": config.title,
        "part": config.part,
        "config": to_plain(config),
        "epochs": progress.epoch,
        "validation": {name: score if math.isfinite(score) else None for name, score in progress.scores.items()},
        "data": [_without_items(s.describe()) for s in sources],
    }
    seen = read_seen_items(start.provenance)
    for source in sources:
        if isinstance(source, SphereSource):
            add_seen_items(seen, _streams(config.part), [(source.name, source.items)])
        elif isinstance(source, DistillationSource):
            add_seen_items(seen, _streams(config.part), source.seen_by_teachers.items())
    stages = [*start.provenance.get("stages", []), _without_paths(stage)]
    return {**start.provenance, "stages": stages, "trained_on": seen}


def _streams(part: Part) -> tuple[str, ...]:
    return {"fused": ("attention", "experts"), "attention": ("attention",)}.get(part, ("experts",))


def _without_items(value: Any) -> Any:
    """Remove the thousands of names and checksums from a source's description; `data.json` has them."""
    if isinstance(value, dict):
        return {key: _without_items(v) for key, v in value.items() if key not in ("items", "sha256")}
    return [_without_items(v) for v in value] if isinstance(value, list) else value


def _without_paths(value: Any) -> Any:
    """Cut paths to their last names, because weights are passed on and must not tell about the machine."""
    if isinstance(value, dict):
        return {_without_paths(key): _without_paths(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_without_paths(v) for v in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value

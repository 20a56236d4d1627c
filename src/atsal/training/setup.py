"""From a configuration to what a run works with: the weights it starts from, and its sources."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from atsal.datasets.prepared import PreparedSet
from atsal.errors import ConfigError
from atsal.jobs.checksums import file_sha256
from atsal.models.architecture import find_architecture
from atsal.models.config import ModelConfig
from atsal.models.directions import Direction
from atsal.models.efficientnet import Encoder, read_imagenet_weights
from atsal.models.lite import LiteAttention
from atsal.models.loading import find_weights, load_parts, new_parts
from atsal.models.seen_items import add_seen_items, read_seen_items
from atsal.models.two_stream import EXPERTS, ATSal
from atsal.models.weight_folder import WeightFolder, write_weight_folder
from atsal.training.checkpoint import Progress
from atsal.training.config import SCRATCH, TOGETHER, Part, SourceConfig, TrainConfig
from atsal.training.distillation import TaughtSource
from atsal.training.photo_source import PhotoSource
from atsal.training.run_folder import plain
from atsal.training.sources import Source, SphereSource
from atsal.training.trained_part import Subject

_CLOSED_MASK = -3.0  # logit: an attention stream that starts from an expert begins with an all but closed mask


def write_start(config: TrainConfig, folder: Path) -> None:
    """Write the weight folder that the run begins with, so that the run depends on no other folder.

    Raises `WeightsError` for weights that cannot be read, `ConfigError` where the parts do not fit each other.
    """
    if config.start == SCRATCH:
        if config.model is None:
            raise ConfigError("a start from scratch needs model settings")
        model, provenance = config.model, dict[str, Any]()
        with torch.random.fork_rng(devices=[]):  # the program's own chance is as it was
            torch.default_generator.manual_seed(config.seed)
            parts = new_parts(model)
        if config.pretrained is not None:
            provenance |= _take_pretrained(parts, Path(config.pretrained))
    else:
        bundle = find_weights(config.start)
        model, provenance = bundle.config, dict(bundle.provenance)
        parts = load_parts(bundle)
    if config.start_part is not None:
        for part in tuple(EXPERTS) if config.part == "experts" else (config.part,):
            _take_over(parts, config.start_part, part)
        seen = read_seen_items(provenance)
        given = [sets for stream in _streams(config.start_part) for sets in seen.get(stream, {}).items()]
        add_seen_items(seen, _streams(config.part), given)
        provenance["trained_on"] = seen
    if config.moving_average is not None:
        _set_moving_average(parts, config)
    write_weight_folder(folder, model, {name: part.state_dict() for name, part in parts.items()}, provenance)


def _take_pretrained(parts: Mapping[str, nn.Module], file: Path) -> dict[str, Any]:
    """Begin every encoder with the weights of ImageNet; returns where they come from."""
    weights = read_imagenet_weights(file)
    for name, part in parts.items():
        encoder = getattr(part, "encoder", None)
        if not isinstance(encoder, Encoder):
            raise ConfigError(f"pretrained: the {name} of this network has no encoder for it; expected that of lite")
        encoder.load_state_dict(weights)
    return {"pretrained": {"file": file.name, "sha256": file_sha256(file)}}


def _take_over(parts: Mapping[str, nn.Module], source: str, part: str) -> None:
    """Give `part` the weights of `source`; between an expert and an attention stream, those that both have."""
    given = {name: value.clone() for name, value in parts[source].state_dict().items()}
    own = parts[part].state_dict()
    shared = {name: value for name, value in given.items() if name in own and own[name].shape == value.shape}
    missing = [name for name in own if name not in shared]
    if "attention" not in (source, part) and missing:
        raise ConfigError(f"start_part {source!r}: its weights do not fit {part!r} ({missing[0]}, …)")
    if not shared:
        raise ConfigError(f"start_part {source!r}: shares no weights with {part!r}, whose layers have other names")
    parts[part].load_state_dict(own | shared)
    attention = parts[part]
    if isinstance(attention, LiteAttention) and attention.mask_logits.bias is not None:
        nn.init.constant_(attention.mask_logits.bias, _CLOSED_MASK)


def _set_moving_average(parts: Mapping[str, nn.Module], config: TrainConfig) -> None:
    share = config.moving_average or 0.0
    for name in tuple(EXPERTS) if config.part in TOGETHER else (config.part,):
        for key, parameter in parts[name].named_parameters():
            if key.endswith("alpha"):
                nn.init.constant_(parameter, float(torch.logit(torch.tensor(share))))


def load_subject(bundle: WeightFolder, config: TrainConfig, sources: Sequence[Source]) -> Subject:
    """The part in training, with the start's weights.

    The fused map is turned to the direction of the sources' gaze; `ConfigError` where they have both.
    """
    direction: Direction = "head_eye"
    if config.part == "fused" and bundle.config.directions is not None:
        measured = {source.direction: source for source in sources if isinstance(source, SphereSource)}
        if len(measured) > 1:
            told = " and ".join(f"{source.name} has {kind}" for kind, source in measured.items())
            raise ConfigError(f"part fused: the gaze of its sources is of two directions ({told}); give sets of one")
        direction = next(iter(measured), direction)
    parts = load_parts(bundle)
    network = ATSal(bundle.config, parts["attention"], parts["poles"], parts["equator"], direction=direction)
    return Subject(network, config.part)


def open_sources(chosen: Sequence[SourceConfig], config: TrainConfig, model: ModelConfig, taught: Path) -> list[Source]:
    """Open each source; `ConfigError` where it cannot serve the part, `DataError` for data that are not as expected.

    What teachers make of a source is kept in the folder `taught`: a run that goes on needs them no more.
    """
    return [_open(source, config, model, taught / f"{k}.safetensors") for k, source in enumerate(chosen)]


def _open(source: SourceConfig, config: TrainConfig, model: ModelConfig, taught: Path) -> Source:
    flat = source.photos is not None
    if source.prepared is not None:
        flat = PreparedSet(source.folder).dataset.stimuli == "photos"
    if flat and config.part not in ("equator", "poles"):
        raise ConfigError(f"{source.folder}: holds flat photos, which only an expert can learn from, not {config.part}")
    if flat and config.clip_frames:
        raise ConfigError(f"{source.folder}: holds flat photos; clips are of 360° videos")
    if flat:
        return PhotoSource(source, config.photo_views)
    if source.is_taught:
        return TaughtSource(source, model, config.augmentation, taught)
    if config.start != SCRATCH and model.directions is None and find_architecture(model.architecture).has_front_prior:
        raise ConfigError(
            f"{source.folder}: holds gaze in 360°, but {config.start} has no front prior yet, so its layers would "
            "learn what the prior will say again; run `atsal weights fuse` on it and start from the result"
        )
    return SphereSource(source, model, config.augmentation)


def provenance(
    config: TrainConfig, start: WeightFolder, sources: Sequence[Source], progress: Progress
) -> dict[str, Any]:
    """Where weights come from: what the start's say, with this stage added, and the 360° items that each stream saw.

    What the teachers saw, their pupil knows.
    """
    stage = {
        "title": config.title,
        "part": config.part,
        "config": plain(config),
        "epochs": progress.epoch,
        "validation": {name: score if math.isfinite(score) else None for name, score in progress.scores.items()},
        "data": [_without_items(s.describe()) for s in sources],
    }
    seen = read_seen_items(start.provenance)
    for source in sources:
        if isinstance(source, SphereSource):
            add_seen_items(seen, _streams(config.part), [(source.name, source.items)])
        elif isinstance(source, TaughtSource):
            add_seen_items(seen, _streams(config.part), source.teachers_saw.items())
    return {
        **start.provenance,
        "stages": [*start.provenance.get("stages", []), _without_paths(stage)],
        "trained_on": seen,
    }


def _streams(part: Part) -> tuple[str, ...]:
    return {"fused": ("attention", "experts"), "attention": ("attention",)}.get(part, ("experts",))


def _without_items(value: Any) -> Any:
    """What a source says of itself, without the thousands of names in `data.json`."""
    if isinstance(value, dict):
        return {key: _without_items(v) for key, v in value.items() if key not in ("items", "sha256")}
    return [_without_items(v) for v in value] if isinstance(value, list) else value


def _without_paths(value: Any) -> Any:
    """Plain values whose paths are cut to their last names: weights are handed on, and tell nothing of the machine."""
    if isinstance(value, dict):
        return {_without_paths(key): _without_paths(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_without_paths(v) for v in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value

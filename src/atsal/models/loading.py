"""From the name of a model to a network with its weights."""

import dataclasses
import os
from pathlib import Path

import torch
from torch import nn

from atsal.config import suggest_name
from atsal.errors import ConfigError, WeightsError
from atsal.models import Direction
from atsal.models.architecture import Architecture, architecture_names, find_architecture, has_architecture
from atsal.models.config import ModelConfig
from atsal.models.two_stream import ATSal, Procedure
from atsal.models.weight_folder import WeightFolder, read_weight_folder


def weights_home() -> Path:
    """Return the folder of imported and downloaded weights: $ATSAL_HOME, else atsal/ in the user's cache folder."""
    home = os.environ.get("ATSAL_HOME")
    cache = os.environ.get("XDG_CACHE_HOME")
    return Path(home) if home else (Path(cache) if cache else Path.home() / ".cache") / "atsal"


def weights_path(architecture: Architecture) -> Path:
    """Return the weight folder that the name of an architecture stands for; it may not exist."""
    return architecture.weights or weights_home() / architecture.name


def find_weights(name: str | Path) -> WeightFolder:
    """Open and verify the weights of a model's name, or those at a path.

    Raises `ConfigError` for an unknown name, `WeightsError` for weights that are missing or damaged.
    """
    if isinstance(name, str) and has_architecture(name):
        architecture = find_architecture(name)
        folder = weights_path(architecture)
        if not folder.exists():
            raise WeightsError(f"the weights of {name!r} are not in {folder}: {architecture.weights_help}")
        return read_weight_folder(folder)
    if not Path(name).exists():
        known = suggest_name(str(name), architecture_names())
        raise ConfigError(f"model {str(name)!r} is neither a name nor a weight folder{known}")
    return read_weight_folder(name)


def weights_place(folder: Path) -> str:
    """Return what finds weights again: the name of a model if it stands for this folder, or the absolute path."""
    is_named = (
        has_architecture(folder.name) and weights_path(find_architecture(folder.name)).resolve() == folder.resolve()
    )
    return folder.name if is_named else str(folder.resolve())


def build_network(
    weights: WeightFolder,
    *,
    face_size: int | None = None,
    procedure: Procedure = "corrected",
    direction: Direction = "head_eye",
    front_deg: float | None = 0.0,
) -> ATSal:
    """Build a network in eval mode, on the CPU, with its weights loaded strictly and prepared for inference.

    `face_size` replaces that of the weights (the published experts run on 160 and on 256). Raises `WeightsError` if the
    weights do not fit the architecture, `ConfigError` for a face size that it cannot take.
    """
    config = weights.config
    if face_size is not None:
        config = dataclasses.replace(config, face_size=face_size)
    parts = load_parts(weights)
    prepare = find_architecture(config.architecture).prepare_for_inference
    if prepare is not None:
        prepare(parts)
    network = ATSal(config, **parts, procedure=procedure, direction=direction, front_deg=front_deg).eval()
    return network.requires_grad_(False)


def new_parts(config: ModelConfig) -> dict[str, nn.Module]:
    """Return the parts of an architecture with random weights (seed them by `torch.manual_seed`)."""
    return find_architecture(config.architecture).new_parts(config)


def load_parts(weights: WeightFolder) -> dict[str, nn.Module]:
    """Load the parts of a network in eval mode, with the layers as they were trained. Raises `WeightsError`."""
    with torch.device("meta"):  # shapes without memory: the tensors of the files become the parameters
        parts = new_parts(weights.config)
    for part, module in parts.items():
        try:
            module.load_state_dict(weights.load(part), assign=True)
        except RuntimeError as error:
            lines = str(error).splitlines()  # the first is a heading
            raise WeightsError(
                f"{weights.folder}: the weights of {part!r} do not fit the {weights.config.architecture!r} network: "
                f"{lines[min(1, len(lines) - 1)].strip()}"
            ) from error
        module.eval()
    return parts

"""The models by name, and how a weight folder becomes a network."""

import dataclasses
import os
from pathlib import Path

import torch
from torch import nn

from atsal.config import suggest_name
from atsal.errors import ConfigError, WeightsError
from atsal.models.attention import AttentionStream
from atsal.models.config import ModelConfig
from atsal.models.directions import Direction
from atsal.models.lite import LiteAttention, LiteExpert, fold_normalisation, share_encoder
from atsal.models.salema import SalEMA
from atsal.models.two_stream import ATSal, Procedure
from atsal.models.weight_folder import Bundle, read_bundle

GREY_SPREAD = 64.0  # standard deviation of photos, of 255
LITE_WEIGHTS = Path(__file__).parent / "weights" / "lite"
NAMES = {
    "lite": "compact two-stream network, weights in the package",
    "paper": "the published layers; its weights are imported by `atsal weights import`",
}


def weights_home() -> Path:
    """Where imported and downloaded weights are kept: $ATSAL_HOME, else atsal/ in the user's cache folder."""
    home = os.environ.get("ATSAL_HOME")
    cache = os.environ.get("XDG_CACHE_HOME")
    return Path(home) if home else (Path(cache) if cache else Path.home() / ".cache") / "atsal"


def find_bundle(name: str | Path) -> Bundle:
    """Find and verify the weights of a model's name or of a weight folder's path.

    Raises `ConfigError` for an unknown name, `WeightsError` for weights that are missing or damaged.
    """
    if name == "lite":
        return read_bundle(LITE_WEIGHTS)
    if name == "paper":
        folder = weights_home() / "paper"
        if not folder.exists():
            raise WeightsError(
                f"the weights of 'paper' are not in {folder}: fetch them with `atsal weights download --all -o DIR`, "
                "then `atsal weights import --attention A.pth --poles P.pth --equator E.pth`"
            )
        return read_bundle(folder)
    if not Path(name).exists():
        raise ConfigError(f"model {str(name)!r} is neither a name nor a weight folder{suggest_name(str(name), NAMES)}")
    return read_bundle(Path(name))


def build_network(
    bundle: Bundle,
    *,
    face_size: int | None = None,
    procedure: Procedure = "corrected",
    direction: Direction = "head_eye",
    front_deg: float | None = 0.0,
) -> ATSal:
    """Build the network of a bundle, in eval mode, on the CPU, with its weights loaded strictly.

    `face_size` replaces the bundle's own (the published experts run on 160 and on 256). Raises `WeightsError` where
    the weights do not fit the network that the bundle names, `ConfigError` for a face size it cannot take.
    """
    config = bundle.config
    if face_size is not None:
        config = dataclasses.replace(config, face_size=face_size)
    parts = load_parts(bundle)
    if config.architecture == "lite":
        share_encoder(parts["equator"], parts["poles"])
        for module in parts.values():
            fold_normalisation(module)
    network = ATSal(config, **parts, procedure=procedure, direction=direction, front_deg=front_deg).eval()
    return network.requires_grad_(False)


def new_parts(config: ModelConfig) -> dict[str, nn.Module]:
    """The three networks of an architecture, with random weights (`torch.manual_seed`).

    The published layers have no normalisation: their convolutions start as He et al. (ICCV 2015) give it for ReLUs,
    the first one divided by the spread of its input, which comes in grey levels.
    """
    if config.architecture == "lite":
        return {"attention": LiteAttention(), "poles": LiteExpert(), "equator": LiteExpert()}
    parts: dict[str, nn.Module] = {"attention": AttentionStream(), "poles": SalEMA(), "equator": SalEMA()}
    for module in (module for part in parts.values() for module in part.modules()):
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            if module.in_channels == 3:
                module.weight.data /= GREY_SPREAD / config.scale
    return parts


def load_parts(bundle: Bundle) -> dict[str, nn.Module]:
    """The three networks of a bundle, in eval mode, their layers as they were trained; `WeightsError`."""
    with torch.device("meta"):  # shapes without memory: the tensors of the files become the parameters
        parts = new_parts(bundle.config)
    for part, module in parts.items():
        try:
            module.load_state_dict(bundle.load(part), assign=True)
        except RuntimeError as error:
            architecture = bundle.config.architecture
            first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
            raise WeightsError(
                f"{bundle.folder}: the weights of {part!r} do not fit the {architecture!r} network: {first}"
            ) from error
        module.eval()
    return parts

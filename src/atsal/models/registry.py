"""The models by name, and how a weight folder becomes a network."""

import dataclasses
import os
from pathlib import Path

from torch import nn

from atsal.config import nearest
from atsal.errors import ConfigError, WeightsError
from atsal.models.atsal import ATSal, Procedure
from atsal.models.attention import AttentionStream
from atsal.models.bundle import Bundle, read_bundle
from atsal.models.lite import LiteAttention, LiteExpert, fold_normalisation
from atsal.models.salema import SalEMA

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
        raise ConfigError(f"model {str(name)!r} is neither a name nor a weight folder{nearest(str(name), NAMES)}")
    return read_bundle(Path(name))


def build_network(bundle: Bundle, *, face_size: int | None = None, procedure: Procedure = "corrected") -> ATSal:
    """Build the network of a bundle, in eval mode, on the CPU, with its weights loaded strictly.

    `face_size` replaces the bundle's own (the published experts run on 160 and on 256). Raises `WeightsError` where
    the weights do not fit the network that the bundle names, `ConfigError` for a face size it cannot take.
    """
    config = bundle.config
    if face_size is not None:
        config = dataclasses.replace(config, face_size=face_size)
    parts: dict[str, nn.Module]
    if config.architecture == "paper":
        parts = {"attention": AttentionStream(), "poles": SalEMA(), "equator": SalEMA()}
    else:
        parts = {"attention": LiteAttention(config.erp_height), "poles": LiteExpert(), "equator": LiteExpert()}
    for part, module in parts.items():
        try:
            module.load_state_dict(bundle.load(part))
        except RuntimeError as error:
            first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
            raise WeightsError(
                f"{bundle.folder}: the weights of {part!r} do not fit the {config.architecture!r} network: {first}"
            ) from error
        module.eval()
    if config.architecture == "lite":
        for module in parts.values():
            fold_normalisation(module)
    network = ATSal(config, **parts, procedure=procedure).eval()
    return network.requires_grad_(False)

"""What an architecture is, and the list of all of them.

Each architecture is one object in one module: `lite.LITE` and `paper.PAPER` here. Another installed package adds one by
an entry point of the group `atsal.architectures`; docs/models/README.md shows how.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING

from atsal.config import suggest_name
from atsal.errors import ConfigError
from atsal.plugins import find_plugins, load_plugin
from atsal.untrusted.text import short_repr

if TYPE_CHECKING:
    from torch import nn

    from atsal.models.config import ModelConfig

GROUP = "atsal.architectures"
BUILT_IN = {
    name: EntryPoint(name, value, GROUP)
    for name, value in (("lite", "atsal.models.lite:LITE"), ("paper", "atsal.models.paper:PAPER"))
}


@dataclass(frozen=True)
class Architecture:
    """The layers of a two-stream network, and all that other modules need to know about them.

    `two_stream.ATSal` runs the parts. The attention stream maps frames (B, 3, H, 2H) to saliency (B, 1, h, 2h) in
    [0, 1] and a mask. An expert has `encode(x)`, from faces (B, 3, S, S) to a list of feature maps, and
    `decode(features, state, frames, carry)`, which returns saliency (B, 1, s, s) in [0, 1] and the new state; see
    `moving_average.exponential_average` for its arguments. If both experts hold the same module `encoder`, the equator
    expert encodes all six faces in one call.
    """

    name: str
    summary: str  # one line, shown by `atsal weights list`
    default_config: "ModelConfig"  # sizes and preprocessing
    new_parts: "Callable[[ModelConfig], dict[str, nn.Module]]"  # the parts, with random weights
    state_channels: int  # of the experts' recurrent state, per face
    state_stride: int = 16  # pixels of a face per pixel of the state
    prepare_for_inference: "Callable[[Mapping[str, nn.Module]], None] | None" = None  # fold normalisation, in place
    weights: Path | None = None  # the weight folder that ships with the package
    weights_help: str = "give the path of a weight folder"  # how to get weights that do not ship
    frames_on_cpu: int = 1  # frames that a runtime runs at once
    frames_on_gpu: int = 8
    # A frame takes milliseconds. On a CPU, OpenVINO is preferred, the streams run side by side and graphs are cached;
    # for a large network, PyTorch uses Winograd convolutions.
    is_small: bool = False
    has_front_prior: bool = False  # its maps are multiplied by a front prior, which `atsal weights fuse` adjusts
    has_published_procedure: bool = False  # it can reproduce the released test procedure
    oldest_format: int = 2  # the oldest format of weight folders whose layers it still has
    # name of a group that training can select -> how the names of its parameters begin, within a part
    parameter_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def state_shape(self, face_size: int) -> tuple[int, ...]:
        """Return the shape of one video's state: (1, 6, C, S / stride, S / stride)."""
        side = face_size // self.state_stride
        return (1, 6, self.state_channels, side, side)


def architecture_names() -> tuple[str, ...]:
    """Return the names of all architectures: built in, then those of other packages."""
    return (*BUILT_IN, *sorted(find_plugins(GROUP).keys() - BUILT_IN.keys()))


def has_architecture(name: str) -> bool:
    """Whether an architecture of this name is built in or installed."""
    return name in BUILT_IN or name in find_plugins(GROUP)


def find_architecture(name: str) -> Architecture:
    """Return the architecture of a name. Raises `ConfigError` if there is none, or if it cannot be loaded."""
    if not has_architecture(name):
        raise unknown_architecture(name)
    entries = [BUILT_IN[name]] if name in BUILT_IN else find_plugins(GROUP)[name]
    found: Architecture = load_plugin(
        entries,
        "architecture",
        f"an Architecture named {short_repr(name)}",
        lambda value: isinstance(value, Architecture) and value.name == name,
    )
    return found


def unknown_architecture(name: str) -> ConfigError:
    """Return the error for a name that is neither built in nor installed."""
    known = suggest_name(name, architecture_names())
    return ConfigError(f"architecture {short_repr(name)}: neither built in nor provided by an installed package{known}")

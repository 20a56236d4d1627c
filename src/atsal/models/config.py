"""What a set of weights needs beside its tensors: the network's sizes, its preprocessing and its fusion."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from atsal.config import check_range, from_mapping
from atsal.errors import ConfigError
from atsal.models.architecture import has_architecture, unknown_architecture
from atsal.models.directions import Directions
from atsal.projection.cubemap import Layout

ChannelOrder = Literal["rgb", "bgr"]
_MAX_SMOOTHED_ROWS = 512  # smoothing takes 16 bytes times the cube of it
_MAX_ROWS, _MAX_FACE_SIZE = 1024, 1024  # these take a gigabyte of memory


@dataclass(frozen=True)
class ModelConfig:
    """Everything that turns an RGB frame into network input and network output into maps. Stored as JSON.

    Network input is `(image - mean) / scale`, channels in `channel_order`, `image` in [0, 255].
    """

    architecture: str  # a name that `architecture.find_architecture` knows
    erp_height: int  # rows of the input frame, from which the faces are cut; its width is twice that
    face_size: int  # pixels of a cube face's side
    map_height: int = 320  # rows at which the streams are fused
    face_fov_deg: float = 90.0  # above 90, faces overlap and are blended
    layout: Layout = "standard"
    channel_order: ChannelOrder = "rgb"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)  # in channel_order, grey levels
    scale: float = 255.0
    attention_exponent: float = 1.0  # the product is attention ** a * experts ** b; the paper has 1, 1
    experts_exponent: float = 1.0
    directions: Directions | None = None  # how the product becomes a density; None: it is the map, as in the paper

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values that no network can take."""
        if not has_architecture(self.architecture):
            raise unknown_architecture(self.architecture)
        if self.layout not in ("standard", "published"):
            raise ConfigError(f"layout {self.layout!r}: expected 'standard' or 'published'")
        if self.channel_order not in ("rgb", "bgr"):
            raise ConfigError(f"channel_order {self.channel_order!r}: expected 'rgb' or 'bgr'")
        check_range(self, erp_height=(32, _MAX_ROWS), map_height=(1, _MAX_ROWS), face_size=(32, _MAX_FACE_SIZE))
        check_range(self, attention_exponent=(0, 100), experts_exponent=(0, 100))
        if self.directions is not None and self.map_height > _MAX_SMOOTHED_ROWS:
            raise ConfigError(f"map_height {self.map_height}: expected at most {_MAX_SMOOTHED_ROWS} with directions")
        for name in ("erp_height", "face_size"):
            if getattr(self, name) % 32:
                raise ConfigError(f"{name} {getattr(self, name)}: expected a positive multiple of 32")
        if not 90 <= self.face_fov_deg < 150:
            raise ConfigError(f"face_fov_deg {self.face_fov_deg}: expected 90 to 150 degrees")
        if len(self.mean) != 3 or not all(map(math.isfinite, (*self.mean, self.scale))) or self.scale <= 0:
            raise ConfigError(
                f"mean {self.mean} and scale {self.scale}: expected three finite means and a scale above 0"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from plain JSON values. Raises `ConfigError` for an unknown, missing or mistyped setting."""
        return from_mapping(cls, values, "model settings")

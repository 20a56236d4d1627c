"""What a set of weights needs beside its tensors: the network's sizes, its preprocessing and its fusion."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from atsal.config import check_range, from_mapping
from atsal.errors import ConfigError
from atsal.models.directions import Directions
from atsal.projection.cubemap import Layout

Architecture = Literal["paper", "lite"]
ChannelOrder = Literal["rgb", "bgr"]
_MOST_SMOOTHED_ROWS = 512  # the smoothing takes 16 bytes times the cube of it
_MOST_ROWS, _MOST_FACE = 1024, 1024  # what takes a gigabyte of memory


@dataclass(frozen=True)
class ModelConfig:
    """Everything that turns an RGB frame into network input and network output into maps. Stored as JSON.

    Network input is `(image - mean) / scale`, channels in `channel_order`, `image` in [0, 255].
    """

    architecture: Architecture
    erp_height: int  # rows of the frame that comes in, from which the faces are cut; its width is twice that
    face_size: int  # pixels of a cube face's side
    map_height: int = 320  # rows at which the streams are fused
    face_fov_deg: float = 90.0  # more than 90: faces overlap and are blended
    layout: Layout = "standard"
    channel_order: ChannelOrder = "rgb"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)  # in channel_order, grey levels
    scale: float = 255.0
    attention_exponent: float = 1.0  # the product is attention ** a * experts ** b; the paper's is 1, 1
    experts_exponent: float = 1.0
    directions: Directions | None = None  # what becomes of the product; None: it is the map, as in the paper

    def __post_init__(self) -> None:
        """Refuse values that no network can take."""
        if self.architecture not in ("paper", "lite"):
            raise ConfigError(f"architecture {self.architecture!r}: expected 'paper' or 'lite'")
        if self.layout not in ("standard", "published"):
            raise ConfigError(f"layout {self.layout!r}: expected 'standard' or 'published'")
        if self.channel_order not in ("rgb", "bgr"):
            raise ConfigError(f"channel_order {self.channel_order!r}: expected 'rgb' or 'bgr'")
        check_range(self, erp_height=(32, _MOST_ROWS), map_height=(1, _MOST_ROWS))
        check_range(self, face_size=(32, _MOST_FACE))
        check_range(self, attention_exponent=(0, 100), experts_exponent=(0, 100))
        if self.directions is not None and self.map_height > _MOST_SMOOTHED_ROWS:
            raise ConfigError(f"map_height {self.map_height}: expected at most {_MOST_SMOOTHED_ROWS} with directions")
        if self.erp_height % 32:
            raise ConfigError(f"erp_height {self.erp_height}: expected a positive multiple of 32")
        if self.face_size % 32:
            raise ConfigError(f"face_size {self.face_size}: expected a positive multiple of 32")
        if not 90 <= self.face_fov_deg < 150:
            raise ConfigError(f"face_fov_deg {self.face_fov_deg}: expected 90 to 150 degrees")
        if len(self.mean) != 3 or not all(map(math.isfinite, (*self.mean, self.scale))) or self.scale <= 0:
            raise ConfigError("expected three means and a positive scale")

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From plain JSON values; an unknown, missing or mistyped setting is a `ConfigError`."""
        return from_mapping(cls, values, "model settings")

"""What is predicted: where gaze goes in the picture, or where heads point. One set of layers serves both.

Heads follow eyes slowly and not all the way: their maps are flatter and smoother, they point at the horizon while the
eyes look below it, and they keep to the front less. Only these settings differ.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from atsal.config import check_range, suggest_name
from atsal.errors import ConfigError
from atsal.models.front_prior import FrontPriorConfig
from atsal.projection import SphericalGaussian

Direction = Literal["head_eye", "head"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


@dataclass(frozen=True)
class DirectionConfig:
    """How what the layers see in a frame becomes a density: `smooth(content ** exponent) * prior`."""

    exponent: float  # below 1: flatter
    smoothing_deg: float  # standard deviation of a Gaussian on the sphere
    prior: FrontPriorConfig

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check_range(self, exponent=(0, 100), smoothing_deg=(0, 90))


@dataclass(frozen=True)
class Directions:
    """Both kinds."""

    head_eye: DirectionConfig  # head and eyes together: gaze in the picture
    head: DirectionConfig  # the middle of the viewport

    def of(self, direction: Direction) -> DirectionConfig:
        """The settings of one."""
        return self.head if direction == "head" else self.head_eye


def measured_direction(gaze: str) -> Direction:
    """The direction of maps that are compared with gaze of this direction, as of a `gaze.records.Direction`."""
    return "head" if gaze == "head" else "head_eye"


def known_direction(direction: str) -> Direction:
    """The direction of that name; `ConfigError` where there is none."""
    for known in DIRECTIONS:
        if direction == known:
            return known
    raise ConfigError(f"direction {direction!r}{suggest_name(direction, DIRECTIONS)}")


def smoothing(rows: int, sigma_deg: float) -> SphericalGaussian | None:
    """What smooths maps of so many rows; None for 0 degrees, which leaves them as they are."""
    return SphericalGaussian(rows, sigma_deg) if sigma_deg else None


def sharpened(content: Tensor, exponent: float, smooth: SphericalGaussian | None) -> Tensor:
    """`smooth(content ** exponent)` of maps (B, 1, h, 2h) >= 0: a direction's density but for the prior."""
    content = content if exponent == 1 else content**exponent
    return smooth(content) if smooth else content

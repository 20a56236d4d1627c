"""What is predicted: gaze in the picture (`head_eye`) or head directions (`head`). One set of layers serves both.

Heads follow eyes slowly and only part of the way. So maps of head directions are flatter and smoother, their maximum
lies at the horizon (eyes look below it), and they are less concentrated at the front. Only these settings differ.
"""

from dataclasses import dataclass

from torch import Tensor

from atsal.config import check_range, suggest_name
from atsal.errors import ConfigError
from atsal.models import DIRECTIONS, Direction
from atsal.models.front_prior import FrontPriorConfig
from atsal.projection import SphericalGaussian


@dataclass(frozen=True)
class DirectionConfig:
    """How the layers' map of a frame, its content, becomes a density: `smooth(content ** exponent) * prior`."""

    exponent: float  # below 1: flatter
    smoothing_deg: float  # standard deviation of a Gaussian on the sphere
    prior: FrontPriorConfig

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values out of range."""
        check_range(self, exponent=(0, 100), smoothing_deg=(0, 90))


@dataclass(frozen=True)
class Directions:
    """The settings of both directions."""

    head_eye: DirectionConfig  # head and eyes together: gaze in the picture
    head: DirectionConfig  # the centre of the viewport

    def of(self, direction: Direction) -> DirectionConfig:
        """Return the settings of one direction."""
        return self.head if direction == "head" else self.head_eye


def direction_for_gaze(gaze: str) -> Direction:
    """Return the direction to predict for a comparison with gaze of a `gaze.records.Direction`."""
    return "head" if gaze == "head" else "head_eye"


def check_direction(direction: str) -> Direction:
    """Return the direction of that name. Raises `ConfigError` if there is none."""
    for known in DIRECTIONS:
        if direction == known:
            return known
    raise ConfigError(f"direction {direction!r}{suggest_name(direction, DIRECTIONS)}")


def make_smoother(rows: int, sigma_deg: float) -> SphericalGaussian | None:
    """Return the smoother of maps with this many rows, or None for 0 degrees."""
    return SphericalGaussian(rows, sigma_deg) if sigma_deg else None


def sharpen_and_smooth(content: Tensor, exponent: float, smooth: SphericalGaussian | None) -> Tensor:
    """Return `smooth(content ** exponent)` of maps (B, 1, h, 2h) >= 0: a direction's density without the prior."""
    content = content if exponent == 1 else content**exponent
    return smooth(content) if smooth else content

"""What is predicted: gaze in the picture (`head_eye`) or head directions (`head`). One set of layers serves both.

Heads follow eyes slowly and only part of the way. So maps of head directions are flatter and smoother, their maximum
lies at the horizon (eyes look below it), and they are less concentrated at the front. Only these settings differ.
"""

from dataclasses import dataclass

from torch import Tensor

from atsal.config import check_range, suggest_name
from atsal.errors import ConfigError
from atsal.models import DIRECTIONS, Direction
from atsal.models.front_prior import FrontPrior, FrontPriorConfig
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


def check_front(
    directions: Directions | None, architecture: str, direction: Direction, front_deg: float | None
) -> None:
    """Raise `ConfigError` for a front out of range, and for a direction or a front of a model that has none."""
    if front_deg is not None and not -180 <= front_deg <= 180:
        raise ConfigError(f"front_deg {front_deg}: expected a longitude of -180 to 180 degrees, or None")
    if directions is None and (direction != "head_eye" or front_deg != 0.0):
        found = f"direction {direction!r} (--direction)"
        if direction == "head_eye":
            found = "front_deg None (--no-front)" if front_deg is None else f"front_deg {front_deg:g} (--front)"
        raise ConfigError(
            f"{found}: this model of architecture {architecture!r} has no directions, so it predicts one map of "
            "a frame and has no front; leave it out, or use lite"
        )


class Density:
    """Turns the content of frames into a density of one direction, on maps of `rows` rows.

    Attributes:
        prior: the front prior, which is multiplied last: (T, 1, rows, 2 rows) with mean 1 at (T,) seconds.

    """

    def __init__(self, config: DirectionConfig, rows: int, front_deg: float | None) -> None:
        self._exponent = config.exponent
        self._smooth = make_smoother(rows, config.smoothing_deg)
        self.prior = FrontPrior(config.prior, rows, front_deg)

    def __call__(self, content: Tensor, exponent: float) -> Tensor:
        """Sharpen and smooth the content (B, 1, h, 2h) >= 0, raised to `exponent` and to that of the direction."""
        return sharpen_and_smooth(content, exponent * self._exponent, self._smooth)


def make_smoother(rows: int, sigma_deg: float) -> SphericalGaussian | None:
    """Return the smoother of maps with this many rows, or None for 0 degrees."""
    return SphericalGaussian(rows, sigma_deg) if sigma_deg else None


def sharpen_and_smooth(content: Tensor, exponent: float, smooth: SphericalGaussian | None) -> Tensor:
    """Return `smooth(content ** exponent)` of maps (B, 1, h, 2h) >= 0: a direction's density without the prior."""
    content = content if exponent == 1 else content**exponent
    return smooth(content) if smooth else content

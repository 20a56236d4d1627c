"""The file of front priors: one for each direction, and what they were fitted on. `atsal weights front` writes it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from atsal.config import from_mapping
from atsal.errors import ConfigError, WeightsError
from atsal.jobs.atomic_write import write_json
from atsal.models import Direction
from atsal.models.front_prior import FrontPriorConfig
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object

FRONT_PRIOR = Path(__file__).parent / "weights" / "front-prior.json"


@dataclass(frozen=True)
class HeadLogSource:
    """A log of head directions that the priors were fitted on."""

    name: str  # for a data set of `atsal prepare`, its name there
    file: str
    sha256: str
    licence: str
    used: Literal["all", "latitude"]
    viewers: int
    videos: int
    samples: int


@dataclass(frozen=True)
class FrontPriors:
    """The content of the file."""

    format: Literal["atsal front priors 1"]
    head_eye: FrontPriorConfig
    head: FrontPriorConfig
    sources: tuple[HeadLogSource, ...]

    def of(self, direction: Direction) -> FrontPriorConfig:
        """Return the prior of one direction."""
        return self.head if direction == "head" else self.head_eye


def read_front_priors(path: Path = FRONT_PRIOR) -> FrontPriors:
    """Read a file of priors, by default that in the package. Raises `WeightsError` for a file of another form."""
    make_error = ErrorFactory(WeightsError, path, "expected what `atsal weights front` writes")
    try:
        return from_mapping(FrontPriors, read_object(path, make_error), "found")
    except ConfigError as error:
        raise make_error(f"is no file of front priors ({error})") from error


def write_front_priors(path: Path, priors: FrontPriors) -> None:
    """Write a file that `read_front_priors` reads. Raises `OutputError` if it cannot be written."""
    write_json(path, asdict(priors))

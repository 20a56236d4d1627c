"""Settings of the fusion for each fold of a data set's items, chosen without that fold. A benchmark predicts with them.

`atsal weights fuse MODEL PREPARED --folds N` writes the file. The layers are those of the model.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from atsal.config import from_mapping
from atsal.errors import ConfigError, WeightsError
from atsal.jobs.atomic_write import write_json
from atsal.models import Direction
from atsal.models.directions import DirectionConfig, Directions
from atsal.models.front_prior_file import HeadLogSource
from atsal.models.weight_folder import WeightFolder
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object

FORMAT: Literal["atsal fusion folds 1"] = "atsal fusion folds 1"


@dataclass(frozen=True)
class FusionFold:
    """The settings for some items, chosen on the items of all other folds."""

    items: tuple[str, ...]
    settings: DirectionConfig


@dataclass(frozen=True)
class FusionFolds:
    """The content of the file."""

    format: Literal["atsal fusion folds 1"]
    weights: str  # SHA-256 of the weights that the settings were chosen for
    dataset: str
    direction: Direction
    prior_sources: tuple[HeadLogSource, ...]  # what the prior was fitted on
    folds: tuple[FusionFold, ...]

    def bundles(self, bundle: WeightFolder) -> list[tuple[tuple[str, ...], WeightFolder]]:
        """Return the items of each fold, and the weights with its settings. Raises `ConfigError` for other weights."""
        directions = bundle.config.directions
        if bundle.checksum != self.weights or directions is None:
            raise ConfigError(
                f"the fusion was chosen for other weights (SHA-256 {self.weights[:12]}…) than {bundle.folder}; run "
                "`atsal weights fuse --folds` on these"
            )
        return [(fold.items, _with_settings(bundle, directions, self.direction, fold.settings)) for fold in self.folds]


def _with_settings(
    bundle: WeightFolder, directions: Directions, direction: Direction, settings: DirectionConfig
) -> WeightFolder:
    chosen = replace(directions, head=settings) if direction == "head" else replace(directions, head_eye=settings)
    return replace(bundle, config=replace(bundle.config, directions=chosen))


def read_fusion_folds(path: Path) -> FusionFolds:
    """Read the file. Raises `WeightsError` for a file of another form."""
    make_error = ErrorFactory(WeightsError, path, "expected what `atsal weights fuse --folds` writes")
    try:
        return from_mapping(FusionFolds, read_object(path, make_error), "found")
    except ConfigError as error:
        raise make_error(f"is no file of fusion folds ({error})") from error


def write_fusion_folds(path: Path, folds: FusionFolds) -> None:
    """Write a file that `read_fusion_folds` reads. Raises `OutputError` if it cannot be written."""
    write_json(path, asdict(folds))

"""The settings of a prepared set."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from atsal.config import check_range
from atsal.datasets.dataset import Dataset
from atsal.errors import ConfigError
from atsal.gaze.records import Direction

Events = Literal["fixations", "samples", "ivt", "idt"]
WindowKind = Literal["frame", "200ms", "clip"]


@dataclass(frozen=True)
class Preparation:
    """The settings of a prepared set; everything in it follows from them and the raw files."""

    direction: Direction
    events: Events  # fixations: as the authors of the data set detected them; ivt, idt: detected here
    sigma_deg: float | None  # None for flat photos: the data set has their `sigma_width`
    erp_height: int = 1024  # of maps and of frames
    maps: Literal["none", "npy", "png"] = "none"  # none: made when a sample is read
    window: WindowKind = "frame"
    frames: Literal["reference", "extract"] = "reference"
    augment: Literal["none", "published"] = "none"
    columns: dict[str, str] | None = None  # of the tables, as `gaze/readers/table_columns.py` reads them

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values out of range."""
        check_range(self, erp_height=(1, 8192))
        if self.sigma_deg is not None and not 0 < self.sigma_deg < 180:
            raise ConfigError(f"sigma {self.sigma_deg}°: expected more than 0 and less than 180 degrees")

    @property
    def sphere_sigma_deg(self) -> float:
        """σ of maps on the sphere; `ConfigError` for flat photos."""
        if self.sigma_deg is None:
            raise ConfigError("flat photos have no σ in degrees")
        return self.sigma_deg

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return dataclasses.asdict(self)


def preparation_for(dataset: Dataset, **chosen: Any) -> Preparation:
    """Return the chosen settings, and those of the data set for the others; None means not chosen.

    Raises `ConfigError` for settings that the data set does not support.
    """
    given = {name: value for name, value in chosen.items() if value is not None}
    dataset.declare(given.get("columns"))  # raises
    direction = given.setdefault("direction", dataset.directions[0])
    if direction not in dataset.directions:
        raise ConfigError(f"{dataset.name} has no {direction} direction; it has {' and '.join(dataset.directions)}")
    samples_only = dataset.events == "samples" or direction in dataset.directions_without_fixations
    events = given.setdefault("events", "samples" if samples_only else dataset.events)
    if events != "fixations" and not dataset.has_samples:
        raise ConfigError(f"{dataset.name} comes without samples; choose fixations as events")
    if events == "fixations" and samples_only:
        raise ConfigError(f"{dataset.name} comes without fixations of {direction}; choose samples, ivt or idt")
    if dataset.stimuli == "photos":
        _refuse_for_photos(dataset, given)
    given.setdefault("sigma_deg", None if dataset.stimuli == "photos" else dataset.sigma_deg[direction])
    preparation = Preparation(**given)
    if preparation.augment != "none":
        _check_augment(dataset, preparation)
    return preparation


def wrong_events(dataset: Dataset, events: Events, holds: str) -> ConfigError:
    """Return the error for logs, named by `holds` as in "the logs hold", that do not have what maps are made of."""
    if events != "fixations":
        return ConfigError(f"{holds} fixations, and no samples to detect them in; give --events fixations")
    if dataset.stimuli == "photos":
        return ConfigError(f"{holds} samples, and no fixations are detected on flat photos; detect them before")
    return ConfigError(
        f"{holds} samples, and maps are made of fixations; give --events ivt (detects fixations by velocity), idt (by "
        "dispersion) or samples (each one counts)"
    )


def _refuse_for_photos(dataset: Dataset, given: dict[str, Any]) -> None:
    useless = [name for name in ("sigma_deg", "erp_height", "window") if name in given]
    if useless:
        raise ConfigError(
            f"{dataset.name} holds flat photos: {' and '.join(useless)} cannot be chosen; a map has the size of its "
            f"photo, and σ is {dataset.sigma_width:.3g} of the width"
        )


def _check_augment(dataset: Dataset, preparation: Preparation) -> None:
    if dataset.stimuli not in ("images", "mixed"):
        raise ConfigError(
            f"{dataset.name} holds {dataset.stimuli}: variants are written of 360° images only; others are augmented "
            "during training"
        )
    if preparation.erp_height % 4:
        raise ConfigError(f"maps of {preparation.erp_height} rows: turns by an eighth need a multiple of 4")

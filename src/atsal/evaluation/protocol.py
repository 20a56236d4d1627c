"""Protocols: all that a score depends on beside the maps and the gaze, declared in one YAML file each.

The ready ones are in `protocols/`. Users can write files with the same keys. Every result records its protocol.
"""

import dataclasses
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from atsal.config import check_range, read_yaml, suggest_name
from atsal.datasets import dataset_named
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.preparation import WindowKind
from atsal.errors import ConfigError
from atsal.evaluation.metric_registry import BUILT_IN_NAMES, metric_named
from atsal.gaze.records import Direction

ProtocolEvents = Literal["fixations", "samples", "ivt", "idt", "any"]  # those of `Preparation`, and any of them
_MAX_ERP_HEIGHT = 2048  # several maps of this size fit into memory
_FOLDER = resources.files("atsal.evaluation") / "protocols"


@dataclass(frozen=True)
class Protocol:
    """How maps are scored against gaze."""

    title: str
    datasets: tuple[str, ...]  # names of the data sets that it is for
    direction: Direction  # whose direction the gaze is
    events: ProtocolEvents  # what counts as a fixation; any: as the set was prepared
    window: WindowKind  # what one map pools: a frame, 200 ms, the whole item
    weighting: Literal["solid_angle", "none"]  # of pixels
    erp_height: int | None = None  # rows of the compared maps; None: flat photos, at their own size
    sigma_deg: float | None = None  # of the measured maps; None: flat photos, the data set's share of the width
    split: str | None = None  # of the data set; None: score all items
    part: str | None = None  # of the split: the items to score
    fit_part: str | None = None  # of the split: the items that priors are fitted on; None: the other scored items
    items: tuple[str, ...] = ()  # the items to score, by name; none: those of the part, or all
    metrics: tuple[str, ...] = BUILT_IN_NAMES
    source: str = ""  # where the settings come from
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise `ConfigError` for unknown names and for settings that contradict each other."""
        for name in self.datasets:
            dataset_named(name)  # raises for an unknown one
        for name in self.metrics:
            metric_named(name)
        if not self.metrics or len(set(self.metrics)) < len(self.metrics):
            raise ConfigError(f"metrics {', '.join(self.metrics) or '(none)'}: expected at least one, each once")
        if (self.split is None) != (self.part is None):
            raise ConfigError("split and part go together: give both, or neither to score all items")
        if self.items and self.split is not None:
            raise ConfigError("items and split both choose what to score; give one of them")
        if self.fit_part is not None and (self.split is None or self.fit_part == self.part):
            raise ConfigError("fit_part: expected another part of a split than the one that is scored")
        check_range(self, erp_height=(1, _MAX_ERP_HEIGHT))
        if (self.erp_height is None) != (self.sigma_deg is None):
            raise ConfigError("erp_height and sigma_deg go together: both for the sphere, neither for flat photos")
        if self.sigma_deg is not None and not 0 < self.sigma_deg < 180:
            raise ConfigError(f"sigma_deg {self.sigma_deg}: expected more than 0 and less than 180 degrees")
        if self.erp_height is None and (self.weighting != "none" or self.window != "clip"):
            raise ConfigError("flat photos have no solid angle and no windows: choose weighting none and window clip")

    def choosing(self, prepared: PreparedSet, chosen: str) -> "Protocol":
        """Return the same protocol for the items that `PreparedSet.choose` finds; it raises `ConfigError`."""
        items = prepared.choose(chosen)
        split, part = prepared.find_part(chosen) or (None, None)
        return replace(self, split=split, part=part, fit_part=None, items=items if part is None else ())

    @property
    def is_planar(self) -> bool:
        """Whether it is for flat photos."""
        return self.erp_height is None

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in dataclasses.asdict(self).items()}


def protocol_names() -> tuple[str, ...]:
    """Return the names of the ready protocols."""
    return tuple(sorted(file.name.removesuffix(".yaml") for file in _FOLDER.iterdir() if file.name.endswith(".yaml")))


def read_protocol(name: str, folder: Path = Path()) -> Protocol:
    """Read a ready protocol by name, or a YAML file by its path from `folder`.

    Raises `ConfigError` for an unknown name, and for a file with unknown keys or values that do not fit.
    """
    if name in protocol_names():
        with resources.as_file(_FOLDER / f"{name}.yaml") as path:
            return read_yaml(Protocol, path)
    path = folder / name
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise ConfigError(f"unknown protocol {name!r}, and no file of that name{suggest_name(name, protocol_names())}")
    return read_yaml(Protocol, path)


def protocol_for(prepared: PreparedSet) -> str:
    """Return the name of the one ready protocol that fits a prepared set; `ConfigError` if it is not exactly one.

    Of several, those that pool all gaze on an item fit a set of stills, the others a set with videos.
    """
    preparation = prepared.preparation
    by_name = {name: read_protocol(name) for name in protocol_names()}
    of_dataset = {name: p for name, p in by_name.items() if prepared.dataset.name in p.datasets}
    events = (preparation.events, "any")
    fitting = [name for name, p in of_dataset.items() if p.direction == preparation.direction and p.events in events]
    if len(fitting) > 1:
        stills = all(prepared.stimulus(item).frames is None for item in prepared.items)
        fitting = [name for name in fitting if (by_name[name].window == "clip") == stills] or fitting
    if len(fitting) == 1:
        return fitting[0]
    found = f"{prepared.folder} ({prepared.dataset.name}, {preparation.direction}, {preparation.events})"
    if of_dataset:
        raise ConfigError(f"{found}: choose a protocol: {', '.join(fitting or of_dataset)}, or a YAML file")
    raise ConfigError(f"{found}: no ready protocol; write one as a YAML file (docs/benchmark.md)")

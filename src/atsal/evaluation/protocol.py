"""Protocols: everything a score depends on beside the maps and the gaze, declared in one YAML file each.

The ready ones lie in `protocols/`; a file of one's own has the same keys. A protocol is recorded in every result.
"""

import dataclasses
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from atsal.config import check_range, read_yaml, suggest_name
from atsal.datasets import NAMES
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.preparation import Events, WindowKind
from atsal.errors import ConfigError
from atsal.evaluation.metrics import METRICS
from atsal.gaze.records import Direction

_MOST_ROWS = 2048  # of the maps that are compared, of which some must fit into memory at once
_FOLDER = resources.files("atsal.evaluation") / "protocols"


@dataclass(frozen=True)
class Protocol:
    """How maps are scored against gaze."""

    title: str
    datasets: tuple[str, ...]  # names of the data sets that it is for
    direction: Direction  # whose direction the gaze is
    events: Events  # what counts as a fixation
    window: WindowKind  # what one map pools: a frame, 200 ms, everything
    weighting: Literal["solid_angle", "none"]  # of pixels
    erp_height: int | None = None  # rows of the maps that are compared; None: flat photos, at their own size
    sigma_deg: float | None = None  # of the measured maps; None: flat photos, the data set's share of the width
    split: str | None = None  # of the data set; None: all items
    part: str | None = None  # that is scored
    fit_part: str | None = None  # that priors are fitted on; None: all scored items but the one that is scored
    metrics: tuple[str, ...] = METRICS
    source: str = ""  # where the settings come from
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        for name in self.datasets:
            if name not in NAMES:
                raise ConfigError(f"unknown data set {name!r}{suggest_name(name, NAMES)}")
        for metric in self.metrics:
            if metric not in METRICS:
                raise ConfigError(f"unknown metric {metric!r}{suggest_name(metric, METRICS)}")
        if not self.metrics or len(set(self.metrics)) < len(self.metrics):
            raise ConfigError(f"metrics {', '.join(self.metrics) or '(none)'}: expected at least one, each once")
        if (self.split is None) != (self.part is None):
            raise ConfigError("split and part go together: give both, or neither to score all items")
        if self.fit_part is not None and (self.split is None or self.fit_part == self.part):
            raise ConfigError("fit_part: expected another part of a split than the one that is scored")
        check_range(self, erp_height=(1, _MOST_ROWS))
        if (self.erp_height is None) != (self.sigma_deg is None):
            raise ConfigError("erp_height and sigma_deg go together: both for the sphere, neither for flat photos")
        if self.sigma_deg is not None and not 0 < self.sigma_deg < 180:
            raise ConfigError(f"sigma_deg {self.sigma_deg}: expected more than 0 and less than 180 degrees")
        if self.erp_height is None and (self.weighting != "none" or self.window != "clip"):
            raise ConfigError("flat photos have no solid angle and no windows: weighting none, window clip")

    @property
    def is_planar(self) -> bool:
        """Whether it is for flat photos."""
        return self.erp_height is None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in dataclasses.asdict(self).items()}


def protocol_names() -> tuple[str, ...]:
    """The ready protocols."""
    return tuple(sorted(file.name.removesuffix(".yaml") for file in _FOLDER.iterdir() if file.name.endswith(".yaml")))


def read_protocol(name: str, folder: Path = Path()) -> Protocol:
    """A ready protocol by name, or one of a YAML file, whose path is taken from `folder`.

    Raises `ConfigError` for a name that is none, and for a file with unknown keys or values that do not fit.
    """
    if name in protocol_names():
        with resources.as_file(_FOLDER / f"{name}.yaml") as path:
            return read_yaml(Protocol, path)
    path = folder / name
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise ConfigError(f"protocol {name!r}{suggest_name(name, protocol_names())}; or the path of a YAML file")
    return read_yaml(Protocol, path)


def protocol_for(prepared: PreparedSet) -> str:
    """The ready protocol that fits how a set was prepared; `ConfigError` names them where it is not one."""
    preparation = prepared.preparation
    ready = {name: read_protocol(name) for name in protocol_names()}
    of_set = [name for name, protocol in ready.items() if prepared.dataset.name in protocol.datasets]
    fitting = [
        name
        for name in of_set
        if (ready[name].direction, ready[name].events) == (preparation.direction, preparation.events)
    ]
    if len(fitting) == 1:
        return fitting[0]
    kind = f"{prepared.dataset.name}, {preparation.direction}, {preparation.events}"
    if fitting or of_set:
        raise ConfigError(
            f"{prepared.folder} ({kind}): choose a protocol: {', '.join(fitting or of_set)}, or a YAML file"
        )
    raise ConfigError(f"{prepared.folder} ({kind}): no ready protocol; write one as a YAML file (docs/benchmark.md)")

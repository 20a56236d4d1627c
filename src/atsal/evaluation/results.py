"""What an evaluation found: the scores of each item, of each predictor on each data set; as objects and as JSON.

The order of means is that of the protocols: windows -> item -> data set. A score that is not defined is None, is left
out of the mean above it, and is counted.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from atsal.config import suggest_name
from atsal.errors import ConfigError
from atsal.evaluation.protocol import Protocol

Kind = Literal["baseline", "ceiling", "model", "maps"]
Json = dict[str, Any]
LATITUDE_BANDS = 36  # of 5°, from the north pole
HIGHER_IS_BETTER = {  # by metric
    "cc": True,
    "sim": True,
    "kld": False,
    "nss": True,
    "auc_judd": True,
    "auc_borji": True,
    "auc_shuffled": True,
    "information_gain": True,
    "kld_symmetric": False,
}


@dataclass(frozen=True)
class ItemScores:
    """One item by one predictor."""

    item: str
    first_frames: tuple[int, ...]  # of the windows that were scored
    by_window: Mapping[str, tuple[float | None, ...]]  # metric -> score of each of them
    fixations: int  # in those windows
    skipped: Mapping[str, int] = field(default_factory=dict)  # reason -> windows that were not scored
    predicted_latitudes: tuple[float, ...] = ()  # share of the map in each band of latitude, from the north; () if flat
    measured_latitudes: tuple[float, ...] = ()  # share of the fixations
    notes: tuple[str, ...] = ()
    turned: Mapping[str, float] = field(default_factory=dict)  # CC of the mean map with all gaze: as it is, mirrored, …

    @property
    def scores(self) -> dict[str, float | None]:
        """The mean of each metric over the windows where it is defined."""
        return {metric: mean(values) for metric, values in self.by_window.items()}

    @property
    def undefined(self) -> dict[str, int]:
        """Metric -> how many of the scored windows have no value of it; those with none are not named."""
        counts = {metric: sum(value is None for value in values) for metric, values in self.by_window.items()}
        return {metric: count for metric, count in counts.items() if count}

    def to_json(self) -> Json:
        """As JSON values; `from_json` reads them."""
        return {
            "item": self.item,
            "scores": self.scores,
            "fixations": self.fixations,
            "windows": len(self.first_frames),
            "skipped": dict(self.skipped),
            "undefined": self.undefined,
            "notes": list(self.notes),
            "turned": dict(self.turned),
            "predicted_latitudes": list(self.predicted_latitudes),
            "measured_latitudes": list(self.measured_latitudes),
            "first_frames": list(self.first_frames),
            "by_window": {metric: list(values) for metric, values in self.by_window.items()},
        }

    @classmethod
    def from_json(cls, values: Json) -> "ItemScores":
        """Raises KeyError, TypeError, AttributeError or ValueError where they are no such scores."""
        found = cls(
            item=str(values["item"]),
            first_frames=tuple(map(_count, values["first_frames"])),
            by_window={metric: tuple(map(_number, scores)) for metric, scores in values["by_window"].items()},
            fixations=_count(values["fixations"]),
            skipped={str(reason): _count(count) for reason, count in values["skipped"].items()},
            predicted_latitudes=tuple(float(share) for share in values["predicted_latitudes"]),
            measured_latitudes=tuple(float(share) for share in values["measured_latitudes"]),
            notes=tuple(str(note) for note in values["notes"]),
            turned={str(name): float(score) for name, score in values["turned"].items()},
        )
        if any(len(scores) != len(found.first_frames) for scores in found.by_window.values()):
            raise ValueError("scores of another number of windows")
        return found


@dataclass(frozen=True)
class Run:
    """One predictor on one data set."""

    predictor: str  # its name in tables: "lite: fused"
    kind: Kind
    items: tuple[ItemScores, ...]
    missing: Mapping[str, str] = field(default_factory=dict)  # item -> why it was not scored
    notes: tuple[str, ...] = ()
    in_sample: tuple[str, ...] = ()  # items that the predictor was trained on
    settings: Json = field(default_factory=dict)  # what the maps depend on

    def scores(self, metric: str) -> dict[str, float]:
        """Item -> score, of the items where it is defined. `ConfigError` for a metric that an item has no scores by."""
        for item in self.items:
            if metric not in item.by_window:
                known = suggest_name(metric, item.by_window)
                raise ConfigError(f"{self.predictor}: {item.item} was not scored by the metric {metric!r}{known}")
        found = {item.item: item.scores[metric] for item in self.items}
        return {item: score for item, score in found.items() if score is not None}

    @property
    def skipped(self) -> dict[str, int]:
        """Reason -> windows that were not scored, over all items."""
        total: Counter[str] = Counter()
        for item in self.items:
            total.update(item.skipped)
        return dict(total)


@dataclass(frozen=True)
class DatasetResult:
    """All predictors on one data set, by one protocol."""

    name: str  # of the data set in the benchmark
    dataset: str  # its name in `atsal datasets list`
    title: str
    protocol: Protocol
    runs: tuple[Run, ...]
    facts: Json = field(default_factory=dict)  # of the ground truth: items, observers, fixations, licence, checksum
    failed: Mapping[str, str] = field(default_factory=dict)  # predictor -> why it could not be scored
    notes: tuple[str, ...] = ()
    unprepared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # part of the split -> items
    damaged: tuple[str, ...] = ()  # items whose record, gaze, stimulus or map could not be used, by any predictor

    def run(self, predictor: str) -> Run | None:
        """The run of a predictor, if there is one."""
        return next((run for run in self.runs if run.predictor == predictor), None)


@dataclass(frozen=True)
class Result:
    """A whole benchmark."""

    title: str
    datasets: tuple[DatasetResult, ...]
    reference: str | None  # the predictor that the others are compared with
    settings: Json = field(default_factory=dict)  # version, date, machine, seed, resamples


@dataclass(frozen=True)
class Estimate:
    """A mean over items with its 95 % interval (bootstrap over items); None where there is nothing to tell."""

    mean: float | None
    low: float | None
    high: float | None
    count: int  # items


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that are defined; None where none is."""
    defined = [value for value in values if value is not None]
    return math.fsum(defined) / len(defined) if defined else None


def estimate(run: Run, metric: str, *, resamples: int = 10_000, seed: int = 0) -> Estimate:
    """The mean of a metric over a run's items."""
    return _interval(list(run.scores(metric).values()), resamples, seed)


def difference(run: Run, reference: Run, metric: str, *, resamples: int = 10_000, seed: int = 0) -> Estimate:
    """The mean of `run - reference` over the items that both have: paired, so that hard items do not count twice."""
    ours, theirs = run.scores(metric), reference.scores(metric)
    return _interval([ours[item] - theirs[item] for item in ours if item in theirs], resamples, seed)


def _interval(values: list[float], resamples: int, seed: int) -> Estimate:
    """Percentile bootstrap; no interval from fewer than three values, whose resamples tell nothing."""
    if len(values) < 3:
        return Estimate(mean(values), None, None, len(values))
    array, rng = np.array(values), np.random.default_rng(seed)
    means = array[rng.integers(len(values), size=(resamples, len(values)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(mean(values), float(low), float(high), len(values))


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a count that is none")
    return value


def _number(value: Any) -> float | None:
    return None if value is None else float(value)

"""The results of an evaluation, as objects and as JSON: scores by window, item, predictor and data set.

Means are taken over the windows of an item, then over the items of a data set. A score that is not defined is None. It
is left out of the mean, and counted.
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
from atsal.models.seen_items import How

PredictorKind = Literal["baseline", "ceiling", "model", "maps"]
Json = dict[str, Any]
LATITUDE_BANDS = 36  # of 5°, from the north pole


@dataclass(frozen=True)
class ItemScores:
    """The scores of one item by one predictor."""

    item: str
    first_frames: tuple[int, ...]  # of the scored windows
    by_window: Mapping[str, tuple[float | None, ...]]  # metric -> score of each of these windows
    fixations: int  # in these windows
    skipped: Mapping[str, int] = field(default_factory=dict)  # reason -> number of windows that were not scored
    predicted_latitudes: tuple[float, ...] = ()  # share of the map in each band, from the north; () for flat photos
    measured_latitudes: tuple[float, ...] = ()  # share of the fixations in each band
    notes: tuple[str, ...] = ()
    turned: Mapping[str, float] = field(default_factory=dict)  # orientation -> CC of the mean map with all gaze

    @property
    def scores(self) -> dict[str, float | None]:
        """The mean of each metric over the windows where it is defined."""
        return {metric: mean(values) for metric, values in self.by_window.items()}

    @property
    def undefined(self) -> dict[str, int]:
        """The number of windows without a value, for each metric that lacks some."""
        counts = {metric: sum(value is None for value in values) for metric, values in self.by_window.items()}
        return {metric: count for metric, count in counts.items() if count}

    def to_json(self) -> Json:
        """Return JSON values; `from_json` reads them."""
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
        """Read JSON values; raises KeyError, TypeError, AttributeError or ValueError if they are not item scores."""
        found = cls(
            item=str(values["item"]),
            first_frames=tuple(map(_to_count, values["first_frames"])),
            by_window={
                metric: tuple(None if score is None else float(score) for score in scores)
                for metric, scores in values["by_window"].items()
            },
            fixations=_to_count(values["fixations"]),
            skipped={str(reason): _to_count(count) for reason, count in values["skipped"].items()},
            predicted_latitudes=tuple(map(float, values["predicted_latitudes"])),
            measured_latitudes=tuple(map(float, values["measured_latitudes"])),
            notes=tuple(map(str, values["notes"])),
            turned={str(name): float(score) for name, score in values["turned"].items()},
        )
        if any(len(scores) != len(found.first_frames) for scores in found.by_window.values()):
            raise ValueError("metrics have scores of different numbers of windows")
        return found


@dataclass(frozen=True)
class Run:
    """One predictor on one data set."""

    predictor: str  # its name in tables: "lite: fused"
    kind: PredictorKind
    items: tuple[ItemScores, ...]
    missing: Mapping[str, str] = field(default_factory=dict)  # item -> why it was not scored
    notes: tuple[str, ...] = ()
    seen: Mapping[How, tuple[str, ...]] = field(default_factory=dict)  # scored items that the predictor knows, by how
    settings: Json = field(default_factory=dict)  # what the maps depend on

    @property
    def in_sample(self) -> tuple[str, ...]:
        """The scored items that the predictor knows something of."""
        return tuple(item.item for item in self.items if any(item.item in items for items in self.seen.values()))

    def scores(self, metric: str) -> dict[str, float]:
        """Return the score of each item that has one; raises `ConfigError` if an item was not scored by the metric."""
        for item in self.items:
            if metric not in item.by_window:
                known = suggest_name(metric, item.by_window)
                raise ConfigError(f"{self.predictor}: {item.item} was not scored by the metric {metric!r}{known}")
        found = {item.item: item.scores[metric] for item in self.items}
        return {item: score for item, score in found.items() if score is not None}

    @property
    def skipped(self) -> dict[str, int]:
        """The number of windows that were not scored, over all items, by reason."""
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
    facts: Json = field(default_factory=dict)  # about the ground truth: items, viewers, fixations, licence, checksum
    failed: Mapping[str, str] = field(default_factory=dict)  # predictor -> why it could not be scored
    notes: tuple[str, ...] = ()
    unprepared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # part of the split -> missing items
    damaged: tuple[str, ...] = ()  # items whose record, gaze, stimulus or map could not be used by some predictor

    def run(self, predictor: str) -> Run | None:
        """Return the run of a predictor; None if it has none."""
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
    """A mean over items with its 95 % bootstrap interval; None where there is no value."""

    mean: float | None
    low: float | None
    high: float | None
    count: int  # items


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that are not None; None if there are none."""
    defined = [value for value in values if value is not None]
    return math.fsum(defined) / len(defined) if defined else None


def estimate(run: Run, metric: str, *, resamples: int = 10_000, seed: int = 0) -> Estimate:
    """Return the mean of a metric over the items of a run."""
    return _bootstrap(list(run.scores(metric).values()), resamples, seed)


def difference(run: Run, reference: Run, metric: str, *, resamples: int = 10_000, seed: int = 0) -> Estimate:
    """Return the mean of `run - reference` over the items that both have scores of (a paired difference)."""
    first, second = run.scores(metric), reference.scores(metric)
    return _bootstrap([first[item] - second[item] for item in first if item in second], resamples, seed)


def _bootstrap(values: list[float], resamples: int, seed: int) -> Estimate:
    """The mean with a percentile interval; fewer than three values have no interval, because resamples tell nothing."""
    if len(values) < 3:
        return Estimate(mean(values), None, None, len(values))
    array, rng = np.array(values), np.random.default_rng(seed)
    means = array[rng.integers(len(values), size=(resamples, len(values)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(mean(values), float(low), float(high), len(values))


def _to_count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"expected a count, found {value!r}")
    return value

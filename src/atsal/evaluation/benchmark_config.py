"""The configuration of a benchmark: data sets, predictors, and what they are compared with (`docs/benchmark.md`)."""

import hashlib
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from atsal.config import check_range, read_yaml, suggest_name
from atsal.errors import ConfigError
from atsal.evaluation.baselines import BASELINE_NAMES, VIEWERS
from atsal.evaluation.map_pattern import check_pattern
from atsal.models import Direction

StreamName = Literal["fused", "attention", "experts"]
STREAM_ORDER: tuple[StreamName, ...] = ("attention", "experts", "fused")
_DATASET_NAME = re.compile(r"[\w.-]+")
_OF_ALL = {"baseline", "model", "maps", "name", "datasets", "trained_on"}  # settings that every predictor takes
_OF_MODELS = {"streams", "stride", "face_size", "procedure", "direction", "front_deg", "device", "fusion"}


@dataclass(frozen=True)
class DatasetEntry:
    """A prepared data set and the protocol that it is scored by."""

    prepared: str  # folder of `atsal prepare`
    protocol: str  # name of a ready protocol, or a YAML file
    name: str | None = None  # in tables and folders; by default that of the folder
    source: str | None = None  # where the raw files are now, if they were moved
    split: str | None = None  # what to score, in place of the protocol's part: a part of a split, or a file of names

    @property
    def label(self) -> str:
        """Its name in tables and folders."""
        return self.name or folder_name(Path(self.prepared).name)


@dataclass(frozen=True)
class PredictorEntry:
    """Something that makes maps: one of `baseline`, `model` and `maps`."""

    baseline: str | None = None  # one of `BASELINE_NAMES`
    model: str | None = None  # a name of the registry, or a weight folder
    maps: str | None = None  # a folder of maps; `{dataset}` in it stands for the name of the data set
    name: str | None = None  # in tables; by default that of the baseline, the model or the folder
    streams: tuple[StreamName, ...] = STREAM_ORDER  # of a model
    stride: int = 1  # of a model on videos: predict every n-th frame
    face_size: int | None = None  # of a model
    procedure: Literal["corrected", "published"] = "corrected"  # of a model
    direction: Direction | None = None  # of lite; by default that of the data set's gaze
    front_deg: float | None = 0.0  # of lite: longitude of the front of the pictures, + right; null: they have none
    device: str = "auto"  # of a model
    fusion: str | None = None  # of lite: settings for each fold of the items, of `atsal weights fuse --folds`
    repeats: int = 10  # of the viewers: how many random halves
    datasets: tuple[str, ...] | None = None  # names of the data sets to score it on; by default all
    pattern: str | None = None  # of maps: their names, as "{item}_saliency.png"; by default those of items or stimuli
    partial: bool = False  # of maps: score the items that have maps and name the others, instead of failing
    trained_on: tuple[str, ...] = ()  # items that it saw in training; marks its scores

    def __post_init__(self) -> None:
        """Raise `ConfigError` for none or several kinds of predictor, and for settings that do not fit the kind."""
        given = [name for name in ("baseline", "model", "maps") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ConfigError(
                f"a predictor with {' and '.join(given) or 'nothing'}: expected one of baseline, model, maps"
            )
        if self.baseline is not None and self.baseline not in BASELINE_NAMES:
            raise ConfigError(f"unknown baseline {self.baseline!r}{suggest_name(self.baseline, BASELINE_NAMES)}")
        self._refuse_unused_settings()
        if self.pattern is not None:
            check_pattern(self.pattern)
        if self.datasets is not None and not self.datasets:
            raise ConfigError(f"predictor {self.label}: datasets is empty; leave it out to score on all")
        if not self.streams or len(set(self.streams)) < len(self.streams):
            raise ConfigError(f"streams {', '.join(self.streams) or '(none)'}: expected at least one, each once")
        check_range(self, stride=(1, 1_000_000), repeats=(1, 1000), front_deg=(-180, 180))

    def _refuse_unused_settings(self) -> None:
        used = set(_OF_ALL)
        if self.model is not None:
            used |= _OF_MODELS
        elif self.maps is not None:
            used |= {"partial", "pattern"}
        elif self.baseline == VIEWERS:
            used |= {"repeats"}
        unused = [f.name for f in fields(self) if f.name not in used and getattr(self, f.name) != f.default]
        if unused:
            raise ConfigError(f"predictor {self.label}: {', '.join(unused)} cannot be chosen for it")

    @property
    def label(self) -> str:
        """Its name in tables."""
        return self.name or self.baseline or Path(self.model or self.maps or "").name

    @property
    def labels_by_stream(self) -> dict[str, StreamName]:
        """The names of a model's rows, one for each stream."""
        return {f"{self.label}: {stream}": stream for stream in STREAM_ORDER if stream in self.streams}

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its rows."""
        return (self.label,) if self.model is None else tuple(self.labels_by_stream)


@dataclass(frozen=True)
class BenchmarkConfig:
    """Many predictors on many data sets."""

    title: str
    datasets: tuple[DatasetEntry, ...]
    predictors: tuple[PredictorEntry, ...]
    reference: str | None = None  # the row that the others are compared with
    resamples: int = 10_000  # of the bootstrap
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `ConfigError` for names that are used twice or unknown."""
        if not self.datasets or not self.predictors:
            raise ConfigError("expected at least one data set and one predictor")
        datasets = [entry.label for entry in self.datasets]
        rows = [label for predictor in self.predictors for label in predictor.labels]
        for kind, names in (("data sets", datasets), ("predictors", rows)):
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                raise ConfigError(f"{kind} named {', '.join(repeated)} more than once: give each a name of its own")
        for name in datasets:
            if not _DATASET_NAME.fullmatch(name) or name.startswith("."):
                raise ConfigError(f"data set {name!r}: becomes a folder; expected letters, digits, - _ .")
        for predictor in self.predictors:
            for name in predictor.datasets or ():
                if name not in datasets:
                    raise ConfigError(
                        f"predictor {predictor.label}: unknown data set {name!r}{suggest_name(name, datasets)}"
                    )
        if self.reference is not None and self.reference not in rows:
            raise ConfigError(f"reference {self.reference!r}{suggest_name(self.reference, rows)}")
        check_range(self, resamples=(100, 100_000), seed=(0, 2**53))


def folder_name(label: str) -> str:
    """Return the folder name of a label; different labels have different folders."""
    plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in label).strip(".")
    plain = plain.encode()[:200].decode("utf-8", "ignore")  # of the 255 bytes that a name may have
    return plain if plain == label else f"{plain}-{hashlib.sha256(label.encode()).hexdigest()[:6]}"


def read_benchmark(path: Path) -> BenchmarkConfig:
    """Read the YAML file of a benchmark; raises `ConfigError`."""
    return read_yaml(BenchmarkConfig, path)


def single_folder_config(dataset: DatasetEntry, maps: PredictorEntry, *, planar: bool = False) -> BenchmarkConfig:
    """Return the benchmark of one folder of maps and the prior it has to beat (on `planar` photos, the mean map)."""
    if not Path(maps.maps or "").is_dir():
        raise ConfigError(f"{maps.maps}: is no folder; expected one that holds the maps of each item")
    prior = "mean-of-others" if planar else "equator-prior"
    reference = prior if maps.label != prior else f"{prior} (baseline)"
    return BenchmarkConfig(
        title=f"{maps.label} on {Path(dataset.prepared).name}",
        datasets=(dataset,),
        predictors=(PredictorEntry(baseline=prior, name=reference), maps),
        reference=reference,
    )

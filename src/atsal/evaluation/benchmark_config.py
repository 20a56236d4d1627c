"""What a benchmark is told: data sets, predictors, and what they are compared with. `docs/benchmark.md` explains each.

Configs stop here: what runs takes the objects below.
"""

import hashlib
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from atsal.config import check_range, read_yaml, suggest_name
from atsal.errors import ConfigError
from atsal.models.directions import Direction

Baseline = Literal[
    "uniform", "centre", "equator-prior", "front-prior", "mean-of-others", "spectral-residual", "viewers"
]
StreamName = Literal["fused", "attention", "experts"]
STREAM_ORDER: tuple[StreamName, ...] = ("attention", "experts", "fused")
_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class DatasetEntry:
    """A prepared data set and the protocol that it is scored by."""

    prepared: str  # folder of `atsal prepare`
    protocol: str  # a ready one's name, or a YAML file
    name: str | None = None  # in tables and folders; the folder's own, if not given
    source: str | None = None  # where the raw files are now, if they were moved

    @property
    def label(self) -> str:
        """Its name in tables and folders."""
        return self.name or folder_name(Path(self.prepared).name)


@dataclass(frozen=True)
class PredictorEntry:
    """Something that makes maps: one of `baseline`, `model` and `maps`."""

    baseline: Baseline | None = None
    model: str | None = None  # a name of the registry, or a weight folder
    maps: str | None = None  # a folder of maps; `{dataset}` in it stands for the data set's name
    name: str | None = None  # in tables; the baseline's, the model's or the folder's, if not given
    streams: tuple[StreamName, ...] = STREAM_ORDER  # of a model
    stride: int = 1  # of a model on videos: predict every so many frames
    face_size: int | None = None  # of a model
    procedure: Literal["corrected", "published"] = "corrected"  # of a model
    direction: Direction | None = None  # of lite; by default what the gaze of the data set is of
    front_deg: float | None = 0.0  # of lite: longitude of the front of the pictures, + right; null: they have none
    device: str = "auto"  # of a model
    repeats: int = 10  # of the viewers: how many random halves
    datasets: tuple[str, ...] | None = None  # by their names; all, if not given
    partial: bool = False  # score the items that there are maps of, and name the others; else they must all be there
    trained_on: tuple[str, ...] = ()  # items that it saw in training: its scores are marked

    def __post_init__(self) -> None:
        """Exactly one kind."""
        given = [name for name in ("baseline", "model", "maps") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ConfigError(
                f"a predictor with {' and '.join(given) or 'nothing'}: expected one of baseline, model, maps"
            )
        self._refuse_useless()
        if self.datasets is not None and not self.datasets:
            raise ConfigError(f"predictor {self.label}: datasets is empty; leave it out to score on all")
        if not self.streams or len(set(self.streams)) < len(self.streams):
            raise ConfigError(f"streams {', '.join(self.streams) or '(none)'}: expected at least one, each once")
        check_range(self, stride=(1, 1_000_000), repeats=(1, 1000), front_deg=(-180, 180))

    def _refuse_useless(self) -> None:
        """Settings that this kind of predictor does not take."""
        taken = {"repeats"} if self.baseline == "viewers" else set()
        of_models = {"streams", "stride", "face_size", "procedure", "direction", "front_deg", "device"}
        taken |= of_models if self.model is not None else set()
        taken |= {"partial"} if self.maps is not None else set()
        useless = [
            f.name
            for f in fields(self)
            if f.name not in {"baseline", "model", "maps", "name", "datasets", "trained_on", *taken}
            and getattr(self, f.name) != f.default
        ]
        if useless:
            raise ConfigError(f"predictor {self.label}: {', '.join(useless)} cannot be chosen for it")

    @property
    def label(self) -> str:
        """Its name in tables."""
        if self.name is not None:
            return self.name
        if self.baseline is not None:
            return self.baseline
        return Path(self.model or self.maps or "").name

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
        """Refuse names that are not unique or unknown."""
        if not self.datasets or not self.predictors:
            raise ConfigError("expected at least one data set and one predictor")
        names = [entry.label for entry in self.datasets]
        rows = [label for predictor in self.predictors for label in predictor.labels]
        for kind, found in (("data sets", names), ("predictors", rows)):
            twice = sorted({name for name in found if found.count(name) > 1})
            if twice:
                raise ConfigError(f"{kind} named {', '.join(twice)} more than once: give each a name of its own")
        for name in names:
            if not _NAME.fullmatch(name) or name.startswith("."):
                raise ConfigError(f"data set {name!r}: becomes a folder; expected letters, digits, - _ .")
        for predictor in self.predictors:
            for name in predictor.datasets or ():
                if name not in names:
                    raise ConfigError(
                        f"predictor {predictor.label}: unknown data set {name!r}{suggest_name(name, names)}"
                    )
        if self.reference is not None and self.reference not in rows:
            raise ConfigError(f"reference {self.reference!r}{suggest_name(self.reference, rows)}")
        check_range(self, resamples=(100, 100_000), seed=(0, 2**53))


def folder_name(label: str) -> str:
    """A name as that of a folder; different ones stay different."""
    plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in label).strip(".")
    plain = plain.encode()[:200].decode("utf-8", "ignore")  # of the 255 bytes that a name may have
    return plain if plain == label else f"{plain}-{hashlib.sha256(label.encode()).hexdigest()[:6]}"


def read_benchmark(path: Path) -> BenchmarkConfig:
    """Read a benchmark's YAML file; raises `ConfigError`."""
    return read_yaml(BenchmarkConfig, path)


def one_folder(
    maps: Path, prepared: Path, protocol: str, *, name: str | None = None, partial: bool = False, planar: bool = False
) -> BenchmarkConfig:
    """One folder of maps on one data set, beside the prior that it has to beat (`planar`: on photos, the mean map)."""
    if not maps.is_dir():
        raise ConfigError(f"{maps}: is no folder; expected one that holds the maps of each item")
    label = name or maps.resolve().name
    prior: Baseline = "mean-of-others" if planar else "equator-prior"
    reference = prior if label != prior else f"{prior} (baseline)"
    return BenchmarkConfig(
        title=f"{label} on {prepared.resolve().name}",
        datasets=(DatasetEntry(str(prepared.resolve()), protocol),),
        predictors=(
            PredictorEntry(baseline=prior, name=reference),
            PredictorEntry(maps=str(maps.resolve()), name=label, partial=partial),
        ),
        reference=reference,
    )

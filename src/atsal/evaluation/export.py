"""Predictions, made once and kept: a folder of maps for each predictor, with a record of what made it.

Scores are taken from these folders alone. A folder made with other settings is never added to: it is refused, or, with
`overwrite`, made anew.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atsal.datasets.prepared.frame_times import seconds_of
from atsal.errors import DataError, OutputError
from atsal.evaluation import front_baseline, spectral_residual
from atsal.evaluation.baselines import baseline_map
from atsal.evaluation.benchmark_config import Baseline, PredictorEntry
from atsal.evaluation.ground_truth import Truth, open_truth
from atsal.evaluation.priors import open_pooled
from atsal.evaluation.protocol import Protocol
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.jobs.checksums import file_sha256
from atsal.jobs.output_folder import FolderKind, OutputFolder
from atsal.jobs.workers import run_each
from atsal.models.front_prior_file import FRONT_PRIOR
from atsal.untrusted.text import describe_failure, plural, shorten_list
from atsal.video.media_files import classify

if TYPE_CHECKING:
    from atsal.prediction.items import Item, Kind
    from atsal.prediction.job import Options, Outcome
    from atsal.prediction.predictor import Predictor
    from atsal.prediction.streams import Stream

EXPORTED_MAPS = FolderKind(
    description="a folder of exported maps",
    format="atsal exported maps",
    record="export.json",
    writes=("*.npy", "*.json", "*/[0-9]*.npy", ".*.progress"),
)
_MANY = 32  # items; for fewer, workers take longer to start than to work


@dataclass(frozen=True)
class Exported:
    """A folder of maps, what made them, and the items that each stream of the maker ("": its one) saw in training."""

    folder: Path
    settings: dict[str, Any]
    failed: Mapping[str, str] = field(default_factory=dict)  # item -> why there are no maps of it
    trained_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _claimed(folder: Path, settings: dict[str, Any], *, overwrite: bool) -> AbstractContextManager[bool]:
    """Hold the folder for maps of these settings; `OutputError` as of `OutputFolder.claim`."""
    return OutputFolder(folder, EXPORTED_MAPS).claim({"settings": settings}, overwrite=overwrite)


def export_baseline(
    baseline: Baseline,
    truth: Truth,
    pooled: Path,
    fingerprint: str,
    folder: Path,
    *,
    overwrite: bool,
    workers: int,
) -> Exported:
    """Write the maps of a baseline for each scored item, `<item>.npy`.

    `pooled` is the file of what the items say together, saved under `fingerprint`. Raises `DataError` for the front
    prior of flat photos.
    """
    settings: dict[str, Any] = {"baseline": baseline, "protocol or gaze": fingerprint}
    if baseline == "spectral-residual":
        settings["version"] = str(spectral_residual.VERSION)
    prepared = truth.prepared
    trained_on: dict[str, tuple[str, ...]] = {}
    if baseline == "front-prior":
        if truth.protocol.is_planar:
            raise DataError(f"{baseline}: is of 360° pictures; {prepared.folder} holds flat photos")
        settings |= {"prior": file_sha256(FRONT_PRIOR), "version": str(front_baseline.VERSION)}
        settings |= {"still_s": prepared.dataset.still_s, "skip_s": prepared.dataset.skip_s}
        trained_on = {"": front_baseline.front_prior_fitted_on(truth)}
    place = (prepared.folder, prepared.source, truth.protocol, truth.without, pooled, fingerprint, folder)
    with _claimed(folder, settings, overwrite=overwrite):
        todo = [item for item in truth.items if not (folder / f"{item}.npy").exists()]
        made = list(run_each(_Baseline(baseline, *place), todo, workers if len(todo) >= _MANY else 1))
    return Exported(folder, settings, {item: failed for item, failed in made if failed is not None}, trained_on)


@dataclass(frozen=True)
class _Baseline:
    """What a worker needs besides the item."""

    baseline: Baseline
    prepared: Path
    source: Path
    protocol: Protocol
    without: frozenset[str]
    pooled: Path
    fingerprint: str
    folder: Path

    def __call__(self, item: str) -> str | None:
        """Write the map of an item; returns why there is none."""
        truth = open_truth(self.prepared, self.source, self.protocol, self.without, self.fingerprint)
        pooled = open_pooled(self.pooled, self.fingerprint)
        try:
            maps = np.asarray(baseline_map(self.baseline, truth, pooled, item), np.float32)
        except Exception as error:  # of a stimulus, also what no reader foresaw: the other items go on
            return describe_failure(error)
        path = self.folder / f"{item}.npy"
        with output_errors(path), atomic_file(path) as part, part.open("wb") as file:
            np.save(file, maps, allow_pickle=False)
        return None


def export_model(
    entry: PredictorEntry, truth: Truth, folder: Path, *, overwrite: bool, report: Callable[[str], None]
) -> Exported:
    """Predict every scored item's stimulus into `folder`, as `atsal predict --format npy` does.

    Goes on where an earlier run stopped, and with the other items after one whose stimulus cannot be predicted on.
    Raises `DataError` for flat photos and for items without a stimulus.
    """
    from atsal.prediction.items import InputFiles, Item, Reading  # noqa: PLC0415 - only here: models load slowly
    from atsal.prediction.job import Options, refuse_collisions  # noqa: PLC0415
    from atsal.prediction.streams import STREAMS  # noqa: PLC0415

    if truth.protocol.is_planar:
        raise DataError(f"{entry.label}: predicts 360° frames; {truth.prepared.folder} holds flat photos")
    items = {name: Item(path, _kind(path)) for name, path in stimuli(truth).items()}
    _check_stride(entry, truth)
    predictor = _predictor(entry, truth.protocol)
    streams = tuple(stream for stream in STREAMS if stream in entry.streams)
    options = Options(streams, ("npy",), Reading(stride=entry.stride))
    refuse_collisions(items.values(), folder, options, InputFiles(items.values()))
    settings = _settings(entry, truth, predictor, streams) | {
        "stimuli": _stimuli_before(folder) | {name: item.path.name for name, item in items.items()}
    }
    failed: dict[str, str] = {}
    with _claimed(folder, settings, overwrite=overwrite):
        for name, item in items.items():
            try:
                own = replace(options, still_at_s=_still_at(truth, name, item, predictor))
                outcome = _predicted(predictor, item, folder, own, overwrite=overwrite)
            except OutputError:
                raise  # the next item would fail too
            except Exception as error:  # of its stimulus, also what no reader foresaw: the other items go on
                failed[name] = describe_failure(error)
                continue
            if outcome.problem:
                failed[name] = outcome.problem
            elif not outcome.skipped:
                report(f"{entry.label}: {name}, {plural(outcome.frames, 'frame')}")
    return Exported(folder, settings, failed, _trained_on(predictor.bundle.provenance, truth.prepared.dataset.name))


def _predictor(entry: PredictorEntry, protocol: Protocol) -> "Predictor":
    """The model; where it has directions, towards what the gaze is of unless the entry says otherwise."""
    from atsal.models.directions import measured_direction  # noqa: PLC0415
    from atsal.models.registry import find_bundle  # noqa: PLC0415
    from atsal.prediction.predictor import load_model  # noqa: PLC0415

    bundle = find_bundle(entry.model or "")
    measured = measured_direction(protocol.direction) if bundle.config.directions is not None else "head_eye"
    return load_model(
        bundle,
        device=entry.device,
        face_size=entry.face_size,
        procedure=entry.procedure,
        direction=entry.direction or measured,
        front_deg=entry.front_deg,
    )


def _still_at(truth: Truth, name: str, item: "Item", predictor: "Predictor") -> float | None:
    """When a still or a folder of frames is shown, by the set; None for photos and videos, whose frames have times."""
    if item.kind == "video" or not predictor.network.depends_on_time:
        return None
    seconds = seconds_of(truth.prepared, name, [0])
    return seconds[0] if seconds else None


def _settings(
    entry: PredictorEntry, truth: Truth, predictor: "Predictor", streams: "Sequence[Stream]"
) -> dict[str, Any]:
    """What the maps of all items depend on, but for the stimuli."""
    network = predictor.network
    settings = {
        "model": entry.model,
        "weights": predictor.bundle.checksum,
        "procedure": entry.procedure,
        "face_size": predictor.config.face_size,
        "streams": list(streams),
        "stride": entry.stride,
        "still_s": truth.prepared.dataset.still_s if network.depends_on_time else None,
    }
    if network.prior is not None:
        settings |= {"direction": network.direction, "front_deg": network.front_deg}
    return settings


def _stimuli_before(folder: Path) -> dict[str, str]:
    """Those of an earlier run: an item that takes no part now does not make its maps those of other settings."""
    settings = OutputFolder(folder, EXPORTED_MAPS).settings() or {}
    before = settings.get("settings")
    found = before.get("stimuli") if isinstance(before, dict) else None
    return found if isinstance(found, dict) else {}


def _predicted(predictor: "Predictor", item: "Item", folder: Path, options: "Options", *, overwrite: bool) -> "Outcome":
    from atsal.prediction.job import predict_item  # noqa: PLC0415

    try:
        return predict_item(predictor, item, folder, options)
    except OutputError:  # made of another source of this name
        if not overwrite:
            raise
        return predict_item(predictor, item, folder, replace(options, overwrite=True))


def _check_stride(entry: PredictorEntry, truth: Truth) -> None:
    """Before anything is predicted: each window needs a frame."""
    for item in truth.items:
        window = truth.windows(item)[0]
        if window is not None and window.last_frame + 1 < entry.stride:
            raise DataError(
                f"{entry.label}: stride {entry.stride} leaves windows of {item} without a frame; they have "
                f"{window.last_frame + 1} frames"
            )


def _trained_on(provenance: Mapping[str, Any], dataset: str) -> dict[str, tuple[str, ...]]:
    """By stream, as a weight folder tells; what one of its parts has seen, the fused map has seen."""
    parts = provenance.get("trained_on")
    known = parts if isinstance(parts, dict) else {}
    told = {part: tuple(sets.get(dataset, ())) for part, sets in known.items() if isinstance(sets, dict)}
    return {**told, "fused": tuple(dict.fromkeys(item for items in told.values() for item in items))}


def stream_suffix(stream: str, streams: int) -> str:
    """What `atsal predict` adds to the names of a stream's maps where it writes so many streams."""
    return "" if stream == "fused" or streams == 1 else f".{stream}"


def stimuli(truth: Truth) -> dict[str, Path]:
    """The image, video or folder of frames of each scored item; `DataError` names those that are not there."""
    found = {item: stimulus_of(truth, item) for item in truth.items}
    missing = [item for item, path in found.items() if path is None or not path.exists()]
    if missing:
        raise DataError(
            f"{truth.prepared.folder}: no stimulus of {shorten_list(missing)} to predict on; say where the raw files "
            "are now "
            "(source), or prepare the set with its stimuli"
        )
    return {item: path for item, path in found.items() if path is not None}


def stimulus_of(truth: Truth, item: str) -> Path | None:
    """Where an item's stimulus is, or was when the set was prepared; None where it had none."""
    stimulus = truth.prepared.record(item)["stimulus"]
    return None if stimulus is None else truth.prepared.source / stimulus["file"]


def _kind(path: Path) -> "Kind":
    return "sequence" if path.is_dir() else classify(path)

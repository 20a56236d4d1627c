"""Predictions that are made once and kept: a folder of maps for each predictor, with a record of what made them.

Scores are taken from these folders alone. Maps of other settings never join a folder: the folder is refused or, with
`overwrite`, made anew.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atsal.datasets.prepared.frame_times import frame_seconds
from atsal.errors import DataError, OutputError
from atsal.evaluation.baselines import BASELINES, Baseline
from atsal.evaluation.benchmark_config import PredictorEntry
from atsal.evaluation.ground_truth import GroundTruth
from atsal.evaluation.priors import GroundTruthFiles
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.jobs.checksums import file_sha256
from atsal.jobs.engine import Engine, InThisProcess, run_all, run_task
from atsal.jobs.engine import Report as ReportDone
from atsal.jobs.output_folder import FolderKind, OutputFolder
from atsal.jobs.workers import on_one_thread
from atsal.models.seen_items import Seen
from atsal.untrusted.text import describe_failure, plural, shorten_list
from atsal.video.media_files import classify

if TYPE_CHECKING:
    from atsal.prediction.job import Outcome
    from atsal.prediction.options import Options
    from atsal.prediction.predictor import Predictor
    from atsal.prediction.sources import Source

EXPORTED_MAPS = FolderKind(
    description="a folder of exported maps",
    format="atsal exported maps",
    record="export.json",
    writes=("*.npy", "*.json", "*/[0-9]*.npy", ".*.progress"),
)
_WORKER_MIN_ITEMS = 32  # for fewer items, workers take longer to start than to work


@dataclass(frozen=True)
class Export:
    """A folder of maps and what made them."""

    folder: Path
    settings: dict[str, Any]
    failed: Mapping[str, str] = field(default_factory=dict)  # item -> why there are no maps of it
    seen: Mapping[str, Sequence[Seen]] = field(default_factory=dict)  # by stream, "" for a baseline


def _claim(folder: Path, settings: dict[str, Any], *, overwrite: bool) -> AbstractContextManager[bool]:
    """Hold the folder for maps of these settings; `OutputError` as `OutputFolder.claim` raises it."""
    return OutputFolder(folder, EXPORTED_MAPS).claim({"settings": settings}, overwrite=overwrite)


def export_baseline(
    baseline: Baseline, truth: GroundTruth, files: GroundTruthFiles, folder: Path, *, overwrite: bool, engine: Engine
) -> Export:
    """Write the maps of a baseline for each scored item, `<item>.npy`."""
    settings = {"baseline": baseline.name, "protocol or gaze": files.fingerprint} | baseline.settings(truth)
    with _claim(folder, settings, overwrite=overwrite):
        todo = [item for item in truth.items if not (folder / f"{item}.npy").exists()]
        tasks = [WriteBaseline(baseline.name, files, item, folder / f"{item}.npy") for item in todo]
        made = list(run_all(engine if len(todo) >= _WORKER_MIN_ITEMS else InThisProcess(run_task), tasks))
    failed = {task.item: failure for task, failure in made if failure is not None}
    return Export(folder, settings, failed, {"": baseline.seen(truth)})


@dataclass(frozen=True)
class WriteBaseline:
    """The maps of a baseline for one item: all that a worker needs."""

    baseline: str
    truth: GroundTruthFiles
    item: str
    target: Path

    @on_one_thread()
    def run(self, _report: ReportDone) -> str | None:
        """Write them; return why there are none."""
        truth, pooled = self.truth.open()
        try:
            maps = np.asarray(BASELINES[self.baseline].make_maps(truth, pooled, self.item), np.float32)
        except Exception as error:  # even an error that no reader expects must not stop the other items
            return describe_failure(error)
        with output_errors(self.target), atomic_file(self.target) as part, part.open("wb") as file:
            np.save(file, maps, allow_pickle=False)
        return None


def export_model(
    entry: PredictorEntry,
    truth: GroundTruth,
    files: GroundTruthFiles,
    folder: Path,
    *,
    overwrite: bool,
    engine: Engine,
    report: Callable[[str], None],
) -> Export:
    """Predict the stimulus of every scored item into `folder`, as `atsal predict --format npy` does.

    On a cluster, each item is a task. On one machine, this process predicts all: it uses all cores, or the GPU.
    Continues an earlier run, and goes on with the other items if one stimulus fails. Raises `DataError` for flat photos
    and for items without a stimulus.
    """
    from atsal.evaluation.predictors import seen_by_stream  # noqa: PLC0415 - models load slowly
    from atsal.prediction.options import Options, ReadOptions  # noqa: PLC0415
    from atsal.prediction.outputs import find_clashes  # noqa: PLC0415
    from atsal.prediction.sources import Source, SourceFiles  # noqa: PLC0415

    if truth.protocol.is_planar:
        raise DataError(f"{entry.label}: predicts 360° frames; {truth.prepared.folder} holds flat photos")
    items = {
        name: Source(path, "sequence" if path.is_dir() else classify(path))
        for name, path in stimulus_paths(truth).items()
    }
    _check_stride(entry, truth)
    predictor = next(iter(_load_once(entry, files).values()))  # they differ in the settings of the fusion alone
    options = Options(entry.streams, ("npy",), ReadOptions(stride=entry.stride))
    for clash in find_clashes(items.values(), folder, options, SourceFiles(items.values())).values():
        raise clash
    stimuli = _stimuli_of_earlier_run(folder) | {name: item.path.name for name, item in items.items()}
    settings = _settings(entry, truth, predictor, options.streams) | {"stimuli": stimuli}
    failed: dict[str, str] = {}
    tasks = [
        PredictItem(entry, files, name, item, folder, replace(options, still_at_s=still_at_s), overwrite)
        for name, item in items.items()
        for still_at_s in [_time_of_still(truth, name, item, predictor)]
    ]
    with _claim(folder, settings, overwrite=overwrite):
        for task, found in run_all(engine if engine.is_cluster else InThisProcess(run_task), tasks):
            problem = found if isinstance(found, str) else found.problem
            if problem:
                failed[task.item] = problem
            elif not found.skipped:
                report(f"{entry.label}: {task.item}, {plural(found.frames, 'frame')}")
    _load_once.cache_clear()
    return Export(folder, settings, failed, seen_by_stream(entry, predictor.bundle.provenance))


def _time_of_still(truth: GroundTruth, name: str, item: "Source", predictor: "Predictor") -> float | None:
    """When a still or a folder of frames is shown, in s; None for photos, and for videos, whose frames have times."""
    if item.kind == "video" or not predictor.network.depends_on_time:
        return None
    seconds = frame_seconds(truth.prepared, name, [0])
    return seconds[0] if seconds else None


def _settings(
    entry: PredictorEntry, truth: GroundTruth, predictor: "Predictor", streams: Sequence[str]
) -> dict[str, Any]:
    """What the maps of all items depend on, without the stimuli."""
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
    if entry.fusion is not None:
        settings["fusion"] = file_sha256(Path(entry.fusion))
    if network.prior is not None:
        settings |= {"direction": network.direction, "front_deg": network.front_deg}
    return settings


def _stimuli_of_earlier_run(folder: Path) -> dict[str, str]:
    """The stimuli in the record of the folder. An item that takes no part now is no other setting."""
    settings = OutputFolder(folder, EXPORTED_MAPS).settings() or {}
    earlier = settings.get("settings")
    found = earlier.get("stimuli") if isinstance(earlier, dict) else None
    return found if isinstance(found, dict) else {}


@lru_cache(maxsize=1)
def _load_once(entry: PredictorEntry, files: GroundTruthFiles) -> "Mapping[str, Predictor]":
    """Return the model for each item, which this process loads at the first call."""
    from atsal.evaluation.predictors import load_predictors  # noqa: PLC0415 - models load slowly

    return load_predictors(entry, files.open()[0])


@dataclass(frozen=True)
class PredictItem:
    """The prediction of one item by a model: all that a worker needs."""

    entry: PredictorEntry
    truth: GroundTruthFiles
    item: str
    source: "Source"
    folder: Path
    options: "Options"
    overwrite: bool  # maps of another source of this name

    def run(self, report: ReportDone) -> "Outcome | str":
        """Return the outcome, or why there is none."""
        try:
            return self._predict(_load_once(self.entry, self.truth)[self.item], report)
        except OutputError:
            raise  # the next item would fail too
        except Exception as error:  # even an error that no reader expects must not stop the other items
            return describe_failure(error)

    def _predict(self, predictor: "Predictor", report: ReportDone) -> "Outcome":
        from atsal.prediction.job import predict_source  # noqa: PLC0415

        try:
            return predict_source(predictor, self.source, self.folder, self.options, report)
        except OutputError:
            if not self.overwrite:
                raise
            return predict_source(predictor, self.source, self.folder, replace(self.options, overwrite=True), report)


def _check_stride(entry: PredictorEntry, truth: GroundTruth) -> None:
    """Raise `DataError` if a window would have no predicted frame."""
    for item in truth.items:
        window = truth.windows(item)[0]
        if window is not None and window.last_frame + 1 < entry.stride:
            raise DataError(
                f"{entry.label}: stride {entry.stride} leaves windows of {item} without a frame; they have "
                f"{plural(window.last_frame + 1, 'frame')}. Give a stride of at most {window.last_frame + 1}"
            )


def stimulus_paths(truth: GroundTruth) -> dict[str, Path]:
    """Return the image, video or folder of frames of each scored item; `DataError` names items without one."""
    found = {item: stimulus_path(truth, item) for item in truth.items}
    missing = [item for item, path in found.items() if path is None or not path.exists()]
    if missing:
        raise DataError(
            f"{truth.prepared.folder}: no stimulus of {shorten_list(missing)} to predict; set `source` to the "
            "folder of the raw files, or prepare the set with its stimuli"
        )
    return {item: path for item, path in found.items() if path is not None}


def stimulus_path(truth: GroundTruth, item: str) -> Path | None:
    """Return where the stimulus of an item is, or was when the set was prepared; None if the item has none."""
    stimulus = truth.prepared.record(item)["stimulus"]
    return None if stimulus is None else truth.prepared.source / stimulus["file"]

"""Many predictors on many data sets: export maps, score what was exported, gather the result.

    OUT/benchmark.json                           marks the folder, and holds the configuration
    OUT/<data set>/pooled.npz                    what the gaze on all items has in common (`priors.py`)
    OUT/<data set>/maps/<predictor>/             the scored maps, with a record of what made them
    OUT/<data set>/scores/<predictor>/<item>.json   the scores of an item, with a fingerprint of all they depend on

`report.write_report` writes the report beside them. Each step is kept. A run that was stopped continues, and a run with
more predictors or metrics computes only their scores.
"""

import datetime
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from atsal.datasets.prepared import PreparedSet
from atsal.errors import ConfigError, DataError, OutputError
from atsal.evaluation.benchmark_config import BenchmarkConfig, DatasetEntry, PredictorEntry
from atsal.evaluation.dataset_run import BenchmarkDataset, DatasetRun, Report
from atsal.evaluation.ground_truth import GroundTruth
from atsal.evaluation.pictures import scored_picture
from atsal.evaluation.protocol import read_protocol
from atsal.evaluation.results import Result
from atsal.evaluation.scoring_task import ScoringTask
from atsal.jobs.engine import Engine, InThisProcess, RunTask, run_task
from atsal.jobs.output_folder import FolderKind, OutputFolder
from atsal.untrusted.text import shorten_list
from atsal.version import __version__
from atsal.video.render import Picture

BENCHMARK = FolderKind(
    description="a benchmark",
    format="atsal benchmark",
    record="benchmark.json",
    folders=("", "*", "*/scores/*"),
)


class Benchmark:
    """A configuration with its data sets opened and checked; paths in it are relative to `base`.

    Raises `ConfigError` and `DataError` for data sets that cannot be used.
    """

    def __init__(self, config: BenchmarkConfig, base: Path, output: Path) -> None:
        self._config = config
        self._base = base
        self._output = output
        self._datasets = {entry.label: _open(entry, base, output) for entry in config.datasets}
        self._tasks: dict[tuple[str, str, str], ScoringTask] = {}  # of data set, row, item
        for predictor in config.predictors:
            self._check_trained_on(predictor)

    def _check_trained_on(self, predictor: PredictorEntry) -> None:
        """Raise `ConfigError` for unknown items: a misspelt one would leave its row unmarked."""
        chosen = predictor.datasets or self._datasets
        known = {item for name in chosen for item in self._datasets[name].truth.prepared.items}
        unknown = [item for item in predictor.trained_on if item not in known]
        if unknown:
            raise ConfigError(
                f"predictor {predictor.label}: trained_on names {shorten_list(unknown)}; no data set has them"
            )

    def run(
        self,
        *,
        overwrite: bool = False,
        make_engine: Callable[[RunTask], Engine] = InThisProcess,
        report: Report = lambda _line: None,
    ) -> Result:
        """Export what is not exported, score what is not scored, and gather the result.

        `make_engine` takes the job and returns the engine that runs it on the items; results do not depend on it. A
        predictor that cannot be scored on a data set is named in the result, and the others go on. Raises `OutputError`
        if the output folder holds something else, or maps or scores of other settings and `overwrite` is off.
        """
        results = []
        folder = OutputFolder(self._output, BENCHMARK)
        with folder.claim(), make_engine(run_task) as engine:
            folder.write_record({"config": asdict(self._config)})
            for name, dataset in self._datasets.items():
                run = DatasetRun(dataset, self._config, self._base, overwrite=overwrite, engine=engine, report=report)
                with _unreadable_items_named(dataset):
                    results.append(run.run())
                self._tasks |= {(name, task.predictor, task.item): task for task in run.tasks}
        return Result(self._config.title, tuple(results), self._config.reference, _settings(self._config))

    def draw(self, dataset: str, predictor: str, item: str) -> Picture | None:
        """Return stimulus, measured and predicted map of an item of the last run, side by side; None for viewers."""
        task = self._tasks.get((dataset, predictor, item))
        if task is None or task.maps is None:
            return None
        return scored_picture(self._datasets[dataset].truth, item, task.maps)


@contextmanager
def _unreadable_items_named(dataset: BenchmarkDataset) -> Iterator[None]:
    """Add unreadable items to an `OutputError`: they may be why earlier results do not fit any more."""
    try:
        yield
    except OutputError as error:
        if not dataset.unreadable:
            raise
        reason = next(iter(dataset.unreadable.values()))
        raise OutputError(
            f"{error}. Cannot be used now: {shorten_list(list(dataset.unreadable))} ({reason})"
        ) from error


def _settings(config: BenchmarkConfig) -> dict[str, Any]:
    """What a reader needs to repeat the benchmark."""
    return {
        "atsal": __version__,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "numpy, torch": f"{version('numpy')}, {version('torch')}",
        "seed": config.seed,
        "resamples": config.resamples,
    }


def _open(entry: DatasetEntry, base: Path, output: Path) -> BenchmarkDataset:
    """Open a data set without the items that cannot be read; `DataError` if none can."""
    protocol = read_protocol(entry.protocol, base)
    source = None if entry.source is None else (base / entry.source).resolve()
    prepared = PreparedSet((base / entry.prepared).resolve(), source)
    if entry.split is not None:
        given = base / entry.split
        protocol = protocol.choosing(prepared, str(given) if given.is_file() else entry.split)
    truth = GroundTruth(prepared, protocol)
    unreadable = truth.unreadable()
    if unreadable:
        try:
            truth = GroundTruth(truth.prepared, protocol, unreadable)
        except DataError as error:
            item, why = next(iter(unreadable.items()))
            raise DataError(
                f"{truth.prepared.folder}: none of the {len(unreadable)} items can be used ({item}: {why})"
            ) from error
    return BenchmarkDataset(entry, truth, output / entry.label, unreadable)

"""Many predictors on many data sets: export, score what was exported, gather.

    OUT/benchmark.json                           marks the folder, and holds the configuration
    OUT/<data set>/pooled.npz                    what the items say together (`pooled.py`)
    OUT/<data set>/maps/<predictor>/             the maps that are scored, with a record of what made them
    OUT/<data set>/scores/<predictor>/<item>.json   an item's scores, with a fingerprint of all that they depend on

The report is written beside by `report.write_report`. Each step is kept: a run that was stopped goes on where it was,
and one with more predictors scores only those.
"""

import datetime
import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from atsal.datasets.prepared import PreparedSet
from atsal.errors import ConfigError, DataError, InputError, MissingDependencyError, OutputError, WeightsError
from atsal.evaluation.benchmark_config import BenchmarkConfig, DatasetEntry, PredictorEntry, folder_name
from atsal.evaluation.export import Exported, export_baseline, export_model, stimulus_of, stream_suffix
from atsal.evaluation.ground_truth import EVERYTHING, Truth
from atsal.evaluation.map_files import MapFiles, find_map_files
from atsal.evaluation.pictures import scored_picture
from atsal.evaluation.priors import Pooled
from atsal.evaluation.protocol import read_protocol
from atsal.evaluation.results import DatasetResult, Kind, Result, Run
from atsal.evaluation.scoring import mistaken_orientation
from atsal.evaluation.scoring_task import Task, kept, refuse_other_scores, run_task
from atsal.jobs.atomic_write import output_errors
from atsal.jobs.output_folder import FolderKind, OutputFolder, require_files
from atsal.jobs.workers import run_each
from atsal.models.seen_items import ALL_ITEMS
from atsal.untrusted.text import shorten_list
from atsal.version import __version__
from atsal.video.render import Picture

BENCHMARK = FolderKind(
    description="a benchmark",
    format="atsal benchmark",
    record="benchmark.json",
    folders=("", "*", "*/scores/*"),
)
Report = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """One row of a table to come: a predictor, or a stream of it, on one data set."""

    label: str
    kind: Kind
    entry: PredictorEntry
    export: Exported | None = None  # None: the viewers
    suffix: str = ""  # of the files of a stream
    stream: str = ""


@dataclass(frozen=True)
class _Set:
    """One data set under work."""

    entry: DatasetEntry
    truth: Truth
    folder: Path
    fingerprint: str
    unreadable: Mapping[str, str]  # item -> why it takes no part

    @property
    def pooled(self) -> Path:
        return self.folder / "pooled.npz"


class Benchmark:
    """A configuration, its data sets opened and checked.

    Paths of the configuration are taken from `base`. Raises `ConfigError` and `DataError` for data sets that cannot be
    used.
    """

    def __init__(self, config: BenchmarkConfig, base: Path, output: Path) -> None:
        self._config = config
        self._base = base
        self._output = output
        self._sets = {entry.label: _opened(entry, base, output) for entry in config.datasets}
        self._tasks: dict[tuple[str, str, str], Task] = {}  # of data set, row, item
        for predictor in config.predictors:
            self._check_trained_on(predictor)

    def _check_trained_on(self, predictor: PredictorEntry) -> None:
        """A misspelt item would leave its row unmarked."""
        chosen = [one for name, one in self._sets.items() if predictor.datasets is None or name in predictor.datasets]
        known = {item for one in chosen for item in one.truth.prepared.items}
        unknown = [item for item in predictor.trained_on if item not in known]
        if unknown:
            raise ConfigError(
                f"predictor {predictor.label}: trained_on names {shorten_list(unknown)}; no data set has them"
            )

    def run(self, *, overwrite: bool = False, workers: int = 1, report: Report = lambda _line: None) -> Result:
        """Export what is not exported, score what is not scored, and gather the result.

        A predictor that cannot be scored on a data set is named in the result, and the others go on. Raises
        `OutputError` where the output folder holds something else, or maps or scores of other settings and `overwrite`
        is off.
        """
        found = []
        folder = OutputFolder(self._output, BENCHMARK)
        with folder.claim():
            folder.write_record({"config": asdict(self._config)})
            for name, one in self._sets.items():
                work = _SetRun(one, self._config, self._base, overwrite=overwrite, workers=workers, report=report)
                with _unreadable_named(one):
                    found.append(work.run())
                self._tasks |= {(name, task.row, task.item): task for task in work.tasks}
        return Result(self._config.title, tuple(found), self._config.reference, _settings(self._config))

    def draw(self, dataset: str, predictor: str, item: str) -> Picture | None:
        """The item as it was scored in the last run: stimulus, measured, predicted; None of viewers."""
        task = self._tasks.get((dataset, predictor, item))
        if task is None or task.files is None:
            return None
        return scored_picture(self._sets[dataset].truth, item, task.files)


@contextmanager
def _unreadable_named(one: _Set) -> Iterator[None]:
    """Earlier results may be refused because an item has gone bad since: name it."""
    try:
        yield
    except OutputError as error:
        if not one.unreadable:
            raise
        reason = next(iter(one.unreadable.values()))
        raise OutputError(f"{error}. Cannot be used now: {shorten_list(list(one.unreadable))} ({reason})") from error


def _settings(config: BenchmarkConfig) -> dict[str, Any]:
    """What a reader needs to repeat it."""
    return {
        "atsal": __version__,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "numpy, torch": f"{version('numpy')}, {version('torch')}",
        "seed": config.seed,
        "resamples": config.resamples,
    }


def _opened(entry: DatasetEntry, base: Path, output: Path) -> _Set:
    protocol = read_protocol(entry.protocol, base)
    source = None if entry.source is None else (base / entry.source).resolve()
    truth = Truth(PreparedSet((base / entry.prepared).resolve(), source), protocol)
    unreadable = truth.unreadable()
    if unreadable:
        truth = _without(truth, unreadable)
    return _Set(entry, truth, output / entry.label, truth.fingerprint(), unreadable)


def _without(truth: Truth, unreadable: Mapping[str, str]) -> Truth:
    """The truth of the items that can be read; `DataError` where none of them can."""
    try:
        return Truth(truth.prepared, truth.protocol, unreadable)
    except DataError as error:
        item, why = next(iter(unreadable.items()))
        raise DataError(
            f"{truth.prepared.folder}: none of the {len(unreadable)} items can be used ({item}: {why})"
        ) from error


class _SetRun:
    """All predictors on one data set."""

    def __init__(
        self, one: _Set, config: BenchmarkConfig, base: Path, *, overwrite: bool, workers: int, report: Report
    ) -> None:
        self._set = one
        self._config = config
        self._base = base
        self._overwrite = overwrite
        self._workers = workers
        self._report: Report = lambda line: report(f"{one.entry.label}: {line}")
        self.tasks: list[Task] = []  # after the run: those whose scores are reported
        self._rows: list[Row] = []
        self._missing: dict[str, dict[str, str]] = {}  # row -> item -> why it has no scores
        self._absent: set[str] = set()  # rows that lack the maps of an item
        self._damaged = set(one.unreadable)  # items, for whatever reason
        self._failed: dict[str, str] = {}  # row -> why

    def run(self) -> DatasetResult:
        """Export, score, gather."""
        one, truth = self._set, self._set.truth
        with output_errors(one.folder):
            one.folder.mkdir(parents=True, exist_ok=True)
        if Pooled.load(one.pooled, one.fingerprint) is None:
            self._report(f"reading the gaze on {len(truth.items)} items")
            Pooled.of(truth).save(one.pooled, one.fingerprint)
        for entry in self._config.predictors:
            if entry.datasets is None or one.entry.label in entry.datasets:
                self._export(entry)
        self.tasks = self._score(self._tasks())
        require_files(one.folder, [self._file_of(task) for task in self.tasks if not self._is_missing(task)])
        runs = [self._gathered(row) for row in self._rows if row.label not in self._failed]
        dataset = truth.prepared.dataset
        return DatasetResult(
            name=one.entry.label,
            dataset=dataset.name,
            title=dataset.title,
            protocol=truth.protocol,
            runs=tuple(runs),
            facts=_facts(one),
            failed=self._failed,
            unprepared=truth.unprepared(),
            damaged=tuple(sorted(self._damaged)),
            notes=_notes(truth),
        )

    def _export(self, entry: PredictorEntry) -> None:
        try:
            self._rows += self._exported(entry)
        except (InputError, WeightsError, MissingDependencyError) as error:
            for label in entry.labels:
                self._fail(label, str(error))

    def _fail(self, label: str, why: str) -> None:
        self._failed[label] = why
        self._report(f"{label} failed: {why}")

    def _exported(self, entry: PredictorEntry) -> list[Row]:
        """The rows of a predictor, their maps written."""
        one, base, overwrite = self._set, self._base, self._overwrite
        folder = one.folder / "maps" / folder_name(entry.label)
        if entry.baseline == "viewers":
            return [Row(entry.label, "ceiling", entry)]
        if entry.baseline is not None:
            place = (one.pooled, one.fingerprint, folder)
            made = export_baseline(entry.baseline, one.truth, *place, overwrite=overwrite, workers=self._workers)
            return [Row(entry.label, "baseline", entry, made)]
        if entry.model is not None:
            local = base / entry.model
            located = replace(entry, name=entry.label, model=str(local) if local.is_dir() else entry.model)
            made = export_model(located, one.truth, folder, overwrite=overwrite, report=self._report)
            return [
                Row(label, "model", located, made, stream_suffix(stream, len(entry.streams)), stream)
                for label, stream in entry.labels_by_stream.items()
            ]
        given = base / (entry.maps or "").replace("{dataset}", one.entry.label)
        if not given.is_dir():
            raise DataError(f"{given}: is no folder; expected the maps of {entry.label}")
        return [Row(entry.label, "maps", entry, Exported(given, {"maps": str(entry.maps)}))]

    def _tasks(self) -> list[Task]:
        """What is to be scored; items without maps are noted."""
        one, tasks = self._set, []
        prepared = one.truth.prepared
        for row in self._rows:
            self._missing[row.label] = dict(one.unreadable)
            own: list[Task] = []
            for item in one.truth.items:
                if row.export is not None and item in row.export.failed:
                    self._note_damage(row.label, item, row.export.failed[item])
                    continue
                try:
                    files = self._files(row, item)
                except DataError as error:
                    self._missing[row.label][item] = str(error)
                    self._absent.add(row.label)
                    continue
                target = one.folder / "scores" / folder_name(row.label) / f"{item}.json"
                place = (prepared.folder, prepared.source, one.truth.protocol, one.truth.without)
                saved = (one.pooled, one.fingerprint, target)
                own.append(Task(row.label, item, files, row.entry.repeats, self._config.seed, *place, *saved))
            tasks += own if not self._has_failed(row) else []
        return tasks

    def _files(self, row: Row, item: str) -> MapFiles | None:
        """The maps of an item; None of the viewers, who have none."""
        if row.export is None:
            return None
        return find_map_files(row.export.folder, _stems(self._set.truth, item, row.suffix))

    def _note_damage(self, row: str, item: str, why: str) -> None:
        self._missing[row][item] = why
        self._damaged.add(item)
        self._report(f"{row}: {item} cannot be scored: {why}")

    def _score(self, tasks: list[Task]) -> list[Task]:
        """Score those that are not scored; returns those of the rows that can be reported."""
        todo = [task for task in tasks if kept(task) is None]
        refuse_other_scores(todo, overwrite=self._overwrite)
        self._report(f"{len(todo)} of {len(tasks)} maps to score")
        for done, (task, why) in enumerate(run_each(run_task, todo, self._workers), 1):
            if why is not None:
                self._note_damage(task.row, task.item, why)
            if done % 50 == 0:
                self._report(f"{done} of {len(todo)} scored")
        failed = {row.label for row in self._rows if self._has_failed(row)}
        return [task for task in tasks if task.row not in failed]

    def _has_failed(self, row: Row) -> bool:
        """Whether maps are not there that should be, or none could be scored; says so once."""
        missing, count = self._missing[row.label], len(self._set.truth.items) + len(self._set.unreadable)
        lacking = row.label in self._absent and not row.entry.partial
        if row.label not in self._failed and missing and (lacking or len(missing) == count):
            first = next(iter(missing.values()))
            self._fail(
                row.label, f"{len(missing)} of {count} items cannot be scored: {shorten_list(list(missing))} ({first})"
            )
        return row.label in self._failed

    def _is_missing(self, task: Task) -> bool:
        return task.item in self._missing[task.row]

    def _file_of(self, task: Task) -> str:
        return task.target.relative_to(self._set.folder).as_posix()

    def _gathered(self, row: Row) -> Run:
        missing = self._missing[row.label]
        found = {task.item: kept(task) for task in self.tasks if task.row == row.label and task.item not in missing}
        missing |= {item: "its maps changed while they were scored" for item, scores in found.items() if scores is None}
        items = tuple(scores for scores in found.values() if scores is not None)
        counts = Counter(note for item in items for note in item.notes)
        notes = [n if count == len(items) else f"{n} ({count} of {len(items)} items)" for n, count in counts.items()]
        mistaken = mistaken_orientation(items)
        notes += [mistaken] if mistaken else []
        if row.export is None:
            halves = f"the mean over {row.entry.repeats} random halves of the viewers"
            notes.append(f"{halves}, each scored against the other half; the other rows are scored against all viewers")
        trained_on = {*row.entry.trained_on, *(row.export.trained_on.get(row.stream, ()) if row.export else ())}
        in_sample = tuple(item.item for item in items if trained_on & {item.item, ALL_ITEMS})
        settings = row.export.settings if row.export else {"repeats": row.entry.repeats}
        return Run(row.label, row.kind, items, missing, tuple(notes), in_sample, settings)


def _stems(truth: Truth, item: str, suffix: str) -> tuple[str, ...]:
    """The names that the item's maps may have: the item's own, its stimulus's."""
    stimulus = truth.prepared.record(item)["stimulus"] or {}
    file = stimulus.get("member") or stimulus.get("file")
    path = stimulus_of(truth, item)
    stem = [] if file is None else [Path(file).name if path is not None and path.is_dir() else Path(file).stem]
    return tuple(dict.fromkeys(name + suffix for name in (item, *stem)))


def _notes(truth: Truth) -> tuple[str, ...]:
    """What of the data set the protocol does not say."""
    stills = sum(truth.windows(item) == EVERYTHING for item in truth.items)
    if truth.protocol.window == "clip" or not stills:
        return ()
    return (f"{stills} of {len(truth.items)} items are stills: one map each, whatever the window",)


def _facts(one: _Set) -> dict[str, Any]:
    """Of the ground truth."""
    manifest, truth = one.truth.prepared.manifest, one.truth
    gaze = [truth.gaze(item) for item in truth.items]
    return {
        "items": len(truth.items),
        "viewers": len({name for found in gaze for name in found.observers}),
        "fixations": sum(map(len, gaze)),
        "licence": manifest["about"]["licence"],
        "citation": manifest["about"]["citation"],
        "fingerprint": one.fingerprint[:16],
    }

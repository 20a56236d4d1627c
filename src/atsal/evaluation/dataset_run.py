"""All predictors of a benchmark on one data set: export maps, score them, gather the scores."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from atsal.errors import DataError, InputError, MissingDependencyError, WeightsError
from atsal.evaluation.baselines import BASELINES, VIEWERS
from atsal.evaluation.benchmark_config import BenchmarkConfig, DatasetEntry, PredictorEntry, folder_name
from atsal.evaluation.export import Export, export_baseline, export_model, stimulus_path
from atsal.evaluation.ground_truth import WHOLE_ITEM, GroundTruth
from atsal.evaluation.map_files import MapFiles, find_map_files
from atsal.evaluation.map_pattern import find_by_pattern
from atsal.evaluation.map_weights import MapWeights, weights_of_maps
from atsal.evaluation.priors import GroundTruthFiles, PooledGaze
from atsal.evaluation.results import DatasetResult, ItemScores, PredictorKind, Run
from atsal.evaluation.scoring import mistaken_orientation
from atsal.evaluation.scoring_task import ScoringTask, refuse_other_scores
from atsal.jobs.atomic_write import output_errors
from atsal.jobs.engine import Engine, run_all
from atsal.jobs.output_folder import require_files
from atsal.models.seen_items import TRAINED, Seen, items_seen
from atsal.prediction.streams import file_stem
from atsal.untrusted.text import shorten_list

Report = Callable[[str], None]


@dataclass(frozen=True)
class BenchmarkDataset:
    """One data set of a benchmark, opened."""

    entry: DatasetEntry
    truth: GroundTruth
    folder: Path  # for maps and scores
    unreadable: Mapping[str, str]  # item -> why it is left out

    @cached_property
    def files(self) -> GroundTruthFiles:
        """What workers open."""
        truth, prepared = self.truth, self.truth.prepared
        pooled, fingerprint = self.folder / "pooled.npz", truth.fingerprint()
        return GroundTruthFiles(prepared.folder, prepared.source, truth.protocol, truth.excluded, pooled, fingerprint)


@dataclass
class PredictorRow:
    """One row of the tables to come: a predictor, or a stream of a model."""

    label: str
    kind: PredictorKind
    entry: PredictorEntry
    export: Export | None = None  # None: the viewers, who have no maps
    suffix: str = ""  # in the names of the maps of a stream
    stream: str = ""
    tasks: list[ScoringTask] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # item -> why it has no scores
    lacks_maps: bool = False  # of some item


class DatasetRun:
    """A run of the predictors of `config` on one data set; paths in `config` are relative to `base`."""

    def __init__(
        self,
        dataset: BenchmarkDataset,
        config: BenchmarkConfig,
        base: Path,
        *,
        overwrite: bool,
        engine: Engine,
        report: Report,
    ) -> None:
        self._dataset = dataset
        self._truth = dataset.truth
        self._config = config
        self._base = base
        self._overwrite = overwrite
        self._engine = engine
        self._report: Report = lambda line: report(f"{dataset.entry.label}: {line}")
        self._damaged = set(dataset.unreadable)  # items
        self._failed: dict[str, str] = {}  # row -> why
        self.tasks: list[ScoringTask] = []  # after the run: those whose scores are in the result

    def run(self) -> DatasetResult:
        """Export, score and gather."""
        folder, truth = self._dataset.folder, self._truth
        with output_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._pool_gaze()
        rows = self._export_all()
        for row in rows:
            self._find_maps(row)
        rows = self._without_failed(rows)
        self._score(rows)
        rows = self._without_failed(rows)
        self.tasks = [task for row in rows for task in row.tasks]
        scored = [task for row in rows for task in row.tasks if task.item not in row.missing]
        require_files(folder, [task.target.relative_to(folder).as_posix() for task in scored])
        dataset = truth.prepared.dataset
        return DatasetResult(
            name=self._dataset.entry.label,
            dataset=dataset.name,
            title=dataset.title,
            protocol=truth.protocol,
            runs=tuple(map(self._gather, rows)),
            facts=self._facts(),
            failed=self._failed,
            unprepared=truth.unprepared(),
            damaged=tuple(sorted(self._damaged)),
            notes=_notes(truth),
        )

    def _pool_gaze(self) -> None:
        path, fingerprint = self._dataset.files.pooled, self._dataset.files.fingerprint
        if PooledGaze.load(path, fingerprint) is None:
            self._report(f"reading the gaze on {len(self._truth.items)} items")
            PooledGaze.of(self._truth).save(path, fingerprint)

    def _export_all(self) -> list[PredictorRow]:
        """The rows of all predictors, with their maps written."""
        rows: list[PredictorRow] = []
        for entry in self._config.predictors:
            if entry.datasets is not None and self._dataset.entry.label not in entry.datasets:
                continue
            try:
                rows += self._export(entry)
            except (InputError, WeightsError, MissingDependencyError) as error:
                for label in entry.labels:
                    self._fail(label, str(error))
        return rows

    def _export(self, entry: PredictorEntry) -> list[PredictorRow]:
        dataset, base, overwrite, engine = self._dataset, self._base, self._overwrite, self._engine
        folder = dataset.folder / "maps" / folder_name(entry.label)
        if entry.baseline == VIEWERS:
            return [PredictorRow(entry.label, "ceiling", entry)]
        if entry.baseline is not None:
            baseline = BASELINES[entry.baseline]
            export = export_baseline(baseline, self._truth, dataset.files, folder, overwrite=overwrite, engine=engine)
            return [PredictorRow(entry.label, "baseline", entry, export)]
        if entry.model is not None:
            local = base / entry.model
            entry = replace(entry, name=entry.label, model=str(local) if local.is_dir() else entry.model)
            entry = replace(entry, fusion=None if entry.fusion is None else str(base / entry.fusion))
            export = export_model(
                entry, self._truth, dataset.files, folder, overwrite=overwrite, engine=engine, report=self._report
            )
            return [
                PredictorRow(label, "model", entry, export, file_stem("", stream, len(entry.streams)), stream)
                for label, stream in entry.labels_by_stream.items()
            ]
        given = base / (entry.maps or "").replace("{dataset}", dataset.entry.label)
        if not given.is_dir():
            raise DataError(f"{given}: is no folder; expected the maps of {entry.label}")
        return [PredictorRow(entry.label, "maps", entry, Export(given, {"maps": str(entry.maps)}))]

    def _find_maps(self, row: PredictorRow) -> None:
        """Make a task for each item that has maps, and note the others as missing."""
        row.missing.update(self._dataset.unreadable)
        for item in self._truth.items:
            if row.export is not None and item in row.export.failed:
                self._note_damage(row, item, row.export.failed[item])
                continue
            try:
                maps = self._maps_of(row, item)
            except DataError as error:
                row.missing[item] = str(error)
                row.lacks_maps = True
                continue
            target = self._dataset.folder / "scores" / folder_name(row.label) / f"{item}.json"
            row.tasks.append(
                ScoringTask(row.label, item, maps, self._dataset.files, target, row.entry.repeats, self._config.seed)
            )

    def _maps_of(self, row: PredictorRow, item: str) -> MapFiles | None:
        """The maps of an item, named like the item or like its stimulus; None for the viewers."""
        if row.export is None:
            return None
        names = tuple(stem + row.suffix for stem in self._stems(item))
        if row.entry.pattern is not None:
            return find_by_pattern(row.export.folder, row.entry.pattern, names)
        return find_map_files(row.export.folder, names)

    def _stems(self, item: str) -> tuple[str, ...]:
        """The names that the maps of an item may have."""
        stimulus = self._truth.prepared.record(item)["stimulus"] or {}
        file = stimulus.get("member") or stimulus.get("file")
        path = stimulus_path(self._truth, item)
        stems = [item]
        if file is not None:
            stems.append(Path(file).name if path is not None and path.is_dir() else Path(file).stem)
        return tuple(dict.fromkeys(stems))

    def _score(self, rows: Sequence[PredictorRow]) -> None:
        """Compute the scores that are not kept from an earlier run."""
        tasks, row_of = [task for row in rows for task in row.tasks], {row.label: row for row in rows}
        todo = [task for task in tasks if task.complete_scores() is None]
        refuse_other_scores(todo, overwrite=self._overwrite)
        self._report(f"{len(todo)} of {len(tasks)} maps to score")
        for done, (task, failure) in enumerate(run_all(self._engine, todo), 1):
            if failure is not None:
                self._note_damage(row_of[task.predictor], task.item, failure)
            if done % 50 == 0:
                self._report(f"{done} of {len(todo)} scored")

    def _note_damage(self, row: PredictorRow, item: str, why: str) -> None:
        row.missing[item] = why
        self._damaged.add(item)
        self._report(f"{row.label}: {item} cannot be scored: {why}")

    def _without_failed(self, rows: Sequence[PredictorRow]) -> list[PredictorRow]:
        """The rows that have scores of all items they must have scores of; the others are noted as failed."""
        count = len(self._truth.items) + len(self._dataset.unreadable)
        for row in rows:
            missing = row.missing
            if missing and ((row.lacks_maps and not row.entry.partial) or len(missing) == count):
                first = next(iter(missing.values()))
                self._fail(
                    row.label,
                    f"{len(missing)} of {count} items cannot be scored: {shorten_list(list(missing))} ({first})",
                )
        return [row for row in rows if row.label not in self._failed]

    def _fail(self, label: str, why: str) -> None:
        self._failed[label] = why
        self._report(f"{label} failed: {why}")

    def _gather(self, row: PredictorRow) -> Run:
        """The scores of a row, with notes on how to read them."""
        missing = dict(row.missing)
        items: list[ItemScores] = []
        for task in row.tasks:
            scores = None if task.item in missing else task.complete_scores()
            if scores is not None:
                items.append(scores)
            else:
                missing.setdefault(task.item, "its maps changed while they were scored")
        settings = row.export.settings if row.export else {"repeats": row.entry.repeats}
        seen, notes = self._seen_by(row, [item.item for item in items])
        return Run(row.label, row.kind, tuple(items), missing, (*_notes_on_scores(row, items), *notes), seen, settings)

    def _seen_by(self, row: PredictorRow, items: Sequence[str]) -> MapWeights:
        """What a row knows of the scored items: from the configuration, the weights, or the manifests beside maps."""
        dataset = self._truth.prepared.dataset.name
        known = [Seen(TRAINED, dataset, frozenset(row.entry.trained_on))]
        if row.export is None:
            return MapWeights(items_seen(known, dataset, items), ())
        if row.kind != "maps":
            return MapWeights(items_seen([*known, *row.export.seen.get(row.stream, ())], dataset, items), ())
        found = weights_of_maps(row.export.folder, dataset, {item: self._stems(item) for item in items})
        known += [Seen(how, dataset, frozenset(names)) for how, names in found.seen.items()]
        return MapWeights(items_seen(known, dataset, items), found.notes)

    def _facts(self) -> dict[str, Any]:
        """What a report says about the ground truth."""
        about, truth = self._truth.prepared.manifest["about"], self._truth
        gaze = [truth.gaze(item) for item in truth.items]
        return {
            "items": len(truth.items),
            "viewers": len({name for found in gaze for name in found.observers}),
            "fixations": sum(map(len, gaze)),
            "licence": about["licence"],
            "citation": about["citation"],
            "fingerprint": self._dataset.files.fingerprint[:16],
        }


def _notes_on_scores(row: PredictorRow, items: Sequence[ItemScores]) -> tuple[str, ...]:
    counts = Counter(note for item in items for note in item.notes)
    notes = [n if count == len(items) else f"{n} ({count} of {len(items)} items)" for n, count in counts.items()]
    mistaken = mistaken_orientation(items)
    if mistaken:
        notes.append(mistaken)
    if row.export is None:
        notes.append(
            f"the mean over {row.entry.repeats} random halves of the viewers, each scored against the other half; the "
            "other rows are scored against all viewers"
        )
    return tuple(notes)


def _notes(truth: GroundTruth) -> tuple[str, ...]:
    """What a reader must know about the data set beside the protocol."""
    stills = sum(truth.windows(item) == WHOLE_ITEM for item in truth.items)
    if truth.protocol.window == "clip" or not stills:
        return ()
    return (f"{stills} of {len(truth.items)} items are stills: one map each, whatever the window",)

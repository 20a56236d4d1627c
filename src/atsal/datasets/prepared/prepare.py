"""Prepare a data set: turn raw gaze files and stimuli into one folder for each item, and a manifest.

    OUT/manifest.json          the settings, items and splits; what is missing or refused
    OUT/<item>/item.json       one item: its raw files with checksums, counts, dropped rows by reason
    OUT/<item>/fixations.csv   its fixations (`gaze/tables.py`)
    OUT/<item>/<item>.npy      the map of a still, if wanted
    OUT/<item>/saliency.npy    the maps of a video, and frames/ its pictures, if wanted

Items are independent: they are made in parallel, and a stopped run continues where it was. The files depend neither on
the number of stops nor on the number of workers.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atsal.datasets import dataset_named
from atsal.datasets.dataset import Dataset, FoundItems, RawItem
from atsal.datasets.prepared.item_record import RECORD, WRITES, is_up_to_date, prepared_item
from atsal.datasets.prepared.manifest import MANIFEST, make_manifest, sort_items
from atsal.datasets.prepared.preparation import Preparation, wrong_events
from atsal.datasets.prepared.prepare_item import item_names, prepare_item
from atsal.datasets.prepared.splits import OwnSplit, make_split
from atsal.datasets.prepared.statistics import SetStatistics
from atsal.errors import ConfigError, DataError, OutputError
from atsal.jobs.atomic_write import remove_leftovers
from atsal.jobs.engine import Report as ReportDone
from atsal.jobs.engine import run_all
from atsal.jobs.output_folder import FolderKind, OutputFolder
from atsal.jobs.supervised_workers import local_engine
from atsal.untrusted.text import describe_failure, shorten_list

PREPARED_SET = FolderKind(
    description="a prepared set",
    format="atsal prepared data set",
    record="settings.json",
    metadata=(MANIFEST,),
    writes=(MANIFEST, *(f"*/{name}" for name in (*WRITES, "*.npy", "*.png"))),
)
Report = Callable[[str, str | None], None]  # item, and the reason if it was refused


@dataclass(frozen=True)
class PrepareResult:
    """The result of a run of `prepare`."""

    folder: Path
    made: int  # items written by this run
    reused: int  # items of earlier runs
    refused: dict[str, str]  # item -> reason
    missing: tuple[str, ...]  # files of the whole set that the source lacks
    warnings: tuple[str, ...]
    dropped: dict[str, int]  # rows dropped of all items of the folder, by reason
    lost_share: float  # of the samples of all items of the folder; NaN without samples
    items_with_notes: int  # in the manifest
    split: OwnSplit | None  # made by this run


def prepare(
    dataset: Dataset,
    source: Path,
    output: Path,
    preparation: Preparation,
    *,
    only: tuple[str, ...] = (),
    split: Sequence[str] = (),
    split_seed: int = 0,
    workers: int = 1,
    report: Report = lambda _item, _reason: None,
) -> PrepareResult:
    """Prepare the items of `dataset` in `source`; `only` names some of them, `split` divides all (`make_split`).

    Refuses an item with unusable raw files and names it in the manifest; makes the others. Raises `DataError` if there
    is no item of the set, `ConfigError` for an unknown item, and `OutputError` for an output folder that holds a set
    prepared with other settings, or anything else.
    """
    source = source.resolve() if source.exists() else source  # a loop of links has no target
    dataset = dataset.declare(preparation.columns)
    found = dataset.find(source)
    items = _choose_items(found, only)
    _check_events(dataset, items, preparation)
    own = make_split(split, [raw.id for raw in found.items], split_seed) if split else None
    settings = {"dataset": dataset.name, "preparation": preparation.to_json()}
    folder = OutputFolder(output, PREPARED_SET)
    with folder.claim(settings):
        todo = [raw for raw in items if not _is_done(output, raw, source, preparation)]
        refused = _make_items(_Job(dataset.name, source, output, preparation), todo, workers, report)
        document = make_manifest(
            output, dataset, folder.make_record(settings), source, found, refused, preparation, own
        )
        made = [raw for raw in items if raw.id not in refused]
        folder.finish(MANIFEST, document, [f"{name}/{RECORD}" for raw in made for name in item_names(raw, preparation)])
    return PrepareResult(
        folder=output,
        made=len(todo) - len(refused),
        reused=len(items) - len(todo),
        refused=refused,
        missing=found.missing,
        warnings=tuple(document["warnings"]),
        dropped=_count_dropped(document),
        lost_share=SetStatistics.from_json(document["statistics"]).lost_share,
        items_with_notes=sum(bool(item["notes"]) for item in document["items"]),
        split=own,
    )


def _count_dropped(document: Mapping[str, Any]) -> dict[str, int]:
    """Return how many rows of all items in a manifest were dropped, by reason."""
    dropped: Counter[str] = Counter()
    for item in document["items"]:
        dropped.update({drop["reason"]: drop["count"] for drop in item["drops"]})
    return dict(dropped)


def _make_items(job: "_Job", items: list[RawItem], workers: int, report: Report) -> dict[str, str]:
    """Make the items; return why some were refused, by name, and remove what an earlier run made of those."""
    refused: dict[str, str] = {}
    try:
        with local_engine(job, max(1, min(workers, len(items)))) as engine:
            for raw, reason in run_all(engine, items):
                report(raw.id, reason)
                if reason is not None:
                    refused[raw.id] = reason
                    _remove_item(job.output, raw, job.preparation)
    finally:
        remove_leftovers(job.output)  # of workers that were ended
    return refused


def _remove_item(output: Path, raw: RawItem, preparation: Preparation) -> None:
    """Remove what an earlier run made of a refused item: it is about other raw files."""
    for name in item_names(raw, preparation):
        OutputFolder(output / name, prepared_item(name)).remove_results()
        with suppress(OSError):  # absent, or holds other files
            (output / name).rmdir()


def _is_done(output: Path, raw: RawItem, source: Path, preparation: Preparation) -> bool:
    return all(is_up_to_date(output / name, raw, source) for name in item_names(raw, preparation))


def _choose_items(found: FoundItems, only: tuple[str, ...]) -> list[RawItem]:
    known = {raw.id: raw for raw in found.items}
    names = Counter(raw.id.casefold() for raw in found.items)
    unusable = [
        raw.id for raw in found.items if raw.id in (MANIFEST, PREPARED_SET.record) or names[raw.id.casefold()] > 1
    ]
    if unusable:
        raise DataError(f"items {shorten_list(unusable)}: names of other files, or equal but for capitals; rename them")
    unknown = [name for name in only if name not in known]
    if unknown:
        raise ConfigError(f"no item {', '.join(unknown)}; found {shorten_list(list(known))}")
    return sort_items(known[name] for name in dict.fromkeys(only) or known)


def _check_events(dataset: Dataset, items: list[RawItem], preparation: Preparation) -> None:
    """Raise `ConfigError` if the logs hold samples or fixations and the maps are to be made of the other."""
    if dataset.row_kind is None:
        return
    wanted = "fixations" if preparation.events == "fixations" else "samples"
    for raw in items:
        try:
            if dataset.row_kind(raw) == wanted:
                return
        except DataError:
            return  # the item is refused when it is made, with this reason
    raise wrong_events(dataset, preparation.events, "the tables hold")


@dataclass(frozen=True)
class _Job:
    """What a worker needs besides the item; the data set by name, for its functions cannot be pickled."""

    dataset: str
    source: Path
    output: Path
    preparation: Preparation

    def __call__(self, raw: RawItem, _report: ReportDone) -> str | None:
        """Prepare an item; return the reason if it is refused."""
        try:
            dataset = dataset_named(self.dataset).declare(self.preparation.columns)
            prepare_item(dataset, raw, self.source, self.output, self.preparation)
        except OutputError:
            raise  # the next item would fail, too
        except Exception as error:  # also a fault of a reader: the other items go on
            return describe_failure(error)
        return None

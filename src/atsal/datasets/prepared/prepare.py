"""Prepare a data set: raw gaze files and stimuli -> one folder an item, and a manifest.

    OUT/manifest.json          what it is, how it was made, its items, its splits, what is missing or refused
    OUT/<item>/item.json       one item: its raw files with checksums, counts, what was left out and why
    OUT/<item>/fixations.csv   its fixations (`gaze/tables.py`)
    OUT/<item>/saliency.npy    its maps, frames/ its pictures, where they were asked for

Items are independent: they are made in parallel, and a run that was stopped goes on where it was. The files do not
depend on how often it was stopped, nor on the number of workers.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from atsal.datasets import dataset_named
from atsal.datasets.dataset import Dataset, Found, RawItem
from atsal.datasets.prepared.item_record import PREPARED_ITEM, RECORD, is_whole
from atsal.datasets.prepared.manifest import MANIFEST, in_order, make_manifest
from atsal.datasets.prepared.preparation import Preparation
from atsal.datasets.prepared.prepare_item import item_names, prepare_item
from atsal.errors import ConfigError, DataError, OutputError
from atsal.jobs.atomic_write import remove_leftovers
from atsal.jobs.output_folder import FolderKind, OutputFolder
from atsal.jobs.workers import run_each
from atsal.untrusted.text import describe_failure, shorten_list

PREPARED_SET = FolderKind(
    description="a prepared set",
    format="atsal prepared data set",
    record="settings.json",
    metadata=(MANIFEST,),
    writes=(MANIFEST, *(f"*/{name}" for name in PREPARED_ITEM.writes)),
)
Report = Callable[[str, str | None], None]  # item, and why it was refused


@dataclass(frozen=True)
class Prepared:
    """What a run of `prepare` did."""

    folder: Path
    made: int  # items written now
    kept: int  # items of earlier runs
    refused: dict[str, str]  # item -> why
    missing: tuple[str, ...]  # what the whole set has and the source lacks
    warnings: tuple[str, ...]
    dropped: dict[str, int]  # rows left out of all items of the folder, by reason
    noted: int  # items about which the manifest has notes


def prepare(
    dataset: Dataset,
    source: Path,
    output: Path,
    preparation: Preparation,
    *,
    only: tuple[str, ...] = (),
    workers: int = 1,
    report: Report = lambda _item, _why: None,
) -> Prepared:
    """Prepare the items of `dataset` found in `source`; `only` names some of them.

    An item whose raw files cannot be used is refused and named in the manifest; the others are made. Raises
    `DataError` where nothing of the set is found, `ConfigError` for an item that is not there, and `OutputError` for an
    output folder that holds a set prepared in another way, or anything else.
    """
    source = source.resolve()
    found = dataset.find(source)
    items = _chosen(found, only)
    settings = {"dataset": dataset.name, "preparation": preparation.to_json()}
    refused: dict[str, str] = {}
    folder = OutputFolder(output, PREPARED_SET)
    with folder.claim(settings):
        todo = [raw for raw in items if not _is_done(output, raw, source, preparation)]
        job = _Job(dataset.name, source, output, preparation)
        try:
            for raw, why in run_each(job, todo, workers):
                report(raw.id, why)
                if why is not None:
                    refused[raw.id] = why
                    _remove_item(output, raw, preparation)
        finally:
            remove_leftovers(output)  # of workers that were ended
        document = make_manifest(output, dataset, folder.make_record(settings), source, found, refused, preparation)
        records = [
            f"{name}/{RECORD}" for raw in items if raw.id not in refused for name in item_names(raw, preparation)
        ]
        folder.finish(MANIFEST, document, records)
    drops: Counter[str] = Counter()
    for item in document["items"]:
        drops.update({drop["reason"]: drop["count"] for drop in item["drops"]})
    noted = sum(bool(item["notes"]) for item in document["items"])
    made, kept = len(todo) - len(refused), len(items) - len(todo)
    return Prepared(output, made, kept, refused, found.missing, tuple(document["warnings"]), dict(drops), noted)


def _remove_item(output: Path, raw: RawItem, preparation: Preparation) -> None:
    """What an earlier run made of an item that is refused now is of other raw files."""
    for name in item_names(raw, preparation):
        OutputFolder(output / name, PREPARED_ITEM).remove_results()
        with suppress(OSError):  # it is not there, or holds something else
            (output / name).rmdir()


def _is_done(output: Path, raw: RawItem, source: Path, preparation: Preparation) -> bool:
    return all(is_whole(output / name, raw, source) for name in item_names(raw, preparation))


def _chosen(found: Found, only: tuple[str, ...]) -> list[RawItem]:
    known = {raw.id: raw for raw in found.items}
    names = Counter(raw.id.casefold() for raw in found.items)
    unusable = [
        raw.id for raw in found.items if raw.id in (MANIFEST, PREPARED_SET.record) or names[raw.id.casefold()] > 1
    ]
    if unusable:
        raise DataError(
            f"items {shorten_list(unusable)}: names of other files here, or the same but for capitals; rename them"
        )
    unknown = [name for name in only if name not in known]
    if unknown:
        raise ConfigError(f"no item {', '.join(unknown)}; found {shorten_list(list(known))}")
    return in_order(known[name] for name in dict.fromkeys(only) or known)


@dataclass(frozen=True)
class _Job:
    """What a worker needs besides the item; the data set goes by name, for its functions are found there."""

    dataset: str
    source: Path
    output: Path
    preparation: Preparation

    def __call__(self, raw: RawItem) -> str | None:
        """Prepare an item; returns why it was refused."""
        try:
            prepare_item(dataset_named(self.dataset), raw, self.source, self.output, self.preparation)
        except OutputError:
            raise  # the next item would fail too
        except Exception as error:  # also what no reader foresaw: the other items go on
            return describe_failure(error)
        return None

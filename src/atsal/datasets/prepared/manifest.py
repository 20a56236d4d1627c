"""The manifest of a prepared set: its items, their origin, and what is missing, refused or suspicious.

It is made from the records of the items, so it does not depend on the order in which they were made.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from atsal.datasets.dataset import Dataset, FoundItems, RawItem
from atsal.datasets.prepared.checks import statistics_warnings
from atsal.datasets.prepared.item_record import RECORD, STATISTICS, Json, read_record
from atsal.datasets.prepared.preparation import Preparation
from atsal.datasets.prepared.prepare_item import item_names
from atsal.datasets.prepared.splits import OWN, OwnSplit
from atsal.datasets.prepared.statistics import SetStatistics, add_up
from atsal.errors import DataError
from atsal.untrusted.files import ErrorFactory, is_file_name
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import shorten_list
from atsal.version import __version__
from atsal.video.media_files import natural_key

MANIFEST = "manifest.json"
_REQUIRED = {"dataset": str, "source": str, "about": dict, "preparation": dict, "items": list, "splits": dict}
_REQUIRED |= {"statistics": dict}


def make_manifest(
    output: Path,
    dataset: Dataset,
    settings: Json,
    source: Path,
    found: FoundItems,
    refused: dict[str, str],
    preparation: Preparation,
    own_split: OwnSplit | None = None,
) -> Json:
    """Return the manifest of all items in the folder, those of this run and of earlier ones.

    Without `own_split`, the one of an earlier run stays.
    """
    before = _earlier(output)
    splits = dict(dataset.splits) | (dict(dataset.read_splits(source)) if dataset.read_splits else {})
    if own_split is not None:
        before |= {"splits": {OWN: own_split.parts}, "own_split": own_split.to_json()}
    if OWN in before["splits"]:
        splits[OWN] = before["splits"][OWN]
    records = list(_complete_items(output, found, preparation))
    statistics = add_up(_statistics(output, records))
    facts = ["title", "stimuli", "licence", "url", "citation"]
    facts += ["sigma_width"] if dataset.stimuli == "photos" else []
    return settings | {
        "source": str(source),
        "atsal": __version__,
        "about": {name: getattr(dataset, name) for name in facts},
        "items": [_summary(record) for record in records],
        "splits": splits,
        "own_split": before["own_split"],
        "totals": {
            "items": len(records),
            "fixations": sum(record["fixations"] for record in records),
            "observers": len(statistics.observers),
            "dropped": sum(drop["count"] for record in records for drop in record["drops"]),
        },
        "missing": list(found.missing),
        "refused": _refusals(before["refused"], records, source, refused),
        "warnings": [
            *found.skipped,
            *(statistics_warnings(statistics, dataset) if records else []),
            *(f"{record['id']}: {text}" for record in records for text in record.get("warnings", ())),
            *_orphans(output, found, preparation),
            *_without_part(splits.get(OWN), records),
        ],
        "statistics": statistics.to_json(),
    }


def _earlier(output: Path) -> Json:
    """Return what an earlier run wrote of refused items and of a split of one's own."""
    try:
        manifest = read_manifest(output)
    except DataError:
        manifest = {}
    found: Json = {name: manifest.get(name) for name in ("splits", "own_split", "refused")}
    return {name: value if isinstance(value, dict) else {} for name, value in found.items()}


def _without_part(own: Mapping[str, Collection[str]] | None, records: list[Json]) -> list[str]:
    """Return a warning about items that came after the split was made."""
    known = {item for items in (own or {}).values() for item in items}
    new = [record["id"] for record in records if record.get("variant_of", record["id"]) not in known]
    warning = f"in no part of the split {OWN}; give --split again to divide all items"
    return [f"{shorten_list(new)}: {warning}"] if own and new else []


def _refusals(earlier: Json, records: list[Json], source: Path, refused: dict[str, str]) -> dict[str, str]:
    """Return the reasons of this run and those of earlier runs about items that this one did not try."""
    made = {record.get("variant_of", record["id"]) for record in records}
    reasons = {name: reason for name, reason in earlier.items() if name not in made and isinstance(reason, str)}
    reasons |= {name: reason.replace(f"{source}/", "") for name, reason in refused.items()}
    return {name: reasons[name] for name in sorted(reasons, key=natural_key)}


def _orphans(output: Path, found: FoundItems, preparation: Preparation) -> list[str]:
    known = {name for raw in found.items for name in item_names(raw, preparation)}
    orphans = sorted(path.parent.name for path in output.glob(f"*/{RECORD}") if path.parent.name not in known)
    warning = "made by an earlier run, but no longer in the source; left out of the manifest"
    return [f"{shorten_list(orphans)}: {warning}"] if orphans else []


def _complete_items(output: Path, found: FoundItems, preparation: Preparation) -> Iterator[Json]:
    """Yield the records of the items in the folder, of an item with variants all or none."""
    for raw in sort_items(found.items):
        records = [read_record(output / name) for name in item_names(raw, preparation)]
        complete = [record for record in records if record is not None]
        if len(complete) == len(records) and _has_statistics(output, complete):
            yield from complete


def _has_statistics(output: Path, records: list[Json]) -> bool:
    """Return whether the statistics of an item can be read; if not, the next run makes the item again."""
    try:
        list(_statistics(output, records))
    except DataError:
        return False
    return True


def _statistics(output: Path, records: list[Json]) -> Iterator[SetStatistics]:
    for record in records:
        if STATISTICS in record["files"]:
            yield read_statistics(output / record["id"] / STATISTICS)


def _summary(record: Json) -> Json:
    names = ("id", "variant_of", "variant", "fixations", "observers", "samples", "sampling_rate_hz", "drops", "notes")
    return {name: record[name] for name in names if name in record}


def sort_items(items: Iterable[RawItem]) -> list[RawItem]:
    """Return the items sorted by name, numbers as numbers."""
    return sorted(items, key=lambda raw: natural_key(raw.id))


def read_manifest(folder: Path) -> Json:
    """Read the manifest of a prepared set. Raises `DataError` if there is none or it is damaged."""
    path = folder / MANIFEST
    if not path.exists():
        raise DataError(f"{folder}: no prepared data set (no {MANIFEST}); make one with `atsal prepare`")
    manifest = read_object(path, ErrorFactory(DataError, path, "run the same `atsal prepare` again"))
    wrong = [name for name, kind in _REQUIRED.items() if not isinstance(manifest.get(name), kind)]
    if not wrong and not all(map(_is_item, manifest["items"])):
        wrong.append("the names of its items")
    if not wrong and not all(map(_is_split, manifest["splits"].values())):
        wrong.append("its splits")
    if not wrong and not all(isinstance(manifest["about"].get(name), str) for name in ("licence", "citation")):
        wrong.append("about")
    if wrong:
        problem = f"no manifest of a prepared set, or damaged ({', '.join(wrong)})"
        raise DataError(f"{path}: {problem}; prepare the set again")
    return manifest


def read_statistics(path: Path) -> SetStatistics:
    """Read the statistics of an item. Raises `DataError` if the file holds none."""
    return SetStatistics.from_json(
        read_object(path, ErrorFactory(DataError, path, "run the same `atsal prepare` again"))
    )


def _is_item(item: Any) -> bool:
    return isinstance(item, dict) and is_file_name(item.get("id")) and isinstance(item.get("variant_of", ""), str)


def _is_split(split: Any) -> bool:
    return isinstance(split, dict) and all(
        isinstance(items, list) and all(isinstance(item, str) for item in items) for items in split.values()
    )

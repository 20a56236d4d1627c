"""The manifest of a prepared set: what its folder holds, of what it was made, and what is missing, refused or odd.

It is made from the items' records, so it does not depend on the order in which they were made.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from atsal.datasets.dataset import Dataset, Found, RawItem
from atsal.datasets.prepared.checks import warnings
from atsal.datasets.prepared.item_record import RECORD, STATISTICS, Json, read_record
from atsal.datasets.prepared.preparation import Preparation
from atsal.datasets.prepared.prepare_item import item_names
from atsal.datasets.prepared.statistics import SetStatistics, pooled
from atsal.errors import DataError
from atsal.untrusted.files import ErrorFactory, is_file_name
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import shorten_list
from atsal.version import __version__
from atsal.video.folders import natural_key

MANIFEST = "manifest.json"
_NEEDED = {
    **{"dataset": str, "source": str, "about": dict, "preparation": dict},
    **{"items": list, "splits": dict, "statistics": dict},
}


def make_manifest(
    output: Path,
    dataset: Dataset,
    settings: Json,
    source: Path,
    found: Found,
    refused: dict[str, str],
    preparation: Preparation,
) -> Json:
    """What the folder holds, of this run and of earlier ones."""
    splits = dict(dataset.splits) | (dict(dataset.read_splits(source)) if dataset.read_splits else {})
    whole = list(_whole_items(output, found, preparation))
    statistics = pooled(_statistics(output, whole))
    names = ["title", "stimuli", "licence", "url", "citation"]
    names += ["sigma_width"] if dataset.stimuli == "photos" else []
    return settings | {
        "source": str(source),
        "atsal": __version__,
        "about": {name: getattr(dataset, name) for name in names},
        "items": [_summary(record) for record in whole],
        "splits": splits,
        "totals": {
            "items": len(whole),
            "fixations": sum(record["fixations"] for record in whole),
            "observers": len(statistics.observers),
            "dropped": sum(drop["count"] for record in whole for drop in record["drops"]),
        },
        "missing": list(found.missing),
        "refused": _refusals(output, whole, source, refused),
        "warnings": [
            *found.passed_over,
            *(warnings(statistics, dataset) if whole else []),
            *(f"{record['id']}: {text}" for record in whole for text in record.get("warnings", ())),
            *_orphans(output, found, preparation),
        ],
        "statistics": statistics.to_json(),
    }


def _refusals(output: Path, whole: list[Json], source: Path, refused: dict[str, str]) -> dict[str, str]:
    """Why items were refused, now or by an earlier run that this one did not repeat."""
    path = output / MANIFEST
    try:
        before = read_object(path, ErrorFactory(DataError, path, "prepare the set again")).get("refused")
    except DataError:
        before = {}
    made = {record.get("variant_of", record["id"]) for record in whole}
    known = before.items() if isinstance(before, dict) else ()
    earlier = {name: why for name, why in known if name not in made and isinstance(why, str)}
    told = earlier | {name: why.replace(f"{source}/", "") for name, why in refused.items()}
    return {name: told[name] for name in sorted(told, key=natural_key)}


def _orphans(output: Path, found: Found, preparation: Preparation) -> list[str]:
    known = {name for raw in found.items for name in item_names(raw, preparation)}
    left = sorted(path.parent.name for path in output.glob(f"*/{RECORD}") if path.parent.name not in known)
    return (
        [f"{shorten_list(left)}: made by an earlier run, but the source has them no more; not in the manifest"]
        if left
        else []
    )


def _whole_items(output: Path, found: Found, preparation: Preparation) -> Iterator[Json]:
    """The records of the items that are there, all variants or none."""
    for raw in in_order(found.items):
        records = [read_record(output / name) for name in item_names(raw, preparation)]
        whole = [record for record in records if record is not None]
        if len(whole) == len(records) and all(_has_statistics(output, record) for record in whole):
            yield from whole


def _has_statistics(output: Path, record: Json) -> bool:
    """Whether those that it names can be read; if not, the item is made anew when it is prepared again."""
    try:
        list(_statistics(output, [record]))
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


def in_order(items: Iterable[RawItem]) -> list[RawItem]:
    """Sorted by name, numbers as numbers."""
    return sorted(items, key=lambda raw: natural_key(raw.id))


def read_manifest(folder: Path) -> Json:
    """Read and check the manifest of a prepared set; `DataError` where it is none."""
    path = folder / MANIFEST
    if not path.exists():
        raise DataError(f"{folder}: no prepared data set (no {MANIFEST}); make one with `atsal prepare`")
    manifest = read_object(path, ErrorFactory(DataError, path, "run the same `atsal prepare` again"))
    wrong = [name for name, kind in _NEEDED.items() if not isinstance(manifest.get(name), kind)]
    if not wrong and not all(map(_is_item, manifest["items"])):
        wrong.append("the names of its items")
    if not wrong and not all(map(_is_split, manifest["splits"].values())):
        wrong.append("its splits")
    if not wrong and not all(isinstance(manifest["about"].get(name), str) for name in ("licence", "citation")):
        wrong.append("about")
    if wrong:
        told = ", ".join(wrong)
        raise DataError(f"{path}: is no manifest of a prepared set, or a damaged one ({told}); prepare the set again")
    return manifest


def read_statistics(path: Path) -> SetStatistics:
    """The statistics of an item; `DataError` where the file holds none."""
    return SetStatistics.from_json(
        read_object(path, ErrorFactory(DataError, path, "run the same `atsal prepare` again"))
    )


def _is_item(found: Any) -> bool:
    return isinstance(found, dict) and is_file_name(found.get("id")) and isinstance(found.get("variant_of", ""), str)


def _is_split(found: Any) -> bool:
    """Whether it names the items of each part."""
    return isinstance(found, dict) and all(
        isinstance(items, list) and all(isinstance(item, str) for item in items) for items in found.values()
    )

"""The manifest of a prepared set: what its folder holds, of what it was made, and what is missing, refused or odd.

It is made from the items' records, so it does not depend on the order in which they were made.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from atsal.datasets.checks import warnings
from atsal.datasets.dataset import Dataset, Found, RawItem
from atsal.datasets.item_record import RECORD, STATISTICS, Json, read_record
from atsal.datasets.preparation import Preparation
from atsal.datasets.prepare_item import item_names
from atsal.datasets.statistics import SetStatistics, pooled
from atsal.errors import DataError
from atsal.untrusted.text import some
from atsal.version import __version__
from atsal.video.folders import natural_key

MANIFEST = "manifest.json"
_NEEDED = {"dataset": str, "source": str, "preparation": dict, "items": list, "splits": dict, "statistics": dict}


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
    try:
        before = json.loads((output / MANIFEST).read_text(encoding="utf-8"))["refused"]
    except (OSError, ValueError, KeyError, TypeError):
        before = {}
    made = {record.get("variant_of", record["id"]) for record in whole}
    earlier = {name: why for name, why in before.items() if name not in made} if isinstance(before, dict) else {}
    told = earlier | {name: why.replace(f"{source}/", "") for name, why in refused.items()}
    return {name: told[name] for name in sorted(told, key=natural_key)}


def _orphans(output: Path, found: Found, preparation: Preparation) -> list[str]:
    known = {name for raw in found.items for name in item_names(raw, preparation)}
    left = sorted(path.parent.name for path in output.glob(f"*/{RECORD}") if path.parent.name not in known)
    return (
        [f"{some(left)}: made by an earlier run, but the source has them no more; not in the manifest"] if left else []
    )


def _whole_items(output: Path, found: Found, preparation: Preparation) -> Iterator[Json]:
    """The records of the items that are there, all variants or none."""
    for raw in in_order(found.items):
        records = [read_record(output / name) for name in item_names(raw, preparation)]
        whole = [record for record in records if record is not None]
        if len(whole) == len(records):
            yield from whole


def _statistics(output: Path, records: list[Json]) -> Iterator[SetStatistics]:
    for record in records:
        if STATISTICS in record["files"]:
            yield SetStatistics.from_json(json.loads((output / record["id"] / STATISTICS).read_text(encoding="utf-8")))


def _summary(record: Json) -> Json:
    names = ("id", "variant_of", "variant", "fixations", "observers", "samples", "sampling_rate_hz", "drops", "notes")
    return {name: record[name] for name in names if name in record}


def in_order(items: Iterable[RawItem]) -> list[RawItem]:
    """Sorted by name, numbers as numbers."""
    return sorted(items, key=lambda raw: natural_key(raw.id))


def read_manifest(folder: Path) -> Json:
    """Read and check the manifest of a prepared set; `DataError` where it is none."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{folder}: no prepared data set (no {MANIFEST}); make one with `atsal prepare`") from error
    except ValueError as error:
        raise DataError(f"{path}: is damaged ({error}); run the same `atsal prepare` again") from error
    wrong = [name for name, kind in _NEEDED.items() if not isinstance(_get(manifest, name), kind)]
    names = [_get(item, "id") for item in _get(manifest, "items") or []] if not wrong else []
    if wrong or not all(isinstance(name, str) and name not in ("", "..") and "/" not in name for name in names):
        told = ", ".join(wrong) or "the names of its items"
        raise DataError(f"{path}: is no manifest of a prepared set, or a damaged one ({told}); prepare the set again")
    return dict(manifest)


def _get(document: Any, name: str) -> Any:
    return document.get(name) if isinstance(document, dict) else None

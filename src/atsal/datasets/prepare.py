"""Prepare a data set: raw gaze files and stimuli -> one folder an item, and a manifest.

    OUT/manifest.json          what it is, how it was made, its items, its splits, what is missing or refused
    OUT/<item>/item.json       one item: its raw files with checksums, counts, what was left out and why
    OUT/<item>/fixations.csv   its fixations (`gaze/tables.py`)
    OUT/<item>/saliency.npy    its maps, frames/ its pictures, where they were asked for

Items are independent: they are made in parallel, and a run that was stopped goes on where it was. The files do not
depend on how often it was stopped, nor on the number of workers.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atsal.aside import locked, reported, write_json
from atsal.datasets import dataset_named
from atsal.datasets.dataset import Dataset, Found, RawItem
from atsal.datasets.item_record import Json, is_whole
from atsal.datasets.manifest import MANIFEST, in_order, make_manifest, some
from atsal.datasets.preparation import Preparation
from atsal.datasets.prepare_item import item_names, prepare_item
from atsal.errors import ConfigError, DataError, OutputError
from atsal.untrusted.json_text import read_json
from atsal.untrusted.reading import Blame
from atsal.untrusted.text import why
from atsal.workers import run_each

_SETTINGS = "settings.json"  # written first: whose folder this is
_FORMAT = "atsal prepared data set"
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
    `DataError` where nothing of the set is found, `ConfigError` for an item that is not there and for an output folder
    that holds a set prepared in another way.
    """
    source = source.resolve()
    found = dataset.find(source)
    items = _chosen(found, only)
    settings = {"format": _FORMAT, "version": 1, "dataset": dataset.name, "preparation": preparation.to_json()}
    refused: dict[str, str] = {}
    with _claimed(output, settings):
        _remove_leftovers(output)
        todo = [raw for raw in items if not _is_done(output, raw, source, preparation)]
        job = _Job(dataset.name, source, output, preparation)
        try:
            for raw, why in run_each(job, todo, workers):
                report(raw.id, why)
                if why is not None:
                    refused[raw.id] = why
                    _remove_item(output, raw, preparation)
        finally:
            _remove_leftovers(output)  # of workers that were ended
        document = make_manifest(output, dataset, settings, source, found, refused, preparation)
        write_json(output / MANIFEST, document)
    drops: Counter[str] = Counter()
    for item in document["items"]:
        drops.update({drop["reason"]: drop["count"] for drop in item["drops"]})
    noted = sum(bool(item["notes"]) for item in document["items"])
    made, kept = len(todo) - len(refused), len(items) - len(todo)
    return Prepared(output, made, kept, refused, found.missing, tuple(document["warnings"]), dict(drops), noted)


def _remove_item(output: Path, raw: RawItem, preparation: Preparation) -> None:
    """What an earlier run made of an item that is refused now is of other raw files."""
    for name in item_names(raw, preparation):
        shutil.rmtree(output / name, ignore_errors=True)


def _is_done(output: Path, raw: RawItem, source: Path, preparation: Preparation) -> bool:
    return all(is_whole(output / name, raw, source) for name in item_names(raw, preparation))


def _chosen(found: Found, only: tuple[str, ...]) -> list[RawItem]:
    known = {raw.id: raw for raw in found.items}
    names = Counter(raw.id.casefold() for raw in found.items)
    unusable = [raw.id for raw in found.items if raw.id in (MANIFEST, _SETTINGS) or names[raw.id.casefold()] > 1]
    if unusable:
        raise DataError(f"items {some(unusable)}: names of other files here, or the same but for capitals; rename them")
    unknown = [name for name in only if name not in known]
    if unknown:
        raise ConfigError(f"no item {', '.join(unknown)}; found {some(list(known))}")
    return in_order(known[name] for name in dict.fromkeys(only) or known)


@contextmanager
def _claimed(output: Path, settings: Json) -> Iterator[None]:
    """Make the folder this run's own, or find that it is; no other run may write to it meanwhile."""
    path = output / _SETTINGS
    if not path.is_file():
        if output.exists() and not output.is_dir():
            raise ConfigError(f"{output}: is a file; expected a folder for the prepared set")
        if output.exists() and any(not path.match(f".{_SETTINGS}.*.part") for path in output.iterdir()):
            raise ConfigError(f"{output}: is not empty and holds no prepared set; choose another folder")
        with reported(output):
            output.mkdir(parents=True, exist_ok=True)
        write_json(path, settings)
    with locked(path), reported(path):
        before = read_json(path, Blame(OutputError, path, "choose another output folder"))
        if before != settings:
            raise ConfigError(
                f"{output}: holds a set prepared in another way ({_difference(before, settings)}); choose another "
                "folder, or remove this one"
            )
        yield


def _difference(before: Any, settings: Json) -> str:
    if not isinstance(before, dict) or not isinstance(before.get("preparation"), dict):
        return "of an unknown kind"
    flat_before, flat = ({**s, **s.get("preparation", {})} for s in (before, settings))
    names = [name for name in flat if name != "preparation" and flat_before.get(name) != flat[name]]
    return ", ".join(f"{name}: {flat_before.get(name)}, not {flat[name]}" for name in names) or "of another version"


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
            return why(error)
        return None


def _remove_leftovers(output: Path) -> None:
    for leftover in output.glob(".*.part"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)

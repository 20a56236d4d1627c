"""Prepare a data set: raw gaze files and stimuli -> one folder an item, and a manifest.

    OUT/manifest.json          what it is, how it was made, its items, its splits, what is missing or refused
    OUT/<item>/item.json       one item: its raw files with checksums, counts, what was left out and why
    OUT/<item>/fixations.csv   its fixations (`gaze/tables.py`)
    OUT/<item>/saliency.npy    its maps, frames/ its pictures, where they were asked for

Items are independent: they are made in parallel, and a run that was stopped goes on where it was. The files do not
depend on how often it was stopped, nor on the number of workers.
"""

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from atsal.aside import reported, write_aside
from atsal.datasets import dataset_named
from atsal.datasets.checks import warnings
from atsal.datasets.dataset import Dataset, Found, RawItem
from atsal.datasets.preparation import Preparation
from atsal.datasets.prepare_item import RECORD, STATISTICS, Json, item_names, prepare_item
from atsal.datasets.statistics import SetStatistics, pooled
from atsal.errors import AtsalError, ConfigError, DataError, OutputError
from atsal.version import __version__

MANIFEST = "manifest.json"
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
    settings = {"format": _FORMAT, "version": 1, "dataset": dataset.name, "source": str(source)}
    settings |= {"preparation": preparation.to_json()}
    _claim(output, settings)
    todo = [raw for raw in items if not _is_done(output, raw, source, preparation)]
    job = _Job(dataset.name, source, output, preparation)
    refused: dict[str, str] = {}
    for item, why in _each(job, todo, workers):
        report(item, why)
        if why is not None:
            refused[item] = why
    noted = _write_manifest(output, dataset, settings, found, refused, preparation)
    kept = len(items) - len(todo)
    return Prepared(output, len(todo) - len(refused), kept, refused, found.missing, noted)


def _chosen(found: Found, only: tuple[str, ...]) -> list[RawItem]:
    known = {raw.id: raw for raw in found.items}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise ConfigError(f"no item {', '.join(unknown)}; found {_some(list(known))}")
    return sorted((known[name] for name in only or known), key=lambda raw: raw.id)


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f", … ({len(names)})" if len(names) > 8 else "")


def _claim(output: Path, settings: Json) -> None:
    """Make the folder this run's own, or find that it is."""
    path = output / _SETTINGS
    if path.is_file():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OutputError(f"{path}: cannot be read ({error}); choose another output folder") from error
        if before != json.loads(json.dumps(settings)):
            raise ConfigError(
                f"{output}: holds a set prepared in another way ({_difference(before, settings)}); choose another "
                "folder, or remove this one"
            )
    elif output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ConfigError(f"{output}: is not empty and holds no prepared set; choose another folder")
    else:
        with reported(output):
            output.mkdir(parents=True, exist_ok=True)
        _write_json(path, settings)


def _difference(before: Any, settings: Json) -> str:
    if not isinstance(before, dict):
        return "of an unknown kind"
    flat_before, flat = ({**s, **s.get("preparation", {})} for s in (before, settings))
    names = [name for name in flat if name != "preparation" and flat_before.get(name) != flat[name]]
    return ", ".join(f"{name}: {flat_before.get(name)}, not {flat[name]}" for name in names) or "of another version"


def _is_done(output: Path, raw: RawItem, source: Path, preparation: Preparation) -> bool:
    """Whether all folders of the item are there, whole, and of the raw files as they are now."""
    return all(_is_whole(output / name, raw, source) for name in item_names(raw, preparation))


def _is_whole(folder: Path, raw: RawItem, source: Path) -> bool:
    record = read_record(folder)
    if record is None:
        return False
    stated = {entry["file"]: entry.get("bytes") for entry in (*record["logs"], record["stimulus"] or {}) if entry}
    for path in (*raw.logs, *([raw.stimulus] if raw.stimulus else [])):
        name = path.relative_to(source).as_posix() if path.is_relative_to(source) else str(path)
        if name not in stated or (path.is_file() and stated[name] != path.stat().st_size):
            return False
    return all((folder / name).is_file() for name in record["files"])


def read_record(folder: Path) -> Json | None:
    """The record of an item's folder; None where there is none, or none that can be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(record, dict) and {"id", "logs", "stimulus", "files", "drops"} <= record.keys()
    return record if whole else None


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
        except AtsalError as error:
            return str(error)
        return None


def _each(job: _Job, todo: list[RawItem], workers: int) -> Iterator[tuple[str, str | None]]:
    """Run the job on every item; yields each item's name and why it was refused, as they are done."""
    _remove_leftovers(job.output)
    if workers <= 1 or len(todo) <= 1:
        for raw in todo:
            yield raw.id, job(raw)
        return
    context = get_context("spawn")  # a copy of a process with threads may hang
    pool = ProcessPoolExecutor(min(workers, len(todo)), context, initializer=_as_worker)
    try:
        running: dict[Future[str | None], str] = {}
        waiting = iter(todo)
        for raw in waiting:
            running[pool.submit(job, raw)] = raw.id
            if len(running) >= 2 * workers:
                yield from _finished(running)
        while running:
            yield from _finished(running)
    except BrokenProcessPool as error:
        raise DataError(
            "a worker was stopped by the system, perhaps for want of memory; the same command goes on, with fewer "
            "--workers"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
        _remove_leftovers(job.output)  # of workers that were stopped


def _finished(running: "dict[Future[str | None], str]") -> Iterator[tuple[str, str | None]]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        yield running.pop(future), future.result()


def _remove_leftovers(output: Path) -> None:
    for leftover in output.glob(".*.part"):
        shutil.rmtree(leftover, ignore_errors=True)


def _as_worker() -> None:
    """End silently at Ctrl-C: the main process tells of it. Leave the other cores to the other workers."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    import torch  # noqa: PLC0415 - only in workers

    torch.set_num_threads(1)


def _write_manifest(
    output: Path,
    dataset: Dataset,
    settings: Json,
    found: Found,
    refused: dict[str, str],
    preparation: Preparation,
) -> tuple[str, ...]:
    """Write what the folder holds; returns the warnings about it."""
    source = Path(settings["source"])
    splits = dict(dataset.splits) | (dict(dataset.read_splits(source)) if dataset.read_splits else {})
    items = sorted(found.items, key=lambda raw: raw.id)  # those of earlier runs too
    records = [read_record(output / name) for raw in items for name in item_names(raw, preparation)]
    whole = [record for record in records if record is not None]
    statistics = pooled(_statistics(output, whole))
    noted = tuple(warnings(statistics, dataset))
    about = {name: getattr(dataset, name) for name in ("title", "stimuli", "licence", "url", "citation")}
    document = settings | {
        "atsal": __version__,
        "about": about,
        "items": [_summary(record) for record in whole],
        "splits": splits,
        "totals": {
            "items": len(whole),
            "fixations": sum(record["fixations"] for record in whole),
            "observers": len(statistics.observers),
            "dropped": sum(drop["count"] for record in whole for drop in record["drops"]),
        },
        "missing": list(found.missing),
        "refused": {name: refused[name].replace(f"{source}/", "") for name in sorted(refused)},
        "warnings": list(noted),
        "statistics": statistics.to_json(),
    }
    _write_json(output / MANIFEST, document)
    return noted


def _statistics(output: Path, records: list[Json]) -> Iterator[SetStatistics]:
    for record in records:
        if STATISTICS in record["files"]:
            yield SetStatistics.from_json(json.loads((output / record["id"] / STATISTICS).read_text(encoding="utf-8")))


def _summary(record: Json) -> Json:
    names = ("id", "variant_of", "variant", "fixations", "observers", "samples", "sampling_rate_hz", "drops", "notes")
    return {name: record[name] for name in names if name in record}


def _write_json(path: Path, document: Json) -> None:
    with reported(path), write_aside(path) as part:
        part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

"""Data sets of gaze on images and videos, by name.

Each module of `atsal.datasets.sets` declares one or more data sets in a tuple `DATASETS`. Another installed package
adds its own by an entry point of the group `atsal.datasets` that names such a module (docs/data-sets/README.md).
"""

from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from types import ModuleType

from atsal.config import suggest_name
from atsal.datasets.dataset import Dataset
from atsal.errors import ConfigError
from atsal.untrusted.text import error_reason

ENTRY_POINTS = "atsal.datasets"  # the group


def dataset_names() -> tuple[str, ...]:
    """Return the names of all data sets in alphabetical order. Raises what `dataset_named` raises for a package."""
    return tuple(sorted(_built_in() | _from_other_packages()))


def dataset_named(name: str) -> Dataset:
    """Return the declaration of a data set.

    Raises `ConfigError` for an unknown name, and for a package whose data sets cannot be loaded.
    """
    found = _built_in().get(name) or _from_other_packages().get(name)
    if found is None:
        raise ConfigError(f"unknown data set {name!r}{suggest_name(name, dataset_names())}")
    return found


@lru_cache(maxsize=1)
def _built_in() -> dict[str, Dataset]:
    sets = import_module("atsal.datasets.sets")
    modules = [import_module(f"{sets.__name__}.{module.name}") for module in iter_modules(sets.__path__)]
    return {dataset.name: dataset for module in modules for dataset in module.DATASETS}


def _from_other_packages() -> dict[str, Dataset]:
    found: dict[str, Dataset] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        for dataset in _load(entry):
            if dataset.name in found.keys() | _built_in().keys():
                raise ConfigError(f"{_origin(entry)} declares the data set {dataset.name}, which exists; rename it")
            found[dataset.name] = dataset
    return found


def _load(entry: EntryPoint) -> tuple[Dataset, ...]:
    remedy = "expected a module with a tuple DATASETS of `atsal.datasets.dataset.Dataset`; update or uninstall it"
    try:
        module = entry.load()
    except Exception as error:  # code of others may raise anything
        problem = f"{type(error).__name__}: {error_reason(error)}"
        raise ConfigError(f"{_origin(entry)} cannot be imported ({problem}); {remedy}") from error
    datasets = getattr(module, "DATASETS", None) if isinstance(module, ModuleType) else None
    if not isinstance(datasets, tuple) or not all(isinstance(dataset, Dataset) for dataset in datasets):
        raise ConfigError(f"{_origin(entry)} declares no data sets; {remedy}")
    return datasets


def _origin(entry: EntryPoint) -> str:
    package = f" of the package {entry.dist.name}" if entry.dist else ""
    return f"entry point {entry.name} = {entry.value}{package}"

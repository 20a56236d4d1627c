"""Data sets of gaze on images and videos, by name.

Each module of `atsal.datasets.sets` declares one or more data sets in a tuple `DATASETS`. Another installed package
adds its own by an entry point of the group `atsal.datasets` that names such a module (docs/data-sets/README.md).
"""

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from atsal.config import suggest_name
from atsal.datasets.dataset import Dataset
from atsal.errors import ConfigError
from atsal.plugins import find_plugins, load_plugin, package_name

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
    for entries in find_plugins(ENTRY_POINTS).values():
        module: ModuleType = load_plugin(
            entries,
            "data sets",
            "a module with a tuple DATASETS of `atsal.datasets.dataset.Dataset`",
            lambda value: isinstance(value, ModuleType) and _are_datasets(getattr(value, "DATASETS", None)),
        )
        for dataset in module.DATASETS:
            if dataset.name in found.keys() | _built_in().keys():
                package = package_name(entries[0])
                raise ConfigError(f"package {package} declares the data set {dataset.name}, which exists; rename it")
            found[dataset.name] = dataset
    return found


def _are_datasets(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(dataset, Dataset) for dataset in value)

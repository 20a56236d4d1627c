"""The data sets of the field, by name; each is declared in a module of its own."""

from importlib import import_module

from atsal.config import suggest_name
from atsal.datasets.dataset import Dataset
from atsal.errors import ConfigError

_MODULES = {
    "salient360-images": "salient360_images",
    "salient360-videos": "salient360_videos",
    "sitzmann": "sitzmann",
    "vr-eyetracking": "vr_eyetracking",
    "sport360": "sport360",
    "d-sav360": "dsav360",
    "pvs-hm": "pvs_hm",
    "360-em": "em360",
    "avtrack360": "avtrack360",
    "osie": "fixations2d",
    "crowd": "fixations2d",
    "scene": "fixations2d",
    "folder": "folder",
    "photo-folder": "folder",
}
NAMES = tuple(_MODULES)


def dataset_named(name: str) -> Dataset:
    """The declaration of a data set; `ConfigError` for a name that is none."""
    if name not in _MODULES:
        raise ConfigError(f"unknown data set {name!r}{suggest_name(name, NAMES)}")
    module = import_module(f"atsal.datasets.sets.{_MODULES[name]}")
    found: Dataset = module.DATASETS[name] if hasattr(module, "DATASETS") else module.DATASET
    return found

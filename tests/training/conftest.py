"""Prepared fakes and a network so small that a step takes milliseconds."""

import copy
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml

from atsal.config import from_mapping
from atsal.datasets import dataset_named
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.models.loading import find_weights
from atsal.training.config import TrainConfig
from atsal.training.photos import read_prepared_photos
from atsal.training.run import train
from atsal.training.trainer import Machine
from fakes.every_set import WRITERS
from fakes.fixations2d import write_density_maps, write_fixations2d

TINY = {
    "architecture": "lite",
    "erp_height": 64,
    "map_height": 32,
    "face_size": 32,
    "face_fov_deg": 100,
}
DIRECTED = TINY | {"directions": find_weights("lite").config.to_dict()["directions"]}
CPU = Machine(torch.device("cpu"), workers=0, checkpoint_steps=100)


@pytest.fixture(scope="session")
def sets(tmp_path_factory):
    """Folders of prepared sets, and of one that has density maps only."""
    root = tmp_path_factory.mktemp("sets")
    write_fixations2d(root / "raw" / "osie", items=12)
    write_density_maps(root / "raw" / "tasks", items=6)
    for name, items in (("salient360-images", 6), ("vr-eyetracking", 3)):
        WRITERS[name](root / "raw" / name, items=items)
    for name in ("osie", "salient360-images", "vr-eyetracking"):
        dataset = dataset_named(name)
        prepare(dataset, root / "raw" / name, root / name, preparation_for(dataset), workers=1)
    return SimpleNamespace(
        root=root,
        photos=str(root / "osie"),
        densities=str(root / "raw" / "tasks"),
        images=str(root / "salient360-images"),
        videos=str(root / "vr-eyetracking"),
    )


@pytest.fixture(scope="session")
def heads(sets, tmp_path_factory):
    """Folder of a prepared set of head directions."""
    folder, dataset = tmp_path_factory.mktemp("heads") / "set", dataset_named("vr-eyetracking")
    preparation = preparation_for(dataset, direction="head")
    prepare(dataset, sets.root / "raw" / "vr-eyetracking", folder, preparation, workers=1)
    return str(folder)


@pytest.fixture(scope="session")
def photos(sets):
    """The flat photos of a prepared set."""
    prepared = PreparedSet(Path(sets.photos))
    return read_prepared_photos(prepared, prepared.items)


@pytest.fixture(scope="session")
def settings(sets):
    """The settings of a small run of each kind."""
    adam = [{"kind": "adamw", "learning_rate": 0.003}]
    common = {"model": DIRECTED, "epochs": 1, "batch": 2, "optimisers": adam, "averaging": 0.9}
    kinds = {
        "photos": {
            "part": "equator",
            "loss": "kld-cc",
            "train": [{"prepared": sets.photos}, {"photos": sets.densities, "blur": 0.03}],
            "batch": 6,
            "photo_views": {"count": 2, "size": 32},
        },
        "images": {
            "part": "attention",
            "epochs": 2,
            "loss": "published-attention",
            "train": [{"prepared": sets.images, "folds": 3, "without_fold": 0}],
            "validation": {"sources": [{"prepared": sets.images, "folds": 3, "only_fold": 0}]},
            "augmentation": {"published": True},
        },
        "frames": {
            "part": "attention",
            "loss": "kld-cc-nss",
            "train": [{"prepared": sets.videos, "frames_per_item": 3}],
            "augmentation": {"yaw": True, "flip": True, "stretch": 0.5, "colour": 0.2},
        },
        "clips": {
            "part": "poles",
            "loss": "bce",
            "train": [{"prepared": sets.videos, "stride": 4}],
            "clip_frames": 4,
            "augmentation": {"yaw": True, "flip": True},
        },
        "fused": {
            "part": "fused",
            "loss": "kld-cc-nss",
            "train": [{"prepared": sets.videos, "stride": 5}],
            "validation": {"sources": [{"prepared": sets.videos, "stride": 10}], "metric": "kld"},
            "clip_frames": 3,
        },
    }

    def of(kind, **changed):
        return copy.deepcopy({"title": kind} | common | kinds[kind] | changed)

    return of


@pytest.fixture(scope="session")
def finished(settings, tmp_path_factory):
    """Train a small run to its end, once for all tests that ask for its settings."""
    folders = {}

    def run(kind, **changed):
        values = settings(kind, **changed)
        key = json.dumps(values, sort_keys=True)
        if key not in folders:
            folders[key] = tmp_path_factory.mktemp(kind) / "run"
            train(from_mapping(TrainConfig, values, kind), folders[key], CPU)
        return folders[key]

    return run


@pytest.fixture
def trained(finished, tmp_path):
    """Return a copy of a finished run, which the test may change."""

    def run(kind, name="run", **changed):
        return Path(shutil.copytree(finished(kind, **changed), tmp_path / name))

    return run


@pytest.fixture
def written(settings, tmp_path):
    """Write a small run's settings as YAML; returns the file."""

    def write(kind, **changed):
        path = tmp_path / f"{kind}.yaml"
        path.write_text(yaml.safe_dump(settings(kind, **changed)))
        return path

    return write

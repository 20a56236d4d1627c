"""Prepared sets to score against, made once."""

import dataclasses

import numpy as np
import pytest

from atsal.datasets import dataset_named
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.evaluation.ground_truth import GroundTruth
from atsal.evaluation.priors import PooledGaze
from atsal.evaluation.protocol import read_protocol
from fakes.fixations2d import write_fixations2d
from fakes.folder import write_folder

ROWS = 32


def prepared(name, raw, out, **chosen):
    dataset = dataset_named(name)
    prepare(dataset, raw, out, preparation_for(dataset, **chosen))
    return PreparedSet(out)


def protocol(name, **changed):
    """A ready protocol on small maps."""
    ready = read_protocol(name)
    small = {} if ready.is_planar else {"erp_height": ROWS, "sigma_deg": 8.0}
    return dataclasses.replace(ready, **(small | changed))


@pytest.fixture(scope="session")
def folder_set(tmp_path_factory):
    """`image_1`, `video_2`, `image_3`, `video_4`: videos of 10 frames, windows of two."""
    root = tmp_path_factory.mktemp("folder")
    write_folder(root / "raw", items=4, observers=4)
    return prepared("folder", root / "raw", root / "prepared")


@pytest.fixture(scope="session")
def photo_set(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    write_fixations2d(root / "osie", items=3)
    return prepared("osie", root / "osie", root / "prepared")


@pytest.fixture(scope="session")
def truth(folder_set):
    return GroundTruth(folder_set, protocol("folder-video"))


@pytest.fixture(scope="session")
def pooled(truth):
    return PooledGaze.of(truth)


@pytest.fixture
def maps(truth, tmp_path):
    """A folder of made-up maps, one a frame."""
    folder, rng = tmp_path / "maps", np.random.default_rng(0)
    folder.mkdir()
    for item in truth.items:
        frames = truth.prepared.stimulus(item).frames or 1
        np.save(folder / f"{item}.npy", rng.random((frames, ROWS, 2 * ROWS)).astype(np.float32) + 0.1)
    return folder

"""One run by several processes, or in several batches, ends as one by a single process."""

import json
import os
import subprocess
import sys

import pytest
import torch

from atsal.config import from_mapping
from atsal.training.config import TrainConfig
from atsal.training.run import train
from atsal.training.trainer import Machine
from training.conftest import CPU
from training.runs import same, side_by_side, weights


def nearly_same(first, second):
    """Up to the order of sums, which Adam makes visible in the few weights whose gradients are all but zero."""
    assert first.keys() == second.keys()
    names = [name for name in first if name.startswith("weights.") and first[name].is_floating_point()]
    apart = torch.cat([(first[name] - second[name]).abs().flatten() for name in names])
    return apart.quantile(0.995) < 2e-5 and apart.max() < 0.02


def test_accumulating_is_a_larger_batch(trained, sets):
    """Two batches of two a step are one of four, where normalisation does not look at the batch."""
    shared = {"freeze_normalisation": True, "epochs": 1, "averaging": 0.0}
    shared["train"] = [{"prepared": sets.photos}]
    once = trained("photos", "once", batch=4, **shared)
    twice = trained("photos", "twice", batch=2, accumulate=2, **shared)
    assert nearly_same(weights(once), weights(twice))


def test_workers_change_nothing(settings, tmp_path):
    config = from_mapping(TrainConfig, settings("clips", epochs=1), "")
    for workers in (0, 2):
        train(config, tmp_path / str(workers), Machine(CPU.device, workers, 100))
    assert same(weights(tmp_path / "0"), weights(tmp_path / "2"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["clips", "photos"])
def test_two_ranks_train_as_one(written, settings, trained, tmp_path, kind):
    """Under gloo each video, each photo belongs to one rank; the weights are those of one process."""
    changed = {"freeze_normalisation": True, "epochs": 1, "averaging": 0.0}
    if kind == "clips":
        changed |= side_by_side(settings)
    config, folder = written(kind, **changed), tmp_path / "ranks"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "atsal", "train", str(config), "-o", str(folder)]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert nearly_same(weights(trained(kind, "one", **changed)), weights(folder))
    assert json.loads((folder / "environment.json").read_text())["starts"][0]["ranks"] == 2

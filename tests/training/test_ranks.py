"""One run by several processes, or in several batches, ends as one by a single process."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from atsal.config import from_mapping
from atsal.errors import TrainingError
from atsal.training.config import TrainConfig
from atsal.training.ranks import Ranks
from atsal.training.run import train
from atsal.training.trainer import Machine
from training.conftest import CPU
from training.runs import same, side_by_side, steps_kept, weights


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
    folder = tmp_path / "ranks"
    run = torchrun(written(kind, **changed), folder)
    output = run.communicate(timeout=300)[0]
    assert run.returncode == 0, output
    assert nearly_same(weights(trained(kind, "one", **changed)), weights(folder))
    assert json.loads((folder / "environment.json").read_text())["starts"][0]["ranks"] == 2


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_a_killed_rank_ends_the_run_which_resumes_to_the_same_weights(written, settings, tmp_path):
    """kill -9 of the first rank, then of the other."""
    config, folder, whole = (
        written("clips", epochs=6, **side_by_side(settings)),
        tmp_path / "killed",
        tmp_path / "whole",
    )
    for victim, steps in ((0, 3), (1, 6)):
        run = torchrun(config, folder, "--checkpoint-steps", "1")
        deadline = time.monotonic() + 60
        while steps_kept(folder) < steps and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process_of_rank(run.pid, victim), signal.SIGKILL)
        output = run.communicate(timeout=120)[0]
        assert run.returncode != 0
        assert "lost another one of the run" in output
        assert "src/atsal" not in output, "no traceback of this package"
        assert not (folder / "model").exists()
    for finished in (folder, whole):
        run = torchrun(config, finished)
        output = run.communicate(timeout=120)[0]
        assert run.returncode == 0, output
        assert ("going on after step" in output) == (finished == folder)
    assert same(weights(folder), weights(whole))
    assert not list(folder.rglob("*.atsal-part"))


def test_a_lost_connection_names_the_remedy(monkeypatch):
    def reset(*_arguments):
        raise RuntimeError("pair.cc:537] Read error [127.0.0.1]:28040: Connection reset by peer\nmore")

    ranks = Ranks(0, 2)
    for collective in ("all_reduce", "all_gather_object", "barrier"):
        monkeypatch.setattr(f"torch.distributed.{collective}", reset)
    exchanges = (
        lambda: ranks.add(torch.zeros(1)),
        lambda: ranks.gather(1),
        ranks.wait,
        lambda: ranks.average_statistics(torch.nn.BatchNorm2d(1)),
        lambda: ranks.add_gradients([torch.nn.Parameter(torch.zeros(1))]),
    )
    for exchange in exchanges:
        with pytest.raises(TrainingError, match=r"lost another one.*run the same command again.*reset by peer\)$"):
            exchange()


def torchrun(config, folder, *options):
    """Start two ranks. torchrun looks at them only every two seconds, so that one that loses the other can say so."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["--monitor-interval", "2", "-m", "atsal", "train", str(config), "-o", str(folder), *options]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def process_of_rank(parent, rank):
    """Return the process that torchrun gave this rank."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    ranked = {
        pid: f"RANK={rank}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in children
    }
    return next(int(pid) for pid, is_of_rank in ranked.items() if is_of_rank)

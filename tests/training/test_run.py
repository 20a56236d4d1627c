"""Runs that are resumed, refused, or fail."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

from atsal.config import from_mapping
from atsal.errors import TrainingError
from atsal.training.config import TrainConfig
from atsal.training.photos import PhotoSource
from atsal.training.run import train
from atsal.training.trainer import Machine
from training.conftest import CPU
from training.runs import invoke, same, steps_kept, weights


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "epochs"), [("photos", 3), ("clips", 10)])
def test_killed_anywhere_it_ends_with_the_same_weights(written, trained, tmp_path, kind, epochs):
    """kill -9 twice, at whatever the run was doing; then the folder alone suffices to go on."""
    folder, config = tmp_path / "killed", written(kind, epochs=epochs)
    arguments = ["train", config, "-o", folder, "--checkpoint-steps", 1]
    for more in (3, 6):
        process = atsal(*arguments)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if steps_kept(folder) >= more:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
    config.unlink()
    finished = invoke("train", folder)
    assert finished.exit_code == 0, finished.output
    assert "going on after step" in finished.output
    whole = trained(kind, "whole", epochs=epochs)
    assert same(weights(folder), weights(whole))
    assert logged(folder) == logged(whole), "each step, each epoch stands there once"
    assert not list(folder.rglob("*.atsal-part"))


def atsal(*arguments):
    command = [sys.executable, "-m", "atsal", *map(str, arguments)]
    return subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)


def logged(folder):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [(line["epoch"], line["step"], line["loss"]) for line in lines]


def test_too_little_memory_names_what_to_lower(written, tmp_path, monkeypatch):
    from atsal.training import losses

    def greedy(_compared):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setitem(losses.LOSSES, "bce", losses.Loss(greedy))
    found = invoke("train", written("clips"), "-o", tmp_path / "run")
    assert found.exit_code == 1
    assert "a lower batch (2; raise accumulate by the same factor" in found.output
    assert "a lower clip_frames (4)" in found.output


class Deadly(PhotoSource):
    """Its reader is ended, as the system does where memory is short."""

    def read(self, key, *, augment):
        os._exit(9)


def test_a_worker_that_ends_is_no_riddle(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("atsal.training.setup.PhotoSource", Deadly)
    config = from_mapping(TrainConfig, settings("photos"), "")
    with pytest.raises(TrainingError, match=r"a worker process ended.*fewer --workers"):
        train(config, tmp_path / "run", Machine(CPU.device, 1, 100))


def test_teachers_may_go_once_a_run_has_begun(settings, sets, trained, tmp_path):
    teacher = trained("photos", "teacher") / "model"
    pictures = tmp_path / "pictures"
    shutil.copytree(sets.root / "raw" / "salient360-images" / "Stimuli", pictures)
    values = settings(
        "frames",
        train=[{"panoramas": str(pictures), "teachers": [str(teacher)], "tilted": 1, "share": 1.0}],
        epochs=1,
        max_steps_per_epoch=2,
    )
    train(from_mapping(TrainConfig, values, ""), tmp_path / "run", CPU)
    first = weights(tmp_path / "run")
    shutil.rmtree(teacher)
    (tmp_path / "run" / "checkpoints" / "last.safetensors").unlink()
    (tmp_path / "run" / "log.jsonl").unlink()
    shutil.rmtree(tmp_path / "run" / "model")
    found = invoke("train", tmp_path / "run")
    assert found.exit_code == 0, found.output
    assert same(weights(tmp_path / "run"), first)


def test_a_run_that_was_killed_while_it_was_set_up_is_set_up_again(written, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / ".config.yaml.0123abcd.atsal-part").touch()
    assert invoke("train", written("photos"), "-o", folder).exit_code == 0
    assert not list(folder.glob(".*"))


def test_a_damaged_checkpoint_names_the_remedy(trained, tmp_path):
    trained("photos")
    (tmp_path / "run" / "checkpoints" / "last.safetensors").write_bytes(b"nothing")
    found = invoke("train", tmp_path / "run")
    assert found.exit_code == 1
    assert "put a whole copy of it back" in found.output.replace("\n", " ")
    assert (tmp_path / "run" / "config.yaml").is_file()


def test_the_best_weights_are_not_replaced_by_the_last_ones(trained, tmp_path):
    run = tmp_path / "run"
    trained("images")
    (run / "checkpoints" / "best.safetensors").unlink()
    shutil.rmtree(run / "model")
    found = invoke("train", run)
    assert found.exit_code == 1
    assert "best.safetensors" in found.output
    assert not (run / "model").exists()

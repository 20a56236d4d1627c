"""The score before training, the epoch that is kept, and the sentence about whether training helped."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from atsal.config import from_mapping
from atsal.models.weight_folder import read_weight_folder
from atsal.training.best_epoch import describe_gain, note_scores
from atsal.training.checkpoint import Progress
from atsal.training.config import SourceConfig, TrainConfig, ValidationConfig
from atsal.training.run import train
from training.conftest import CPU
from training.runs import invoke

CHOSEN = ValidationConfig((SourceConfig(prepared="set"),), patience=2)


def source(*items, folder="set"):
    return SimpleNamespace(items=items, config=SourceConfig(prepared=folder))


def after(*scores, chosen=CHOSEN):
    """The progress of a run with these scores, the first one before training."""
    progress = Progress()
    for epoch, score in enumerate(scores):
        progress.epoch = epoch
        note_scores(progress, {chosen.metric: score}, chosen)
    return progress


def test_the_weights_before_training_stay_if_nothing_is_better():
    progress = after(0.7, 0.68, 0.69)
    assert (progress.best, progress.best_epoch, progress.best_after) == (0.7, 0, 0.69)
    assert progress.finished == "no better cc in 2 validations since epoch 0"
    told = describe_gain(progress, "cc", [source("a")], [source("b", "c")])
    assert told.startswith("training did not help: cc 0.7000 before training, 0.6900 after the best epoch, on 2 items")
    assert "from before training" in told


def test_a_better_epoch_is_kept_and_told():
    progress = after(0.5, 0.6, 0.55)
    assert (progress.best_epoch, progress.finished) == (1, None)
    many = [source(*map(str, range(12)))]
    told = describe_gain(progress, "cc", [source("a")], many)
    assert (
        told
        == "training helped: cc 0.5000 before training, 0.6000 after epoch 1, on 12 items that it was not trained on."
    )
    divergence = after(0.5, 0.6, 0.4, chosen=ValidationConfig(CHOSEN.sources, "kld"))
    assert (divergence.best_epoch, divergence.best_after) == (2, 0.4), "lower is better"


def test_a_gain_that_is_mere_rounding_is_none():
    assert after(0.5, 0.50001).best_epoch == 0
    assert after(0.5, 0.6, 0.60001).best_epoch == 2


def test_the_sentence_says_what_it_is_worth():
    progress = after(0.5, 0.6)
    assert "so few items may differ by chance" in describe_gain(progress, "cc", [source("a")], [source("b")])
    told = describe_gain(progress, "cc", [source("a", "b")], [source("b", "c")])
    assert "on 2 items, 1 of which it was trained on: this says nothing about other items" in told
    assert "not trained on" in describe_gain(progress, "cc", [source("b", folder="other")], [source("b")])


def test_without_a_score_before_training_nothing_is_said():
    assert describe_gain(Progress(epoch=1, best_after=0.5), "cc", [], []) is None
    assert after(math.nan).before is None


def test_a_run_keeps_the_start_if_nothing_is_better(settings, trained, tmp_path):
    start = trained("images") / "model"
    values = settings("images", start=str(start), epochs=9, optimisers=[{"learning_rate": 1e-12}], averaging=0.0)
    del values["model"]
    values["freeze_normalisation"] = True
    values["validation"] |= {"patience": 2}
    said = []
    train(from_mapping(TrainConfig, values, ""), tmp_path / "again", CPU, say=said.append)
    assert said[0].startswith("epoch 0  before training  cc ")
    assert said[-1].startswith("training did not help: cc ")
    before, model = read_weight_folder(start), read_weight_folder(tmp_path / "again" / "model")
    assert all(torch.equal(value, model.load("attention")[name]) for name, value in before.load("attention").items())
    assert model.provenance["trained_on"] == before.provenance["trained_on"], "they saw none of the data"
    log = [json.loads(line) for line in Path(tmp_path, "again", "log.jsonl").read_text().splitlines()]
    assert log[0]["epoch"] == 0
    assert log[0]["validation"]["cc"] == pytest.approx(log[-1]["validation"]["cc"])
    assert "training did not help" in invoke("train", tmp_path / "again").output, "a finished run says it again"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["images", "videos"])
def test_the_config_of_the_guide_takes_images_and_videos(sets, pytestconfig, tmp_path, kind):
    prepared = getattr(sets, kind)
    held_out = f"validation.sources.0={{prepared: {prepared}, folds: 3, only_fold: 0}}"
    own = (f"train.0.prepared={prepared}", "train.0.folds=3", held_out, "validation.frames_per_item=2", "epochs=1")
    found = invoke("train", pytestconfig.rootpath / "configs" / "fine-tune.yaml", "-o", tmp_path / "run", *own)
    assert found.exit_code == 0, found.output
    assert "epoch 0  before training" in found.output
    assert "training helped" in found.output or "training did not help" in found.output

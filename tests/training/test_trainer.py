"""Each kind of run, from prepared data to a weight folder."""

import json

import pytest
import torch

from atsal import load_model
from atsal.config import from_mapping
from atsal.models.weight_folder import read_weight_folder
from atsal.training.checkpoint import read_checkpoint
from atsal.training.config import TrainConfig
from atsal.training.run import train
from atsal.video.synthetic_scene import Scene
from training.conftest import CPU, TINY
from training.runs import invoke, same, weights


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("photos", marks=pytest.mark.slow),
        pytest.param("images", marks=pytest.mark.slow),
        "frames",
        "clips",
        "fused",
    ],
)
def test_each_kind_trains_its_part_and_leaves_the_rest(trained, settings, kind):
    folder = trained(kind)
    start, model = read_weight_folder(folder / "start"), read_weight_folder(folder / "model")
    part = settings(kind)["part"]
    for name in ("attention", "equator", "poles"):
        changed = not same(start.load(name), model.load(name))
        assert changed == (part in (name, "fused")), name
    predictor = load_model(folder / "model", device="cpu")
    assert predictor.predict_image(Scene(0).render(64, 0.0)).shape == (64, 128)
    stage = model.provenance["stages"][-1]
    assert stage["part"] == part
    assert str(folder.parent.parent) not in json.dumps(dict(model.provenance)), "weights tell no paths of the machine"
    assert '"items"' not in json.dumps(stage["data"]), "the names are in the run's data.json"
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines if "loss" in line][-1] == settings(kind)["epochs"]
    assert all(line["frames_per_s"] > 0 and 0 < line["waited_share"] < 1 for line in lines)
    assert list((folder / "tensorboard").iterdir())


def test_experts_whose_decoder_alone_was_trained_keep_one_encoder(trained):
    """To the bit, statistics and averages included, so it is stored once."""
    first = trained("photos", "first")
    second = trained(
        "photos",
        "second",
        part="poles",
        start=str(first / "model"),
        start_part="equator",
        model=None,
        optimisers=[{"learning_rate": 0.003, "weight_decay": 0.1, "parameters": "decoder"}],
        freeze_normalisation=True,
    )
    bundle = read_weight_folder(second / "model")
    equator, poles = bundle.load("equator"), bundle.load("poles")
    changed = {name for name in equator if not torch.equal(equator[name], poles[name])}
    assert {name.partition(".")[0] for name in changed} == {"pyramid", "decoder"}
    sizes = {part: (second / "model" / f"{part}.safetensors").stat().st_size for part in ("equator", "poles")}
    assert sizes["poles"] < sizes["equator"] / 10


def test_it_learns(trained):
    folder = trained("photos", epochs=3, batch=3, schedule={"kind": "one-cycle"})
    losses = [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0] - 0.3


def test_the_mask_alone_is_trained_in_its_epochs(trained):
    adams = [
        {"kind": "adam", "learning_rate": 1e-4},
        {"kind": "adam", "learning_rate": 1e-3, "parameters": "mask", "every": 2, "until": 40},
    ]
    folder = trained("images", epochs=1, optimisers=adams, validation=None, averaging=0.0)
    before, after = (read_weight_folder(folder / name).load("attention") for name in ("start", "model"))
    changed = {n for n in before if not torch.equal(before[n], after[n]) and "running" not in n and "tracked" not in n}
    assert changed
    assert all(name.startswith("mask") for name in changed)


def test_the_best_epoch_is_kept_and_training_stops_when_nothing_gets_better(settings, tmp_path):
    values = settings("images", epochs=30, optimisers=[{"learning_rate": 1e-12}], averaging=0.0)
    values["validation"] |= {"metric": "cc", "patience": 2}
    values["freeze_normalisation"] = True
    progress = train(from_mapping(TrainConfig, values, ""), tmp_path / "run", CPU)
    assert "no better cc in 2 validations" in progress.finished
    assert progress.epoch < 30


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_state(written, tmp_path, monkeypatch):
    from atsal.training import losses, trainer

    calls, sound = [], losses.LOSSES["kld-cc"].function

    def poisoned(compared):
        calls.append(1)
        return sound(compared) * (float("nan") if len(calls) == 3 else 1.0)

    monkeypatch.setitem(losses.LOSSES, "kld-cc", losses.Loss(poisoned))
    assert trainer.LOSSES is losses.LOSSES
    config = written("photos")
    found = invoke("train", config, "-o", tmp_path / "run", "--checkpoint-steps", 1)
    assert found.exit_code == 1
    assert "the loss is nan in epoch 1, step 3, on " in found.output
    assert "osie/" in found.output or "tasks/" in found.output
    assert "lower learning rate" in found.output
    kept = weights(tmp_path / "run")
    assert all(torch.isfinite(value).all() for value in kept.values())
    last = tmp_path / "run" / "checkpoints" / "last.safetensors"
    assert read_checkpoint(last).progress.step == 2
    monkeypatch.undo()
    assert invoke("train", tmp_path / "run").exit_code == 0


def test_watched_frames_teach_the_poles_that_nobody_looks_there(settings, sets, tmp_path):
    """Pole faces without gaze are targets of zero, as long as somebody looked at the frame."""
    values = settings("clips", train=[{"prepared": sets.images}], epochs=1, model=TINY)  # no prior says it
    train(from_mapping(TrainConfig, values, ""), tmp_path / "run", CPU)
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] > 0.05

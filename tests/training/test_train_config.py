"""Settings of a run: bad ones are refused by name, and the shipped ones are valid."""

import re
from pathlib import Path

import pytest

from training.runs import invoke


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["epoch=3"], "unknown setting 'epoch'; did you mean 'epochs'"),
        (["epochs=many"], "epochs: found 'many' (str), expected int"),
        (["loss=kdl-cc"], "did you mean 'kld-cc'"),
        (["photo_views.crops.rolldeg=3"], "did you mean 'roll_deg'"),
        (["train.5.prepared=x"], "expected a number from 0"),
        (["epochs"], "expected key=value"),
        (["train.0.prepared=nowhere"], "nowhere"),
        (["part=attention"], "holds flat photos, which only an expert can learn from"),
        (["part=attention", "loss=bce"], "holds flat photos"),
        (["loss=published-attention"], "needs the mask of the attention stream"),
        (["start=lite"], "leave model out"),
        (["model=null"], "needs model settings"),
        (["train.0.exclude=[nobody]"], "exclude names nobody"),
        (["train.0.split=trian"], "no part 'trian' of a split, and no such file"),
        (["clip_frames=4"], "clips need prepared 360° videos"),
        (["optimisers.0.until=1"], "no optimiser claims some of the epochs"),
        (["optimisers.0.learning_rate=.nan"], "expected a finite number"),
        (["clip_norm=-1"], "clip_norm -1.0: expected a number above 0"),
        (["clip_frames=0"], "clip_frames 0: expected 1 to"),
        (["max_steps_per_epoch=0"], "max_steps_per_epoch 0: expected 1 to"),
        (["schedule.every=0"], "schedule: every 0: expected 1 to"),
        (["photo_views.size=3"], "size 32 to 1024 pixels"),
        (["photo_views.crops.stretch=0"], "stretch 1 to 100"),
        (["validation.sources=[]"], "validation needs sources"),
        (["start_part=fused"], "start_part"),
        (["moving_average=2"], "above 0 and below 1"),
        (["train.0.sigma_deg=-3"], "sigma_deg -3.0"),
        (
            ["train=[{panoramas: nowhere, teachers: [lite]}]", "part=attention", "loss=kld-cc"],
            "nowhere: no image there",
        ),
    ],
)
def test_bad_settings_are_told_and_leave_nothing(written, tmp_path, overrides, message):
    found = invoke("train", written("photos", epochs=2), "-o", tmp_path / "run", *overrides)
    assert found.exit_code == 1
    assert message in found.output.replace("\n", " ")
    assert not (tmp_path / "run").exists()


def test_shipped_configurations_are_valid_and_follow_each_other(pytestconfig):
    from atsal.training.config import read_train_config

    root = pytestconfig.rootpath / "configs"
    files = sorted(root.rglob("*.yaml"))
    assert len(list((root / "lite").glob("*.yaml"))) == 6
    assert len(files) >= 15
    document = (pytestconfig.rootpath / "docs" / "models" / "lite.md").read_text(encoding="utf-8")
    named = set(re.findall(r"-o (runs/\S+)", document))  # runs under other names: the second teacher
    every = {f"runs/{file.relative_to(root).with_suffix('').as_posix()}" for file in files}
    made = []  # by the stages before, in their order
    for file in files:
        config = read_train_config(file)
        teachers = [teacher for source in config.train for teacher in source.teachers]
        for used in [config.start, *teachers]:
            run = used.removesuffix("/model")
            is_known = run in made or run in named if file.parent.name == "lite" else run in every
            assert not used.startswith("runs/") or is_known, f"{file} uses {used}, which nothing makes before"
        if config.pretrained is not None:
            assert Path(config.pretrained).name in document, "where to get it"
        made.append(f"runs/{file.relative_to(root).with_suffix('').as_posix()}")

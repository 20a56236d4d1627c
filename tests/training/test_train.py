"""Every kind of run, from prepared data to a weight folder; a run that is killed ends as if it had not been."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from atsal import load_model
from atsal.cli import main
from atsal.config import from_mapping
from atsal.datasets import dataset_named
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.errors import ConfigError, TrainingError
from atsal.jobs.output_folder import held
from atsal.models.weight_folder import PARTS, read_bundle, write_bundle
from atsal.training.config import SourceConfig, TrainConfig
from atsal.training.photos import PhotoSource
from atsal.training.run import train
from atsal.training.setup import load_trained_part, open_sources, write_start
from atsal.training.trained_part import TrainedPart
from atsal.training.trainer import Machine, Trainer
from atsal.video.synthetic_scene import Scene
from training.conftest import CPU, TINY


def weights(folder):
    return load_file(folder / "checkpoints" / "last.safetensors")


def same(first, second):
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("kind", ["photos", "images", "frames", "clips", "fused"])
def test_each_kind_trains_its_part_and_leaves_the_rest(trained, settings, kind):
    folder = trained(kind)
    start, model = read_bundle(folder / "start"), read_bundle(folder / "model")
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
    assert [line["epoch"] for line in lines if "loss" in line][-1] == 2
    assert all(line["frames_per_s"] > 0 and 0 < line["waited_share"] < 1 for line in lines)
    assert list((folder / "tensorboard").iterdir())


def test_stages_follow_each_other(trained):
    """The next stage starts from the model of the one before, and notes both; a part can begin as another one."""
    first = trained("photos", "first")
    second = trained("photos", "second", part="poles", start=str(first / "model"), start_part="equator", model=None)
    start = read_bundle(second / "start")
    assert same(start.load("poles"), read_bundle(first / "model").load("equator"))
    assert [stage["part"] for stage in read_bundle(second / "model").provenance["stages"]] == ["equator", "poles"]


def test_a_part_that_begins_as_another_knows_what_that_one_saw(settings, tmp_path):
    first = from_mapping(TrainConfig, settings("photos"), "")
    write_start(first, tmp_path / "first")
    bundle, seen = read_bundle(tmp_path / "first"), {"experts": {"avtrack360": ["1"]}}
    parts = {part: bundle.load(part) for part in PARTS}
    write_bundle(tmp_path / "seen", bundle.config, parts, {"trained_on": seen})
    values = settings("frames", start=str(tmp_path / "seen"), start_part="equator", model=None)
    write_start(from_mapping(TrainConfig, values, ""), tmp_path / "start")
    assert read_bundle(tmp_path / "start").provenance["trained_on"] == seen | {"attention": {"avtrack360": ["1"]}}


def test_gaze_in_360_needs_a_model_with_a_prior(settings, sets, tmp_path):
    scratch = from_mapping(TrainConfig, settings("photos", model=TINY), "")
    write_start(scratch, tmp_path / "stage")
    model = read_bundle(tmp_path / "stage").config
    on_gaze = from_mapping(TrainConfig, settings("frames", start=str(tmp_path / "stage"), model=None), "")
    with pytest.raises(ConfigError, match=r"no front prior yet.*`atsal weights fuse`"):
        open_sources(on_gaze.train, on_gaze, model, tmp_path / "taught")


def test_experts_whose_decoder_alone_was_trained_keep_one_encoder(trained):
    """To the bit, statistics and averages included, so it is stored once."""
    first = trained("photos", "first", epochs=1)
    second = trained(
        "photos",
        "second",
        part="poles",
        start=str(first / "model"),
        start_part="equator",
        model=None,
        epochs=1,
        optimisers=[{"learning_rate": 0.003, "weight_decay": 0.1, "parameters": "decoder"}],
        freeze_normalisation=True,
    )
    bundle = read_bundle(second / "model")
    equator, poles = bundle.load("equator"), bundle.load("poles")
    changed = {name for name in equator if not torch.equal(equator[name], poles[name])}
    assert {name.partition(".")[0] for name in changed} == {"pyramid", "decoder"}
    sizes = {part: (second / "model" / f"{part}.safetensors").stat().st_size for part in ("equator", "poles")}
    assert sizes["poles"] < sizes["equator"] / 10


def test_the_fused_map_is_turned_to_the_direction_of_the_gaze(settings, sets, tmp_path):
    """Which is one for all sources; the layers of a part alone know no direction, and learn from both."""
    dataset = dataset_named("vr-eyetracking")
    heads = {"prepared": str(tmp_path / "heads"), "stride": 5}
    preparation = preparation_for(dataset, direction="head")
    prepare(dataset, sets.root / "raw" / "vr-eyetracking", tmp_path / "heads", preparation, workers=1)
    config = from_mapping(TrainConfig, settings("fused", train=[heads], validation=None), "")
    write_start(config, tmp_path / "start")
    bundle = read_bundle(tmp_path / "start")
    opened = open_sources(config.train, config, bundle.config, tmp_path / "taught")
    assert load_trained_part(bundle, config, opened).network.direction == "head"
    both = open_sources([*config.train, SourceConfig(prepared=sets.videos)], config, bundle.config, tmp_path / "taught")
    with pytest.raises(ConfigError, match="gaze of its sources is of two directions"):
        load_trained_part(bundle, config, both)
    alone = from_mapping(TrainConfig, settings("clips"), "")
    assert load_trained_part(bundle, alone, both).network.direction == "head_eye"


def test_it_learns(trained):
    folder = trained("photos", epochs=6, schedule={"kind": "one-cycle"})
    losses = [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0] - 0.3


def test_the_mask_alone_is_trained_in_its_epochs(trained):
    adams = [
        {"kind": "adam", "learning_rate": 1e-4},
        {"kind": "adam", "learning_rate": 1e-3, "parameters": "mask", "every": 2, "until": 40},
    ]
    folder = trained("images", epochs=1, optimisers=adams, validation=None, averaging=0.0)
    before, after = (read_bundle(folder / name).load("attention") for name in ("start", "model"))
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


def atsal(*arguments):
    command = [sys.executable, "-m", "atsal", *map(str, arguments)]
    return subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)


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
            if _steps_kept(folder) >= more:
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


def _steps_kept(folder):
    """Of the last checkpoint: its header alone is read, for the file may be replaced meanwhile."""
    last = folder / "checkpoints" / "last.safetensors"
    try:
        with safe_open(last, framework="pt") as file:
            return json.loads(file.metadata()["progress"])["step"]
    except (OSError, RuntimeError, SafetensorError):
        return 0


def logged(folder):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [(line["epoch"], line["step"], line["loss"]) for line in lines]


def _step(checkpoint):
    from atsal.training.checkpoint import read_checkpoint

    return read_checkpoint(checkpoint).progress.step


def side_by_side(settings):
    """Videos of different lengths, in an order in which some begin beside others that go on.

    Maps of the longer ones, of a smaller σ, do not reach the poles.
    """
    (whole,) = settings("clips")["train"]
    sources = [whole, whole | {"sigma_deg": 4, "stride": 2}]
    return {"train": sources, "clip_frames": 2, "seed": 2, "loss": "kld-cc"}


@pytest.mark.parametrize("after", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (3, 5))])
def test_interrupted_within_videos_it_goes_on_with_their_states(settings, trained, tmp_path, monkeypatch, after):
    config = from_mapping(TrainConfig, settings("clips", epochs=1, **side_by_side(settings)), "")
    step, steps = Trainer._take_step, []

    def counted(self, *arguments):
        if len(steps) == after:
            raise KeyboardInterrupt
        steps.append(self.progress.step)
        return step(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_take_step", counted)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "interrupted", CPU)
    train(config, tmp_path / "interrupted", CPU)
    whole = trained("clips", "whole", epochs=1, **side_by_side(settings))
    assert same(weights(tmp_path / "interrupted"), weights(whole))


def test_each_video_begins_without_a_state_and_then_keeps_its_own(settings, trained, monkeypatch):
    """In training and in validation: the state that comes with a frame is the one that its video left."""
    left, seen = {}, {"training": 0, "validation": 0}
    compare = TrainedPart.compare

    def watched(trained_part, samples, at, device, state=None, carry=None):
        compared, after = compare(trained_part, samples, at, device, state, carry)
        use = "training" if torch.is_grad_enabled() else "validation"
        for number, (sample, own) in enumerate(zip(samples, after, strict=True)):
            video = use, sample.name, sample.key.source, sample.key.slot
            begins = sample.key.starts_video and at == 0
            carried = state is not None and (carry is None or carry[number] == 1)
            assert carried is not begins
            if carried:
                assert torch.equal(state[number], left[video])
                seen[use] += 1
            left[video] = own.detach()
        return compared, after

    changed = side_by_side(settings)
    changed["validation"] = {"sources": [changed["train"][0] | {"stride": 2}]}
    monkeypatch.setattr(TrainedPart, "compare", watched)
    trained("clips", epochs=1, **changed)
    assert min(seen.values()) > 10


@pytest.mark.parametrize("kind", [pytest.param("clips", marks=pytest.mark.slow), "photos"])
def test_two_ranks_train_as_one(written, settings, trained, tmp_path, kind):
    """Under gloo each video, each photo belongs to one rank; the weights are those of one process."""
    changed = {"freeze_normalisation": True, "epochs": 1, "averaging": 0.0}
    if kind == "clips":
        changed |= side_by_side(settings)
    config, folder = written(kind, **changed), tmp_path / "ranks"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29611"]
    command += ["-m", "atsal", "train", str(config), "-o", str(folder)]
    done = subprocess.run(
        command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert nearly_same(weights(trained(kind, "one", **changed)), weights(folder))
    assert json.loads((folder / "environment.json").read_text())["starts"][0]["ranks"] == 2


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_another_configuration_is_refused_and_named(written, tmp_path):
    config = written("photos", epochs=1)
    assert invoke("train", config, "-o", tmp_path / "run").exit_code == 0
    before = (tmp_path / "run" / "config.yaml").read_text()
    found = invoke("train", config, "-o", tmp_path / "run", "epochs=3", "optimisers.0.learning_rate=0.5")
    assert found.exit_code == 1
    assert "epochs was 1, is 3" in found.output
    assert "optimisers.0.learning_rate was 0.003, is 0.5" in found.output
    assert (tmp_path / "run" / "config.yaml").read_text() == before
    again = invoke("train", config, "-o", tmp_path / "run")
    assert again.exit_code == 0
    assert "done: all 1 epochs" in again.output


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
        (["train.0.split=train"], "expected NAME.PART"),
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
    found = invoke("train", written("photos"), "-o", tmp_path / "run", *overrides)
    assert found.exit_code == 1
    assert message in found.output.replace("\n", " ")
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_state(written, tmp_path, monkeypatch):
    from atsal.training import losses, trainer

    calls, sound = [], losses.LOSSES["kld-cc"].function

    def poisoned(compared):
        calls.append(1)
        return sound(compared) * (float("nan") if len(calls) == 6 else 1.0)

    monkeypatch.setitem(losses.LOSSES, "kld-cc", losses.Loss(poisoned))
    assert trainer.LOSSES is losses.LOSSES
    config = written("photos", epochs=2)
    found = invoke("train", config, "-o", tmp_path / "run", "--checkpoint-steps", 1)
    assert found.exit_code == 1
    assert "the loss is nan in epoch 1, step 6, on " in found.output
    assert "osie/" in found.output or "tasks/" in found.output
    assert "lower learning rate" in found.output
    kept = weights(tmp_path / "run")
    assert all(torch.isfinite(value).all() for value in kept.values())
    assert _step(tmp_path / "run" / "checkpoints" / "last.safetensors") == 5
    monkeypatch.undo()
    assert invoke("train", tmp_path / "run").exit_code == 0


def test_too_little_memory_names_what_to_lower(written, tmp_path, monkeypatch):
    from atsal.training import losses

    def greedy(_judged):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setitem(losses.LOSSES, "bce", losses.Loss(greedy))
    found = invoke("train", written("clips"), "-o", tmp_path / "run")
    assert found.exit_code == 1
    assert "a lower batch (2; raise accumulate by the same factor" in found.output
    assert "a lower clip_frames (4)" in found.output


class Deadly(PhotoSource):
    """Its reader is ended, as the system does where memory is short."""

    def sample(self, key):
        os._exit(9)


def test_a_worker_that_ends_is_no_riddle(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("atsal.training.setup.PhotoSource", Deadly)
    config = from_mapping(TrainConfig, settings("photos"), "")
    with pytest.raises(TrainingError, match=r"a worker ended early.*fewer --workers"):
        train(config, tmp_path / "run", Machine(CPU.device, 1, 100))


def test_changed_data_are_noticed(settings, sets, tmp_path):
    copied = tmp_path / "osie"
    shutil.copytree(sets.photos, copied)
    values = settings("photos", train=[{"prepared": str(copied)}], epochs=1)
    train(from_mapping(TrainConfig, values, ""), tmp_path / "run", CPU)
    (copied / "manifest.json").write_text((copied / "manifest.json").read_text() + "\n")
    found = invoke("train", tmp_path / "run")
    assert found.exit_code == 1
    assert "train.0.manifest_sha256 was" in found.output.replace("\n", " ")


def test_no_other_folder_is_overwritten(written, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    found = invoke("train", written("photos"), "-o", tmp_path / "mine")
    assert found.exit_code == 1
    assert "holds thesis.txt and is not a training run" in found.output
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_run_from_published_layers_begins_with_logits_of_order_one(sets, tmp_path):
    from atsal.models.config import ModelConfig
    from atsal.models.registry import new_parts

    torch.manual_seed(0)
    model = ModelConfig("paper", erp_height=64, face_size=32, map_height=64, scale=1.0)
    saliency, _ = new_parts(model)["equator"](torch.randn(1, 3, 64, 64) * 60)
    assert 0.01 < saliency.mean() < 0.99


def test_watched_frames_teach_the_poles_that_nobody_looks_there(settings, sets, tmp_path):
    """Pole faces without gaze are targets of zero, as long as somebody looked at the frame."""
    values = settings("clips", train=[{"prepared": sets.images}], epochs=1, model=TINY)  # no prior says it
    train(from_mapping(TrainConfig, values, ""), tmp_path / "run", CPU)
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] > 0.05


def test_teachers_may_go_once_a_run_has_begun(settings, sets, trained, tmp_path):
    teacher = trained("photos", "teacher", epochs=1) / "model"
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
    assert invoke("train", written("photos", epochs=1), "-o", folder).exit_code == 0
    assert not list(folder.glob(".*"))


def test_a_damaged_checkpoint_names_the_remedy(written, tmp_path):
    config = written("photos", epochs=1)
    assert invoke("train", config, "-o", tmp_path / "run").exit_code == 0
    (tmp_path / "run" / "checkpoints" / "last.safetensors").write_bytes(b"nothing")
    found = invoke("train", tmp_path / "run")
    assert found.exit_code == 1
    assert "put a whole copy of it back" in found.output.replace("\n", " ")
    assert (tmp_path / "run" / "config.yaml").is_file()


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


def _tree(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_a_project_with_a_configuration_of_its_own_is_no_run(written, tmp_path):
    project = tmp_path / "project"
    (project / "thesis").mkdir(parents=True)
    (project / "thesis" / "chapter.txt").write_text("years of work")
    shutil.copy(written("photos"), project / "config.yaml")
    before = _tree(project)
    for arguments in ((project,), (written("photos"), "-o", project), (written("photos"), "-o", project, "epochs=x")):
        found = invoke("train", *arguments)
        assert found.exit_code == 1
        assert _tree(project) == before
    assert "is no training run" in invoke("train", project).output


def test_a_run_that_fails_at_its_start_leaves_what_others_put_there(written, tmp_path, monkeypatch):
    def fails(*_arguments):
        (tmp_path / "run" / "notes.txt").write_text("mine")
        (tmp_path / "run" / "start" / "notes.txt").write_text("mine")
        raise KeyboardInterrupt

    monkeypatch.setattr("atsal.training.run.Trainer", fails)
    assert invoke("train", written("photos"), "-o", tmp_path / "run").exit_code == 130
    assert _tree(tmp_path / "run") == {"notes.txt", "start", "start/notes.txt"}


def test_a_finished_run_without_its_checkpoints_stays_finished(written, tmp_path, monkeypatch):
    run = tmp_path / "run"
    assert invoke("train", written("photos", epochs=1), "-o", run).exit_code == 0
    (run / "checkpoints" / "last.safetensors").unlink()
    before = _tree(run)
    found = invoke("train", run)
    assert found.exit_code == 0
    assert "its checkpoints are gone" in found.output
    assert _tree(run) == before


def test_an_unfinished_run_without_its_checkpoints_is_refused_and_untouched(written, tmp_path):
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    assert invoke("train", written("photos", epochs=1), "-o", run).exit_code == 0
    shutil.rmtree(run / "model")
    shutil.move(run / "checkpoints", elsewhere)
    (run / "checkpoints").symlink_to(elsewhere / "unmounted")
    log, before = (run / "log.jsonl").read_text(), _tree(run)
    found = invoke("train", run)
    assert found.exit_code == 1
    assert _tree(run) == before
    (run / "checkpoints").unlink()
    found = invoke("train", run)
    assert found.exit_code == 1
    assert "put the checkpoint back" in found.output.replace("\n", " ")
    assert (run / "log.jsonl").read_text() == log
    (run / "checkpoints").rmdir()
    (run / "checkpoints").symlink_to(elsewhere)
    assert invoke("train", run).exit_code == 0


def test_a_run_whose_data_moved_is_untouched(written, settings, sets, tmp_path):
    copied, run = tmp_path / "osie", tmp_path / "run"
    shutil.copytree(sets.photos, copied)
    values = settings("photos", train=[{"prepared": str(copied)}], epochs=1)
    train(from_mapping(TrainConfig, values, ""), run, CPU)
    copied.rename(tmp_path / "moved")
    for name in ("checkpoints/last.safetensors", "log.jsonl", "model/model.json"):
        (run / name).unlink()
    before = _tree(run)
    assert invoke("train", run).exit_code == 1
    assert _tree(run) == before


def test_a_run_of_an_earlier_version_goes_on(written, tmp_path):
    run = tmp_path / "run"
    assert invoke("train", written("photos", epochs=1), "-o", run).exit_code == 0
    (run / "run.json").unlink()
    assert invoke("train", run).exit_code == 0
    assert (run / "run.json").is_file()


def test_the_best_weights_are_not_replaced_by_the_last_ones(written, tmp_path):
    run = tmp_path / "run"
    assert invoke("train", written("images", epochs=1), "-o", run).exit_code == 0
    (run / "checkpoints" / "best.safetensors").unlink()
    shutil.rmtree(run / "model")
    found = invoke("train", run)
    assert found.exit_code == 1
    assert "best.safetensors" in found.output
    assert not (run / "model").exists()


def test_a_second_process_may_not_train_in_the_same_folder(written, tmp_path):
    run = tmp_path / "run"
    assert invoke("train", written("photos", epochs=1), "-o", run).exit_code == 0
    with held(run):
        found = invoke("train", run)
    assert found.exit_code == 1
    assert "another run is writing to it" in found.output

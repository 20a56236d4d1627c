"""What a run folder refuses, keeps and resumes."""

import shutil

from atsal.config import from_mapping
from atsal.jobs.output_folder import lock_folder
from atsal.training.config import TrainConfig
from atsal.training.run import train
from training.conftest import CPU
from training.runs import invoke


def test_another_configuration_is_refused_and_named(trained, written, tmp_path):
    config = written("photos")
    trained("photos")
    before = (tmp_path / "run" / "config.yaml").read_text()
    found = invoke("train", config, "-o", tmp_path / "run", "epochs=3", "optimisers.0.learning_rate=0.5")
    assert found.exit_code == 1
    assert "epochs was 1, is 3" in found.output
    assert "optimisers.0.learning_rate was 0.003, is 0.5" in found.output
    assert (tmp_path / "run" / "config.yaml").read_text() == before
    again = invoke("train", config, "-o", tmp_path / "run")
    assert again.exit_code == 0
    assert "done: all 1 epochs" in again.output


def test_no_other_folder_is_overwritten(written, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    found = invoke("train", written("photos"), "-o", tmp_path / "mine")
    assert found.exit_code == 1
    assert "holds thesis.txt and is not a training run" in found.output
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


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


def test_a_finished_run_without_its_checkpoints_stays_finished(trained, tmp_path):
    run = tmp_path / "run"
    trained("photos")
    (run / "checkpoints" / "last.safetensors").unlink()
    before = _tree(run)
    found = invoke("train", run)
    assert found.exit_code == 0
    assert "its checkpoints are gone" in found.output
    assert _tree(run) == before


def test_an_unfinished_run_without_its_checkpoints_is_refused_and_untouched(trained, tmp_path):
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    trained("photos")
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


def test_a_run_whose_data_changed_or_moved_is_refused_and_untouched(settings, sets, tmp_path):
    copied, run = tmp_path / "osie", tmp_path / "run"
    shutil.copytree(sets.photos, copied)
    values = settings("photos", train=[{"prepared": str(copied)}])
    train(from_mapping(TrainConfig, values, ""), run, CPU)
    manifest = (copied / "manifest.json").read_text()
    (copied / "manifest.json").write_text(manifest + "\n")
    found = invoke("train", run)
    assert found.exit_code == 1
    assert "train.0.manifest_sha256 was" in found.output.replace("\n", " ")
    (copied / "manifest.json").write_text(manifest)
    copied.rename(tmp_path / "moved")
    for name in ("checkpoints/last.safetensors", "log.jsonl", "model/model.json"):
        (run / name).unlink()
    before = _tree(run)
    assert invoke("train", run).exit_code == 1
    assert _tree(run) == before


def test_a_run_of_an_earlier_version_goes_on(trained, tmp_path):
    run = tmp_path / "run"
    trained("photos")
    (run / "run.json").unlink()
    assert invoke("train", run).exit_code == 0
    assert (run / "run.json").is_file()


def test_a_second_process_may_not_train_in_the_same_folder(trained, tmp_path):
    run = tmp_path / "run"
    trained("photos")
    with lock_folder(run):
        found = invoke("train", run)
    assert found.exit_code == 1
    assert "another run is writing to it" in found.output

"""Runs that nobody watches: `--log`, `--summary`, exit codes, and no home folder."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from atsal.cli import main
from atsal.cli.exit_code import ExitCode, Terminated
from atsal.video.synthetic_scene import Scene

PREDICT = ("predict", "-o", "out", "--format", "npy", "--runtime", "torch")
TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (INFO|WARNING|ERROR|CRITICAL) +\S.*")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A working folder with three images, two of which clash, and a broken one."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("good.png", "twin.png", "twin.jpg")):
        Image.fromarray(Scene(number).render(32, 0.0)).save(name)
    Path("broken.png").write_text("no picture")
    return tmp_path


def run(*arguments, code):
    found = CliRunner().invoke(main, list(arguments))
    assert found.exit_code == code, found.output
    return found


def summary(path="summary.json"):
    document = json.loads(Path(path).read_text())
    return document, {entry["input"]: entry for entry in document["inputs"]}


@pytest.mark.parametrize(
    ("inputs", "code"),
    [(["good.png"], 0), (["broken.png"], 1), (["twin.png", "twin.jpg"], 1), ([], 2), (["good.png", "broken.png"], 3)],
)
def test_exit_codes(folder, inputs, code):
    run(*PREDICT, *inputs, code=code)


def test_a_name_clash_fails_alone(folder):
    found = run(*PREDICT, "good.png", "twin.png", "twin.jpg", "--summary", "summary.json", code=3)
    assert found.stderr.count("twin.png and twin.jpg would both write") == 1
    assert sorted(path.name for path in Path("out").iterdir()) == ["good.json", "good.npy"]
    _, inputs = summary()
    assert {name: entry["status"] for name, entry in inputs.items()} == {
        "good.png": "done",
        "twin.png": "failed",
        "twin.jpg": "failed",
    }


def test_the_summary_says_how_each_input_ended(folder):
    run(*PREDICT, "good.png", code=0)
    arguments = (*PREDICT, "good.png", "twin.png", "broken.png", "missing.png", "--summary", "summary.json")
    run(*arguments, code=3)
    document, inputs = summary()
    assert document["exit_code"] == 3
    assert document["counts"] == {"skipped": 1, "done": 1, "failed": 2}
    assert inputs["good.png"]["status"] == "skipped"
    done = inputs["twin.png"]
    assert (done["status"], done["reason"], done["frames"]) == ("done", None, 1)
    assert done["seconds"] > 0
    assert (done["manifest"], done["outputs"]) == ("out/twin.json", ["out/twin.npy"])
    assert "broken.png" in inputs["broken.png"]["reason"]
    assert "no such file" in inputs["missing.png"]["reason"]
    assert all(Path(path).exists() for entry in inputs.values() for path in entry["outputs"])
    run(*arguments, code=3)
    assert summary()[0]["counts"] == {"skipped": 2, "failed": 2}, "it replaces the summary of an earlier run"


@pytest.mark.parametrize(("kind", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_a_stopped_run_has_a_summary_and_a_log(folder, monkeypatch, kind, code):
    from atsal.prediction import job

    predict_source = job.predict_source

    def stop_at_twin(predictor, source, **how):
        if source.stem == "twin":
            raise kind
        return predict_source(predictor, source, **how)

    monkeypatch.setattr(job, "predict_source", stop_at_twin)
    Path("last.png").write_bytes(Path("good.png").read_bytes())
    arguments = ("good.png", "twin.png", "last.png", "--summary", "summary.json", "--log", "run.log")
    run(*PREDICT, *arguments, code=code)
    document, inputs = summary()
    assert document["exit_code"] == code
    assert [entry["status"] for entry in inputs.values()] == ["done", "stopped", "not started"]
    assert f"end: exit code {code} after" in Path("run.log").read_text().splitlines()[-1]


def test_an_error_of_the_whole_run_is_in_the_summary(folder):
    run(*PREDICT, "good.png", "--model", "paper", "--summary", "summary.json", code=1)
    document, inputs = summary()
    assert "atsal weights import" in document["error"]
    assert inputs["good.png"]["status"] == "not started"


def test_the_log_has_times_levels_and_what_the_command_says(folder):
    for _ in range(2):
        found = run(*PREDICT, "good.png", "broken.png", "--log", "logs/run.log", "--quiet", code=3)
    lines = Path("logs/run.log").read_text().splitlines()
    assert all(TEXT_LINE.fullmatch(line) for line in lines)
    first, second = lines[: len(lines) // 2], lines[len(lines) // 2 :]
    assert "start: atsal " in first[0]
    assert "INFO    end: exit code 3 after" in first[-1]
    assert any("INFO    good.png: 1 frame in" in line for line in first), "with --quiet too"
    assert any("already done" in line for line in second), "a second run adds to it"
    for text in found.stderr.splitlines():
        assert any(line.endswith(f"ERROR   {text.removeprefix('atsal: ')}") for line in second)


def test_a_log_of_json_lines(folder):
    run("predict", "good.png", "--log", "run.jsonl", code=2)
    Image.fromarray(Scene(1).render(64, 0.0)).resize((64, 64)).save("square.png")
    run(*PREDICT, "square.png", "--log", "run.jsonl", code=0)
    lines = [json.loads(line) for line in Path("run.jsonl").read_text().splitlines()]
    assert all(set(line) == {"time", "level", "message"} for line in lines)
    levels = {line["message"]: line["level"] for line in lines}
    assert next(level for text, level in levels.items() if "taken as two views" in text) == "WARNING"
    assert levels["Missing option '-o' / '--output'."] == "ERROR"


def test_a_fault_of_the_program_is_logged_with_its_traceback(folder, monkeypatch):
    def fail(*_arguments, **_settings):
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("atsal.prediction.predictor.load_model", fail)
    found = CliRunner().invoke(main, [*PREDICT, "good.png", "--log", "run.log"])
    assert isinstance(found.exception, ZeroDivisionError)
    lines = Path("run.log").read_text().splitlines()
    assert "CRITICAL Traceback" in lines[-2]
    assert "ZeroDivisionError: a fault" in lines[-2]
    assert "end: exit code 1" in lines[-1]


@pytest.mark.parametrize("option", ["--log", "--summary"])
def test_no_other_file_is_replaced(folder, option):
    before = Path("twin.png").read_bytes()
    Path("mine.json").write_text("{}")
    for name in ("twin.png", "mine.json", "."):
        assert f"for {option}" in run(*PREDICT, "good.png", option, name, code=1).stderr or name == "."
    assert Path("twin.png").read_bytes() == before
    assert Path("mine.json").read_text() == "{}"
    assert not Path("out").exists()


def test_every_command_that_can_be_quiet_has_a_log():
    def leaves(group):
        for command in group.commands.values():
            yield from leaves(command) if hasattr(command, "commands") else [command]

    for command in leaves(main):
        names = {name for parameter in command.params for name in parameter.opts}
        assert ("--quiet" in names) == ("--log" in names), command.name


def test_the_exit_codes_and_the_keys_of_the_summary_are_documented(folder, pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "command-line.md").read_text(encoding="utf-8")
    for code in ExitCode:
        assert f"\n| {int(code)} | " in page
    run(*PREDICT, "good.png", "--summary", "summary.json", code=0)
    document, inputs = summary()
    for key in {*document, *inputs["good.png"]} - {"format", "atsal"}:
        assert f"`{key}`" in page


def test_drawing_needs_no_home_folder(tmp_path):
    """As under cron or in a container: matplotlib would warn, and make a folder of its own."""
    code = """
import click
from atsal.cli import main

@main.command()
def draw():
    from matplotlib.figure import Figure
    Figure().savefig("figure.png")

main(["draw"])
"""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "SYSTEMROOT") if name in os.environ}
    for home in ({}, {"ATSAL_HOME": str(tmp_path / "atsal")}):
        environment = kept | {"HOME": str(tmp_path / "gone")} | home
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        assert not (tmp_path / "gone").exists()
    assert list((tmp_path / "atsal" / "matplotlib").iterdir())

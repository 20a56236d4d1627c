"""`--quiet`, `info --json`, several `--stream`, and completion in shells."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from atsal.cli import main
from atsal.cli.parameters import NameOf
from atsal.video.synthetic_scene import Scene, render_video

# Commands whose only purpose is to print something, and `serve`, whose log is for other programs.
SPEAKING = {"info", "datasets list", "datasets info", "weights list", "weights info"}
SPEAKING |= {"serve", "token add", "token list", "token revoke"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    render_video("clip.mp4", seconds=0.5, frame_rate=8, erp_height=64, seed=1)
    Image.fromarray(Scene(2).render(64, 0.0)).save("still.png")
    return tmp_path


def run(*arguments, status=0, **settings):
    found = CliRunner().invoke(main, list(arguments), **settings)
    assert found.exit_code == status, found.output
    return found


def leaf_commands(group=main, words=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaf_commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


def test_every_command_that_works_can_be_quiet():
    quiet = {name for name, command in leaf_commands() if any("--quiet" in p.opts for p in command.params)}
    assert quiet == {name for name, _ in leaf_commands()} - SPEAKING


def test_quiet_prints_only_warnings_and_errors(folder):
    Image.fromarray(Scene(1).render(64, 0.0)).resize((64, 64)).save("square.png")
    found = run("predict", "still.png", "square.png", "missing.png", "-o", "out", "--format", "npy", "-q", status=3)
    assert found.stdout == ""
    assert "taken as two views" in found.stderr
    assert "missing.png: no such file" in found.stderr
    assert run("compare", "still.png", "-o", "c.png", "--quiet", "--runtime", "torch").output == ""
    assert Path("c.png").is_file()
    assert run("predict", "still.png", "-o", "out", "--format", "npy").stdout, "the next command is not quiet"


def test_several_streams_are_written_in_one_run(folder):
    run("predict", "still.png", "-o", "out", "--format", "npy", "--stream", "attention", "--stream", "fused")
    assert sorted(path.name for path in Path("out").glob("*.npy")) == ["still.attention.npy", "still.npy"]
    again = ("predict", "still.png", "-o", "out", "--format", "npy", "--stream", "fused", "--stream", "attention")
    assert "already done" in run(*again).stdout, "their order does not matter"
    run("predict", "still.png", "-o", "both", "--format", "npy", "--stream", "all", "--stream", "fused")
    assert len(list(Path("both").glob("*.npy"))) == 3
    for name in ("still.npy", "still.attention.npy"):
        np.testing.assert_array_equal(np.load(f"out/{name}"), np.load(f"both/{name}"))


def test_info_is_available_as_json(folder):
    lines = run("info", "--json", "clip.mp4", "still.png", ".").stdout.splitlines()
    video, image, directory = map(json.loads, lines)
    assert (video["type"], video["path"], video["codec"], video["stereo"]) == ("video", "clip.mp4", "h264", "mono")
    assert (video["width"], video["height"], video["frame_count"]) == (128, 64, 4)
    assert (video["frame_rate"], video["duration_s"], video["has_audio"]) == (8.0, 0.5, False)
    assert (image["type"], image["format"], image["width"], image["view_height"]) == ("image", "PNG", 128, 64)
    assert (directory["type"], directory["images"], directory["videos"]) == ("folder", 1, 1)
    assert any("64 pixels high" in note for note in video["notes"])


def test_every_key_of_the_json_is_documented(folder, pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "command-line.md").read_text(encoding="utf-8")
    lines = run("info", "--json", "clip.mp4", "still.png", ".").stdout.splitlines()
    for key in {key for line in lines for key in json.loads(line)}:
        assert f"`{key}`" in page


def test_an_input_without_facts_is_an_error_on_stderr_and_the_others_are_printed(folder):
    found = run("info", "--json", "missing.mp4", "still.png", status=3)
    assert [json.loads(line)["path"] for line in found.stdout.splitlines()] == ["still.png"]
    assert found.stderr.startswith("atsal: missing.mp4: no such file")


def complete(words, shell="bash"):
    variables = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_ATSAL_COMPLETE": f"{shell}_complete",
    }
    if shell == "fish":
        variables["COMP_CWORD"] = words.split(" ")[-1]
    return CliRunner().invoke(main, [], prog_name="atsal", env=variables).stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("atsal pre", {"plain,predict", "plain,prepare"}),
        ("atsal predict --str", {"plain,--stream", "plain,--stride"}),
        ("atsal predict --stream ", {"plain,fused", "plain,attention", "plain,experts", "plain,all"}),
        ("atsal predict --model pa", {"plain,paper"}),
        ("atsal predict cl", {"file,cl"}),
        ("atsal datasets info vr", {"plain,vr-eyetracking"}),
        ("atsal weights im", {"plain,import"}),
    ],
)
def test_bash_completes_commands_options_and_names(words, expected):
    assert set(complete(words)) == expected


def test_zsh_and_fish_complete_with_descriptions():
    found = complete("atsal predi", "zsh")
    assert found[:2] == ["plain", "predict"]
    assert "saliency maps" in found[2]
    assert complete("atsal predi", "fish")[0].startswith("plain,predict\tPredict saliency maps")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed(shell):
    """As in a profile: `_ATSAL_COMPLETE=bash_source atsal`, in a process of its own."""
    code = "from atsal.cli import main; main(prog_name='atsal')"
    environment = os.environ | {"_ATSAL_COMPLETE": f"{shell}_source"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert f"_ATSAL_COMPLETE={shell}_complete" in done.stdout


def test_choices_are_the_lists_of_their_modules():
    from atsal.datasets.prepared.preparation import Preparation
    from atsal.prediction.formats import FORMATS
    from atsal.prediction.runtimes import RUNTIME_CHOICES
    from atsal.prediction.streams import STREAMS

    options = {(name, p.name): p for name, command in leaf_commands() for p in command.params}
    assert options["predict", "streams"].type.choices == (*STREAMS, "all")
    assert options["predict", "formats"].type.choices == tuple(FORMATS)
    assert options["predict", "runtime"].type.choices == tuple(RUNTIME_CHOICES)
    assert "auto" not in options["bench", "runtimes"].type.choices
    for name, parameter in options.items():
        if isinstance(parameter.type, NameOf):
            assert parameter.type.choices, name
    assert Preparation.__dataclass_fields__["maps"].default in options["prepare", "maps"].type.choices

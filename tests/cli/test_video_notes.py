"""What the command line tells of a video: how its picture is taken, and what it refuses to open."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from atsal.cli import main
from fakes import mp4
from video.conftest import Clips


@pytest.fixture
def clip(tmp_path, monkeypatch, own_home):
    """Five frames of two squeezed views, one below the other, as the file says, in a turned picture."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATSAL_HOME", str(own_home))
    path = Clips(tmp_path).make(frames=5, container_options=mp4.BACK)
    mp4.put_in_entry(path, mp4.st3d(1) + mp4.sv3d(mp4.equi(), (0, 30, 0)))
    return mp4.set_matrix(path, -1, 0, 0, -1)


def run(*arguments, status=0):
    found = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert found.exit_code == status, found.output
    return found


def test_how_a_video_is_taken_is_told(clip):
    facts = run("info", clip).stdout
    told = run("predict", clip, "-o", "out", "--format", "npy").stderr
    compared = run("compare", clip, "-o", "c.mp4").stderr
    assert "view     128x64, top-bottom (from: file)" in facts
    for note in ("two views, top-bottom", "stretched to 128x64", "turned by 180°", "pitch 30°"):
        assert note in facts
        assert note in told
        assert note in compared
    assert "the file says top-bottom, but mono was asked for" in run("info", clip, "--stereo", "mono").stdout


@pytest.mark.parametrize("command", [("info",), ("predict", "-o", "out")])
@pytest.mark.parametrize(
    ("name", "message"),
    [("-", "standard input is not read"), ("/dev/null", "is a device")],
)
def test_what_is_no_file_is_refused(clip, command, name, message):
    assert message in run(*command, name, status=1).stderr


def test_a_working_folder_that_is_gone(clip, monkeypatch):
    gone = Path("gone").absolute()
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert "change to another one" in run("predict", clip, "-o", "/nowhere", status=1).stderr
    monkeypatch.chdir(clip.parent)

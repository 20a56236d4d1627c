"""SIGTERM, as `kill`, `timeout` and systemd send it, ends a command like Ctrl-C: no hidden or temporary file stays."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import atsal
from atsal.video.synthetic_scene import render_video

SOURCES = str(Path(atsal.__file__).parents[1])


def end_with_sigterm(folder, arguments, is_time):
    temporary = folder / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "PYTHONPATH": SOURCES, "OMP_NUM_THREADS": "1", "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "atsal", *arguments]
    with (folder / "out.txt").open("w") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 100
    while not is_time():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 143, err
    assert "Traceback" not in err
    assert not list(temporary.iterdir())
    return err


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("compare", "clip.mp4", "-o", "found.mp4"),
        ("direct", "clip.mp4", "-o", "found.mp4"),
        ("encode", "clip.mp4", "-o", "found.mp4", "--bitrate", "200"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_single_file_is_whole_or_not_there(tmp_path, arguments):
    render_video(tmp_path / "clip.mp4", seconds=8, frame_rate=25, erp_height=64, seed=2)
    err = end_with_sigterm(tmp_path, arguments, lambda: any(tmp_path.glob(".*.atsal-part")))
    assert "run the same command again" in err
    left = {path.name for path in tmp_path.iterdir()} - {"clip.mp4", "out.txt", "tmp"}
    assert left <= {"found.plan.json", "found.storyboard.png"}, (
        "a film's plan is whole, and the next run goes on with it"
    )


@pytest.mark.slow
def test_the_page_of_view_leaves_nothing(tmp_path):
    render_video(tmp_path / "clip.mp4", seconds=0.4, frame_rate=5, erp_height=64, seed=2)
    out = tmp_path / "out.txt"
    err = end_with_sigterm(
        tmp_path, ("view", "clip.mp4", "--no-browser"), lambda: out.exists() and "http://" in out.read_text()
    )
    assert "stopped" not in err  # it is how the command ends

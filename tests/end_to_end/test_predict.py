"""The command as a user runs it: a process of its own, real files, signals."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import atsal
from atsal.video.synthetic_scene import Scene, render_video

SOURCES = str(Path(atsal.__file__).parents[1])
# As installed; and Ctrl-C works even where the tests run in the background, whose children ignore it.
COMMAND = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from atsal.cli import main; "
    "main(prog_name='atsal')"
)
REAL_CLIP = Path(__file__).parents[3] / "shared" / "data" / "clips" / "meeting_room_1920x960.mp4"
FORMATS = ("--format", "npy", "--format", "png16", "--stream", "all")


def start(folder, *arguments, command=COMMAND, **options):
    environment = {**os.environ, "PYTHONPATH": SOURCES, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", command, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment, **pipes, **options)


def run(folder, *arguments, status=0, **options):
    process = start(folder, *arguments, **options)
    out, err = process.communicate(timeout=150)
    assert process.returncode == status, err
    assert "Traceback" not in err
    return out, err


def stop(process, number, when, timeout_s=100.0):
    """Send a signal once `when` says so."""
    end = time.monotonic() + timeout_s
    while not when():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(number)
    return process.communicate(timeout=100)


def results(folder):
    """All files, hidden ones too, but the manifests, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".json"
    }


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    render_video(folder / "long.mp4", seconds=2, frame_rate=15, erp_height=64, seed=2)
    render_video(folder / "short.mp4", seconds=1, frame_rate=6, erp_height=64, seed=1)
    data = (folder / "long.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(data[: len(data) * 6 // 10])
    (folder / "headless.mp4").write_bytes(data[len(data) // 2 :])
    Image.fromarray(Scene(2).render(64, 0.0)).save(folder / "still.png")
    return folder


@pytest.fixture(scope="module")
def whole(clips, tmp_path_factory):
    """The results of a run that nobody stopped."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder, "predict", clips / "long.mp4", "-o", "out", *FORMATS)
    found = results(folder / "out")
    assert len(found) == 30 * 2 * 3
    return found


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow), (signal.SIGKILL, -9)],
)
def test_a_stopped_run_leaves_whole_files_and_goes_on_to_the_same_maps(clips, whole, tmp_path, number, status):
    command = ("predict", clips / "long.mp4", "-o", "out", *FORMATS)
    process = start(tmp_path, *command)
    _, err = stop(process, number, (tmp_path / "out" / "long" / "000006.npy").exists)
    assert process.returncode == status
    assert "Traceback" not in err
    left = results(tmp_path / "out")
    visible = {name: data for name, data in left.items() if not Path(name).name.startswith(".")}
    assert 6 < len(visible) < len(whole)
    assert all(whole[name] == data for name, data in visible.items())
    assert not (tmp_path / "out" / "long.json").exists()
    if number != signal.SIGKILL:
        assert set(left) - set(visible) == {".long.progress"}
        assert "run the same command again" in err
    run(tmp_path, *command)
    assert results(tmp_path / "out") == whole


def test_ctrl_c_is_clean_from_the_start(clips, tmp_path):
    begun = tmp_path / "begun"  # when imports are done: until then Python itself ends
    command = COMMAND.replace("main(prog", f"open({str(begun)!r}, 'w').close(); main(prog")
    for delay_s in (0.1, 0.6, 1.1):
        begun.unlink(missing_ok=True)
        process = start(tmp_path, "predict", clips / "long.mp4", "-o", "out", "--stride", "1", command=command)
        _, err = stop(
            process,
            signal.SIGINT,
            lambda: begun.exists() and time.time() - begun.stat().st_mtime > delay_s,  # noqa: B023
        )
        assert process.returncode == 130, err
        assert "Traceback" not in err
        assert not list(tmp_path.rglob("*.mp4"))
        assert not list(tmp_path.rglob("*.atsal-part"))


def test_ctrl_c_waits_for_the_end_of_an_import(clips, tmp_path):
    """PyTorch's C++ code does not survive an exception; a module in front of it stands for that code."""
    (tmp_path / "torch.py").write_text(
        "import os, sys, time\n"
        "open('begun', 'w').close()\n"
        "try:\n    time.sleep(0.5)\n"
        "except BaseException:\n    os.abort()\n"
        "sys.path.remove('')\n"
        "del sys.modules['torch']\n"
        "import torch\n"
    )
    process = start(tmp_path, "predict", clips / "long.mp4", "-o", "out")  # `-c` imports from the current folder first
    _, err = stop(process, signal.SIGINT, (tmp_path / "begun").exists)
    assert process.returncode == 130, err
    assert "Traceback" not in err


def test_a_batch_of_everything(clips, tmp_path):
    folder = tmp_path / "in put"
    folder.mkdir()
    for name, source in (("-dash.mp4", "short"), ("a.b.mp4", "short"), ("Ünï.mp4", "short"), ("a.mp4", "cut")):
        (folder / name).write_bytes((clips / f"{source}.mp4").read_bytes())
    (folder / "still.png").write_bytes((clips / "still.png").read_bytes())
    (folder / "empty.mp4").touch()
    (folder / "headless.mp4").write_bytes((clips / "headless.mp4").read_bytes())
    out, err = run(tmp_path, "predict", folder, "-o", "out", "--format", "npy", status=3)
    assert err.endswith("atsal: 3 of 7 inputs failed\n")
    lines = err.splitlines()
    assert len(lines) == 4
    assert any(
        "a.mp4: breaks after" in line and line.endswith("The frames before the break are written.") for line in lines
    )
    assert len(out.splitlines()) == 5
    assert sorted(path.name for path in (tmp_path / "out").glob("*.json")) == [
        "-dash.json", "a.b.json", "a.json", "still.json", "Ünï.json"
    ]  # fmt: skip
    for name in ("-dash", "a.b", "Ünï"):
        assert len(list((tmp_path / "out" / name).iterdir())) == 6
        for path in (tmp_path / "out" / name).iterdir():
            saliency = np.load(path)
            assert saliency.dtype == np.float32
            assert np.isfinite(saliency).all()


def test_a_broken_video_keeps_its_good_part_each_time(clips, tmp_path):
    for _ in range(2):
        _, err = run(
            tmp_path, "predict", clips / "cut.mp4", "-o", "out", "--format", "npy", "--format", "video", status=3
        )
        assert "cut.mp4: breaks after" in err
    manifest = json.loads((tmp_path / "out" / "cut.json").read_text())
    count = len(manifest["frames"])
    assert 2 < count < 30
    assert "breaks after" in manifest["problem"]
    assert len(list((tmp_path / "out" / "cut").iterdir())) == count
    assert f"frames   {count}," in run(tmp_path, "info", "out/cut.mp4")[0]


def test_a_name_with_a_leading_dash(clips, tmp_path):
    (tmp_path / "-o.png").write_bytes((clips / "still.png").read_bytes())
    run(tmp_path, "predict", "-o", "out", "--format", "npy", "--", "-o.png")
    assert (tmp_path / "out" / "-o.npy").exists()


@pytest.mark.parametrize("form", [pytest.param("npy", marks=pytest.mark.slow), "overlay"])
def test_a_file_that_grows_too_big_leaves_nothing_half_written(clips, tmp_path, form):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    command = ("predict", clips / "short.mp4", "-o", "out", "--format", form, "--runtime", "torch")  # starts faster
    _, err = run(tmp_path, *command, status=1, preexec_fn=limit)
    assert "cannot be written: the file exceeds the size limit" in err
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] in ([], [".short.progress"])
    run(tmp_path, *command)
    assert not list(tmp_path.rglob(".*"))


def test_help_answers_at_once(tmp_path):
    code = (
        "import sys; from atsal.cli import main; main(['--help'], standalone_mode=False); "
        "sys.exit('torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=False).returncode == 0


def test_a_closed_pipe_is_no_traceback(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    command = [sys.executable, "-c", COMMAND, "weights", "list"]
    found = subprocess.run(command, env=environment, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert found.returncode != 0
    assert "Traceback" not in found.stderr


@pytest.mark.skipif(not REAL_CLIP.exists(), reason="the real clip is not beside the repository (shared/data/clips)")
def test_a_real_clip(tmp_path):
    run(
        tmp_path,
        "predict",
        REAL_CLIP,
        "-o",
        "out",
        "--start",
        2,
        "--duration",
        0.3,
        "--format",
        "npy",
        "--format",
        "overlay",
    )
    manifest = json.loads((tmp_path / "out" / "meeting_room_1920x960.json").read_text())
    assert [frame["index"] for frame in manifest["frames"]] == list(range(60, 69))
    found = run(tmp_path, "info", "out/meeting_room_1920x960.overlay.mp4")[0]
    assert "1920x960" in found
    assert "sound    yes" in found

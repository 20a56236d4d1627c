"""The command line with URLs."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from atsal.cli import main
from atsal.video.synthetic_scene import Scene, render_video


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """A folder with a clip of 4 frames and a photo."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "in"
    folder.mkdir()
    render_video(folder / "clip.mp4", seconds=0.5, frame_rate=8, erp_height=64, seed=1)
    Image.fromarray(Scene(2).render(64, 0.0)).save(folder / "still.png")
    return folder


def run(*arguments, status=0):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["atsal", *map(str, arguments)])
        found = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert found.exit_code == status, found.output
    return found.output


def test_a_prefix_gives_the_maps_of_the_folder(s3, inputs):
    s3.put(f"{inputs}/", "videos/in/", recursive=True)
    run("predict", "s3://videos/in", "-o", "remote", "--format", "npy", "--runtime", "torch")
    run("predict", inputs, "-o", "local", "--format", "npy", "--runtime", "torch")
    names = sorted(path.relative_to("local").as_posix() for path in Path("local").rglob("*.npy"))
    assert len(names) == 5
    for name in names:
        assert np.array_equal(np.load(Path("remote", name)), np.load(Path("local", name))), name
    assert "already done" in run(
        "predict", "s3://videos/in/*.png", "-o", "remote", "--format", "npy", "--runtime", "torch"
    )
    Image.fromarray(Scene(3).render(64, 0.0)).save("other.png")
    s3.put_file("other.png", "videos/in/still.png")
    assert "made with another source" in run(
        "predict", "s3://videos/in/still.png", "-o", "remote", "--format", "npy", "--runtime", "torch", status=1
    )
    assert "images   1" in run("info", "s3://videos/in")


def test_no_file_has_a_secret(server, inputs):
    server.files["clip.mp4"] = (inputs / "clip.mp4").read_bytes()
    url = server.url("clip.mp4?X-Amz-Signature=hush").replace("//", "//user:hush@")
    missing = url.replace("clip", "missing")
    options = ("-o", "out", "--format", "npy", "--runtime", "torch", "--log", "log.txt", "--summary", "sum.json")
    said = run("predict", url, missing, *options, status=3)
    assert "missing.mp4?X-Amz-Signature=…: no such file" in said
    written = [*Path("out").rglob("*.json"), Path("log.txt"), Path("sum.json")]
    assert len(written) == 3
    for text in (said, *(path.read_text() for path in written)):
        assert "hush" not in text
    source = json.loads(Path("out/clip.json").read_text())["settings"]["source"]
    assert source["path"] == server.url("clip.mp4?X-Amz-Signature=…")


def test_a_film_is_that_of_the_file(server, inputs):
    server.files["clip.mp4"] = (inputs / "clip.mp4").read_bytes()
    run("compare", server.url("clip.mp4"), "-o", "remote.mp4", "--runtime", "torch")
    run("compare", inputs / "clip.mp4", "-o", "local.mp4", "--runtime", "torch")
    assert Path("remote.mp4").read_bytes() == Path("local.mp4").read_bytes()


def test_a_batch_into_a_store_is_that_into_a_folder(s3, inputs, tmp_path, monkeypatch):
    from atsal.jobs.engine import InThisProcess
    from atsal.jobs.store_lock import lock_store
    from atsal.prediction.parallel import ParallelRun

    monkeypatch.setattr("atsal.jobs.supervised_workers.SupervisedWorkers", lambda job, *_: InThisProcess(job))
    monkeypatch.setenv("ATSAL_HOME", str(tmp_path / "home"))
    (inputs / "broken.mp4").write_bytes(b"no video")
    options = ("--format", "npy", "--format", "overlay", "--runtime", "torch")
    run("batch", inputs, "-o", "s3://videos/maps", *options, status=3)
    run("predict", inputs, "-o", "local", *options, status=3)
    s3.get("videos/maps/", "fetched/", recursive=True)
    names = {path.relative_to("local").as_posix() for path in Path("local").rglob("*") if path.is_file()}
    found = {path.relative_to("fetched").as_posix() for path in Path("fetched").rglob("*") if path.is_file()}
    assert found == names | {"ledger.sqlite", "summary.csv", "summary.html"}
    same = [name for name in names if not name.endswith(".json")]
    assert all(Path("local", name).read_bytes() == Path("fetched", name).read_bytes() for name in same)
    kept = [path.name for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert sorted(kept) == ["id.txt", "ledger.sqlite", "summary.csv", "summary.html"]

    monkeypatch.setenv("ATSAL_HOME", str(tmp_path / "another machine"))
    seen, begin = [], ParallelRun._begin
    monkeypatch.setattr(ParallelRun, "_begin", lambda self, s, job: (seen.append(s.path.name), begin(self, s, job)))
    assert "2 done, 1 failed" in run("batch", "--status", "-o", "s3://videos/maps")
    run("batch", inputs, "-o", "s3://videos/maps", *options, status=3)
    assert seen == []
    s3.rm("videos/maps/clip.json")
    with lock_store("s3://videos/maps", "of another machine"):
        said = run("batch", inputs, "-o", "s3://videos/maps", *options, status=1)
    assert "s3://videos/maps: another run is writing to it" in said
    run("batch", inputs, "-o", "s3://videos/maps", *options, status=3)
    assert seen == ["clip.mp4"]
    assert s3.exists("videos/maps/clip.json")

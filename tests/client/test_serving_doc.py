"""The lines of docs/serving.md for curl and Python run as they are printed."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from atsal.video.synthetic_scene import Scene, render_video
from fakes.service_process import atsal_serve

pytestmark = pytest.mark.slow
PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
PRINTED = "http://127.0.0.1:8000"


def examples(title, language):
    (part,) = re.findall(rf"^## {title}\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    return re.findall(rf"^```{language}\n(.*?)```", part, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with atsal_serve(tmp_path_factory.mktemp("service")) as address:
        yield address.rstrip("/")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    render_video("scene.mp4", seconds=0.5, frame_rate=8, erp_height=64, seed=1)
    for seed, name in enumerate(("photo.jpg", "other.jpg")):
        Image.fromarray(Scene(seed).render(64, 0.0)).save(name)
    return tmp_path


def shell(lines, service):
    command = ["bash", "-eu", "-o", "pipefail", "-c", lines.replace(PRINTED, service)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl was not found")
def test_curl(service, folder):
    (lines,) = examples("With curl", "sh")
    said = shell(lines, service)
    assert '"state":"done"' in said
    assert len(json.loads((folder / "regions.json").read_text())["frames"]) == 2


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl was not found")
def test_curl_with_photos(service, folder):
    lines = examples("Photos", "sh")[0]
    assert json.loads(shell(lines, service))["frames"][0]["regions"]
    assert (folder / "map.png").read_bytes().startswith(b"\x89PNG")


def test_python(service, folder, capsys):
    for code in examples("From Python", "python"):
        exec(compile(code.replace(PRINTED, service), "serving.md", "exec"), {})
    said = capsys.readouterr().out
    assert [path.name for path in (folder / "results").rglob("*.npy") if path.is_file()]
    assert re.search(r"^photo\.jpg \d+$", said, re.MULTILINE)


def test_live(service, folder, capsys):
    frames = folder / "frames"
    frames.mkdir()
    for number in range(8):
        Image.fromarray(Scene(seed=1).render(64, number / 8)).save(frames / f"{number}.jpg")
    (code,) = examples("Live", "python")
    exec(compile(code.replace(PRINTED, service), "serving.md", "exec"), {})
    assert re.search(r"^7 1 \S+ \S+$", capsys.readouterr().out, re.MULTILINE)

"""`atsal report` of a video and of a photo, and its mistakes."""

import base64
import hashlib
import io
import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from atsal.cli import main
from atsal.video.image_writer import write_rgb_png
from atsal.video.synthetic_scene import Scene, render_video


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    render_video(folder / "a&b.mp4", seconds=1, frame_rate=10, erp_height=64, seed=1)
    write_rgb_png(folder / "photo.png", Scene(seed=1).render(64, 0.0))
    for name in ("a&b.mp4", "photo.png"):
        found = run("predict", folder / name, "-o", folder / "maps", "--format", "npy", "--stream", "all", "-q")
        assert found.exit_code == 0, found.output
    return folder


def pictures(page):
    for alt, data in re.findall(r'<img alt="([^"]*)" src="data:image/jpeg;base64,([^"]*)"', page):
        yield alt, np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).resize((128, 64)))


def test_a_report_shows_the_frames_it_names_and_needs_no_other_file(folder):
    found = run("report", folder / "maps" / "a&b.json", "-o", folder / "video.html")
    assert found.exit_code == 0, found.output
    page = (folder / "video.html").read_text(encoding="utf-8")
    shown = dict(pictures(page))
    times_s = [float(alt.split()[1]) for alt in shown if alt.startswith("source,")]
    assert times_s == [0.0, 0.2, 0.4, 0.5, 0.7, 0.9]
    for time_s in times_s:
        errors = [
            np.abs(shown[f"source, {time_s:.2f} s"].astype(int) - Scene(1).render(64, k / 10)).mean() for k in range(10)
        ]
        assert np.argmin(errors) == round(time_s * 10)
    assert {alt.split(",")[0] for alt in shown} == {"source", "fused", "attention", "experts"}
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", page)
    assert len(page) < 3_000_000
    assert "<h1>a&amp;b.mp4</h1>" in page
    assert page.count("<polyline") == 3


def test_the_sphere_of_a_report_has_the_moments_and_its_script_is_allowed(folder):
    page = (folder / "video.html").read_text(encoding="utf-8")
    sphere = json.loads(re.search(r'<script type="application/json" id="sphere-data">(.*?)</script>', page).group(1))
    assert [moment["label"] for moment in sphere["moments"]] == [f"{k / 10:.2f} s" for k in (0, 2, 4, 5, 7, 9)]
    for moment, index in zip(sphere["moments"], (0, 2, 4, 5, 7, 9), strict=True):
        for stream, address in zip(sphere["streams"], moment["maps"], strict=True):
            suffix = "" if stream == "fused" else f".{stream}"
            saliency = np.load(folder / "maps" / f"a&b{suffix}" / f"{index:06d}.npy")
            levels = np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))
            assert np.abs(levels / 255 - saliency / saliency.max()).max() < 0.003
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page


def test_a_report_of_a_photo_has_no_time(folder):
    assert run("report", folder / "maps" / "photo.json", "-o", folder / "photo.html").exit_code == 0
    page = (folder / "photo.html").read_text(encoding="utf-8")
    assert len(list(pictures(page))) == 4
    assert "<svg" not in page
    assert "°, pitch " in page
    assert "<td>0.0 s</td>" not in page
    assert "Each row is a moment" not in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["maps/photo.json", "-o", "report.pdf"], "a report is an .html file"),
        (["maps/photo.json", "-o", "made.html"], "made.html: already exists"),
        (["photo.png", "-o", "x.html"], "photo.png: cannot be read as JSON"),
        (["maps/photo.json", "-o", "x.html", "--media", "a&b.mp4"], "is another file or has changed"),
    ],
)
def test_mistakes_are_explained(folder, monkeypatch, arguments, message):
    monkeypatch.chdir(folder)
    (folder / "made.html").touch()
    found = run("report", *arguments)
    assert found.exit_code == 1
    assert message in found.output
    assert not (folder / "x.html").exists()

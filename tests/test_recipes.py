"""The Python in README.md and docs/recipes.md runs as it is printed, and does what its text says."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import atsal
from atsal.video.image_reader import read_image
from atsal.video.synthetic_scene import Scene, render_video
from fakes.opencv import STAND_IN, Camera

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## ([^\n]+)\n\n```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(Scene(2).render(64, 0.0)).save("photo.jpg")
    render_video("video.mp4", seconds=0.5, frame_rate=8, erp_height=64, seed=1)
    return tmp_path


@pytest.fixture(params=["stand-in", "OpenCV"])
def opencv(request, monkeypatch):
    """OpenCV with a camera that shows video.mp4, and no windows; the list of what it showed."""
    own = pytest.importorskip("cv2") if request.param == "OpenCV" else STAND_IN
    shown = []
    patched = SimpleNamespace(
        imread=own.imread,
        imwrite=own.imwrite,
        VideoCapture=lambda _number: Camera("video.mp4"),
        imshow=lambda _title, image: shown.append(image),
        waitKey=lambda _ms: -1,
    )
    monkeypatch.setitem(sys.modules, "cv2", patched)
    return shown


def run(title):
    names = {}
    exec(compile(RECIPES[title], f"recipes.md, {title}", "exec"), names)
    return names


def test_every_recipe_is_tested():
    assert PAGE.count("```python") == len(RECIPES)
    text = Path(__file__).read_text(encoding="utf-8")
    assert not [title for title in RECIPES if f'run("{title}")' not in text]


def test_a_photo_in_numpy(folder, capsys):
    names = run("NumPy and Pillow: a photo")
    assert names["probability"].sum() == pytest.approx(1)
    weights = np.broadcast_to(names["solid_angle_weights"](160).numpy(), (160, 320))
    cap = (1 - np.cos(np.pi / 4)) / 2  # share of the sphere within 45° of a direction
    assert weights[names["in_front"]].sum() / weights.sum() == pytest.approx(cap, rel=0.01)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(atsal.peaks(names["saliency"], 3))
    assert 0 < int(lines[-1].split("%")[0]) <= 100
    assert read_image("overlay.png").shape == (64, 128, 3)


def test_many_photos(folder):
    Image.fromarray(Scene(3).render(32, 0.0)).save("other.jpg")
    names = run("Many photos")
    np.testing.assert_array_equal(np.load("photo.npy"), names["model"].predict_image(read_image("photo.jpg")))
    np.testing.assert_array_equal(np.load("other.npy"), names["model"].predict_image(read_image("other.jpg")))


def test_a_photo_in_opencv(folder, opencv):
    names = run("OpenCV: a photo")
    rgb = read_image("photo.jpg")
    saliency = names["model"].predict_image(rgb)
    np.testing.assert_allclose(names["saliency"], saliency, atol=0.05 * saliency.max())  # JPEG decoders differ a little
    difference = read_image("overlay.png").astype(int) - atsal.overlay(rgb, saliency)
    assert np.abs(difference).mean() < 3


def test_tensors(folder):
    names = run("PyTorch: a batch of tensors")
    assert names["saliency"].shape == (4, 1, 256, 512)
    image = (names["batch"][2].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    expected = names["model"].predict_image(image, height=256)
    found = names["saliency"][2, 0].numpy()
    assert np.abs(found - expected).mean() < 0.02 * expected.mean()


def test_a_video(folder, capsys):
    run("A video")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" s:")[0] for line in lines] == ["0.00", "0.12", "0.25", "0.38"]


def test_a_webcam(folder, opencv):
    names = run("OpenCV: a webcam, frame by frame")
    assert len(opencv) == 4
    assert opencv[0].shape == (64, 128, 3)
    assert names["state"] is not None
    source = next(iter(Camera("video.mp4")._frames)).image
    hidden = np.abs(opencv[0][..., ::-1].astype(int) - source).max(-1) == 0
    assert 0.02 < hidden.mean() < 1, "where nobody looks, the frame stays as it is, with its colours in order"


def test_the_readme_runs(folder):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    frames = [read_image("photo.jpg")] * 2
    names = {"erp": frames[0], "camera": enumerate(frames)}
    Path("video.mp4").rename("in.mp4")
    exec(compile(code, "README.md", "exec"), names)
    assert names["probability"].sum() == pytest.approx(1)
    assert names["maps"]["fused"].shape == names["saliency"].shape
    assert len(text.splitlines()) <= 120

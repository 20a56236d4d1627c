from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atsal.prediction.predictor import Predictor, load_model
from atsal.video.synthetic_scene import Scene, render_video


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    return load_model("lite", device="cpu")


@pytest.fixture(scope="session")
def scene() -> np.ndarray:
    """A picture of 320x160, the size the network takes frames at."""
    return Scene(7).render(160, 0.0)


@pytest.fixture(scope="session")
def made_clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "walk.mp4"
    render_video(path, seconds=1, frame_rate=8, erp_height=64, seed=1)
    return path


@pytest.fixture
def clip(made_clip, tmp_path) -> Path:
    """A clip of 8 frames, 128x64, in a folder of its own."""
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / "walk.mp4"
    path.write_bytes(made_clip.read_bytes())
    return path


@pytest.fixture
def broken_clip(tmp_path) -> Path:
    """A clip of 24 frames, cut off."""
    folder = tmp_path / "broken"
    folder.mkdir()
    path = folder / "walk.mp4"
    render_video(path, seconds=2, frame_rate=12, erp_height=64, seed=1)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.85)])
    return path


@pytest.fixture
def still(tmp_path) -> Callable[..., Path]:
    def make(name: str, height: int = 64, folder: str = "in") -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(Scene(3).render(height, 0.0)).save(path)
        return path

    return make


@pytest.fixture
def frame_folder(tmp_path) -> Path:
    """Twelve images, f0 to f11; a video beside them is no frame."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(12):
        Image.fromarray(Scene(3).render(32, number / 10)).save(folder / f"f{number}.png")
    return folder

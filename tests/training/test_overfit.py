"""The first thing a newcomer tries: the whole pipeline learns one made-up scene."""

import pytest
from PIL import Image

from atsal.training.overfit import overfit
from training.conftest import CPU


@pytest.mark.slow
def test_a_scene_is_learned_by_heart(tmp_path):
    said = []
    score = overfit(tmp_path, CPU, epochs=8, say=said.append, status=lambda _line: None)
    assert score > 0.9, said
    with Image.open(tmp_path / "learned.png") as picture:
        assert picture.width > picture.height

"""The page in Chromium for a minute, and for ten: it holds no more after than before."""

import pytest

from fakes.disc_video import COUNT, SCENE, site

pytestmark = pytest.mark.web


@pytest.mark.parametrize("seconds", [45, pytest.param(600, marks=pytest.mark.slow)])
def test_memory_is_steady_while_a_video_loops(check, video, tmp_path, monkeypatch, seconds):
    monkeypatch.setattr("atsal.viewing.packing.CHUNK_FRAMES", 3)  # more files than the page keeps
    print(check("endurance", site(video, "video", tmp_path, COUNT), SCENE | {"seconds": seconds}))

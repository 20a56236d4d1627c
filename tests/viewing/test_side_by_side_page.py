"""Two views of one frame, and maps of gaze and of heads, in a real Chromium."""

import pytest

from atsal.video.image_writer import write_rgb_png
from fakes.disc_video import COUNT, PITCHES_DEG, picture, site

pytestmark = pytest.mark.web


def test_two_views(check, video, tmp_path):
    check("side_by_side", site(video, "video", tmp_path, COUNT, streams=tuple(PITCHES_DEG)))


def test_without_webgl_there_is_one_view(check, tmp_path):
    write_rgb_png(tmp_path / "photo.png", picture(0))
    folder = tmp_path / "made"
    folder.mkdir()
    check("one_view", site(tmp_path / "photo.png", "image", folder, 1))

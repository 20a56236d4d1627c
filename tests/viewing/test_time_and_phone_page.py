"""Previews on the time line, and a phone that turns the view, in a real Chromium."""

import pytest

from fakes.disc_video import COUNT, site

pytestmark = pytest.mark.web


@pytest.mark.parametrize("name", ["previews", "phone"])
def test_page(check, video, tmp_path, name):
    check(name, site(video, "video", tmp_path, COUNT))

"""The page in Chromium, in many sizes and colours, and with hostile addresses: `page/looks.test.mjs`."""

import pytest

from fakes.disc_video import COUNT, site

pytestmark = pytest.mark.web


def test_the_page_in_many_sizes_and_with_hostile_addresses(check, video, tmp_path):
    check("looks", site(video, "video", tmp_path, COUNT))

"""Recorded gaze in the page, in a real Chromium: `make test-web`. The checks are in `page/gaze*.test.mjs`."""

import numpy as np
import pytest

from atsal.prediction.options import ReadOptions
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.media import prepare_media
from atsal.viewing.recorded_gaze import open_item
from atsal.viewing.site import Subject, build_site
from fakes.recorded_set import FRAMES, LOOKS, RATE, write_recorded_set

pytestmark = pytest.mark.web
READING = ReadOptions()
SCENE = {"looks": LOOKS, "rate": RATE}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return write_recorded_set(tmp_path_factory.mktemp("recorded"))


def site(prepared, item, folder):
    recorded = open_item(prepared, item)
    media, shown = prepare_media(recorded.source, READING, folder, copy=False)
    subject = Subject(media, shown, ("fused", "recorded"), "head_eye", "test", recorded.notes(), recorded.gaze(READING))
    black = {"fused": np.zeros((64, 128), np.float32)}
    frames = (FrameMaps(index, index / RATE, black) for index in range(FRAMES if item == "video" else 1))
    return build_site(subject, recorded.with_recorded_maps(frames), folder)[0]


def test_gaze_on_a_photo(check, prepared, tmp_path):
    check("gaze", site(prepared, "photo", tmp_path), SCENE)


def test_gaze_on_a_video(check, prepared, tmp_path):
    check("gaze_video", site(prepared, "video", tmp_path), SCENE)


def test_gaze_without_times(check, prepared, tmp_path):
    check("gaze_untimed", site(prepared, "order", tmp_path), SCENE)

"""Small pictures for the time line: few enough for any video, each of its own time."""

import numpy as np
import pytest
from PIL import Image

from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.previews import COLUMNS, MOST, SIZE, PreviewSheet

FLAT = np.zeros((40, 80), np.float32)


def frames(count, apart_s):
    """Each frame is grey by its number."""
    for number in range(count):
        image = np.full((80, 160, 3), number * 255 // count, np.uint8)
        yield FrameMaps(number, number * apart_s, {"fused": FLAT}, image)


@pytest.mark.parametrize(("count", "apart_s"), [(1, 0.04), (60, 0.25), (2000, 0.5), (901, 1 / 30)])
def test_each_picture_is_that_of_its_time(count, apart_s, tmp_path):
    sheet = PreviewSheet()
    for frame in frames(count, apart_s):
        sheet.add(frame, "fused")
    found = sheet.finish(tmp_path)
    times_s = np.array(found.times_s)
    assert len(times_s) <= MOST
    assert times_s[0] == 0
    if len(times_s) > 1:
        assert np.diff(times_s).max() < 2.1 * np.diff(times_s).min()
        assert (count * apart_s - times_s[-1]) <= np.diff(times_s).max() + 1e-3
        assert count * apart_s < 10 or len(times_s) > MOST // 3
    picture = np.asarray(Image.open(tmp_path / found.file))
    for place, time_s in enumerate(times_s):
        row, column = divmod(place, COLUMNS)
        seen = picture[row * SIZE[1] + 40, column * SIZE[0] + 80]
        assert seen == pytest.approx(round(time_s / apart_s) * 255 // count, abs=3)


def test_the_map_is_drawn_over_the_picture_or_over_black(tmp_path):
    saliency = FLAT.copy()
    saliency[15:25, 55:65] = 1
    for image in (np.full((80, 160, 3), 200, np.uint8), None):
        sheet = PreviewSheet()
        sheet.add(FrameMaps(0, 0.0, {"fused": saliency}, image), "fused")
        picture = np.asarray(Image.open(tmp_path / sheet.finish(tmp_path).file)).astype(int)
        assert np.ptp(picture[40, 121]) > 50, "a colour"
        assert np.ptp(picture[40, 40]) < 8, "grey"
        assert picture[40, 40, 0] == pytest.approx(0 if image is None else 200, abs=8)

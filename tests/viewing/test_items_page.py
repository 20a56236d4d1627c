"""A page with several items in Chromium: `make test-web`. The checks are in `page/items.test.mjs`."""

import numpy as np
import pytest

from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.video.image_writer import write_rgb_png
from atsal.video.synthetic_scene import Scene
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.media import prepare_media
from atsal.viewing.scene import Item, Progress
from atsal.viewing.site import Subject, build_site, files_in, make_page
from fakes.blob_maps import blob_map

pytestmark = pytest.mark.web
ITEMS = [
    Item(f"{name}.jpg", "photo", f"items/{number}/") for number, name in enumerate(("first", "second", "third"), 1)
]


def photo(folder):
    folder.mkdir()
    write_rgb_png(folder / "photo.png", Scene(1).render(64, 0.0))
    media, path = prepare_media(Source(folder / "photo.png", "image"), ReadOptions(), folder, copy=False)
    maps = {"fused": blob_map([(0.0, 0.0, 1.0, 8.0)], rows=45).astype(np.float32)}
    return build_site(Subject(media, path, ("fused",), "head_eye", "test"), [FrameMaps(0, 0.0, maps)], folder)[0]


def test_several_items(check, tmp_path):
    site = make_page(ITEMS, tmp_path) | files_in(ITEMS[0], photo(tmp_path / "one"))
    second = files_in(ITEMS[1], photo(tmp_path / "two"))
    asked = []

    def find_progress(name):
        """The second photo is there after a second; the third never is."""
        if name == "items/3/scene.json":
            return Progress("third.jpg: is flat; export it as 360°", None, failed=True)
        asked.append(name)
        if len(asked) > 4:
            site.update(second)
        return Progress("Predicting", 0.345, failed=False)

    check("items", site, find_progress=find_progress)


def test_a_single_item(check, tmp_path):
    check("one_item", photo(tmp_path / "one"))

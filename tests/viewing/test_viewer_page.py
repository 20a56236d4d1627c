"""The page in a real Chromium: `make test-web`. The checks are in `page/*.test.mjs`."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import av
import numpy as np
import pytest

from atsal.video.image_writer import write_rgb_png
from atsal.viewing.scene import Item
from atsal.viewing.site import export_site, files_in, make_page
from fakes.disc_video import COUNT, ROWS, picture, site, write_video

pytestmark = pytest.mark.web


def test_a_video(check, video, tmp_path, monkeypatch):
    monkeypatch.setattr("atsal.viewing.packing.CHUNK_FRAMES", 3)  # more files than the page keeps
    check("video", site(video, "video", tmp_path, COUNT))


def test_an_export_on_a_server_that_gives_whole_files_only(check, video, tmp_path):
    """As `python -m http.server` does; a browser cannot seek in a video from there."""
    (tmp_path / "made").mkdir()
    files, item = site(video, "video", tmp_path / "made", COUNT), Item("disc.mp4", "video", "items/1/")
    export_site(make_page([item], tmp_path) | files_in(item, files), tmp_path / "page", overwrite=False)
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "page")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        check.at("video", f"http://127.0.0.1:{server.server_port}/", tests="random seeks")
        server.shutdown()


def test_every_fifth_frame_of_a_stereo_video(check, tmp_path):
    """The right view is green all over: none of it may be seen."""
    right = np.full((ROWS, 2 * ROWS, 3), (0, 255, 0), np.uint8)
    write_video(tmp_path / "stereo.mp4", [np.concatenate([picture(index), right]) for index in range(20)])
    folder = tmp_path / "made"
    folder.mkdir()
    check("sparse", site(tmp_path / "stereo.mp4", "video", folder, 15, stride=5, stereo="top-bottom"))


def test_a_photo(check, tmp_path):
    write_rgb_png(tmp_path / "photo.png", picture(0))
    folder = tmp_path / "made"
    folder.mkdir()
    check("photo", site(tmp_path / "photo.png", "image", folder, 1))


def test_maps_that_are_missing_are_named(check, video, tmp_path):
    found = site(video, "video", tmp_path, COUNT)
    del found["maps/fused-00000.maps"]
    check("broken", found, message="The maps in items/1/maps/fused-00000.maps cannot be loaded")


def test_a_codec_that_the_browser_does_not_know(check, tmp_path):
    path = tmp_path / "old.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=10, width=128, height=64, pix_fmt="yuv420p")
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 128, 3), np.uint8))))
        container.mux(stream.encode())
    folder = tmp_path / "made"
    folder.mkdir()
    check("broken", site(path, "video", folder, 3), message="cannot play old.mp4 (codec mpeg4)")


def test_a_page_without_its_scene(check, video, tmp_path):
    found = site(video, "video", tmp_path, 3)
    del found["scene.json"]
    check("broken", found, message="items/1/scene.json cannot be loaded (answer 404)")

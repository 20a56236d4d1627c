"""The page in a real Chromium: `make test-web`. The checks are in `page/*.test.mjs`."""

import json
import os
import shutil
import subprocess
import threading
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest

from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.projection import erp_directions
from atsal.regions.region import unit_vector
from atsal.video.image_writer import write_rgb_png
from atsal.video.writer import VideoWriter
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.media import prepare_media
from atsal.viewing.site import Subject, build_site, export_site
from fakes.blob_maps import blob_map

pytestmark = pytest.mark.web
RATE = Fraction(30000, 1001)
COUNT = 50  # maps; the video is longer
START_DEG, STEP_DEG, PITCH_DEG = -120.0, 1.5, 20.0
SCENE = {"rate": float(RATE), "count": COUNT, "start_deg": START_DEG, "step_deg": STEP_DEG, "pitch_deg": PITCH_DEG}
ROWS = 256


def picture(index):
    """A red disc of 12° on black; its yaw tells the frame."""
    cosines = erp_directions(ROWS).numpy() @ unit_vector(START_DEG + STEP_DEG * index, PITCH_DEG)
    found = np.zeros((ROWS, 2 * ROWS, 3), np.uint8)
    found[..., 0] = np.where(cosines > np.cos(np.radians(12)), 255, 0)
    return found


def maps(count, stride=1):
    for index in range(0, count, stride):
        yaw_deg = START_DEG + STEP_DEG * index
        pitches = {"fused": PITCH_DEG, "attention": 40.0, "experts": -40.0}
        found = {
            stream: blob_map([(yaw_deg, pitch, 1.0, 4.0)], rows=90, floor=0.001).astype(np.float32)
            for stream, pitch in pitches.items()
        }
        yield FrameMaps(index, index / float(RATE), found)


def site(path, kind, folder, count, stride=1, stereo="auto"):
    media, shown = prepare_media(Source(path, kind), ReadOptions(stereo=stereo), folder, copy=False)
    subject = Subject(media, shown, ("fused", "attention", "experts"), "test")
    return build_site(subject, maps(count, stride), folder)[0]


def write_video(path, pictures):
    height, width = pictures[0].shape[:2]
    with VideoWriter(path, (width, height), RATE) as writer:
        for index, image in enumerate(pictures):
            writer.write(image, index / float(RATE))


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "disc.mp4"
    write_video(path, [picture(index) for index in range(COUNT + 10)])
    return path


@pytest.fixture
def check(pytestconfig, serve):
    """Run the checks of a file on a page."""
    root = pytestconfig.rootpath
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if shutil.which("node") is None or not (root / "viewer" / "node_modules" / "playwright-core").is_dir():
        pytest.skip("node or viewer/node_modules is missing: `make test-web` installs the latter")
    if chromium is None:
        pytest.skip("no Chromium was found; Debian's is `apt-get install chromium`")

    def run(name, site, message=""):
        with serve(site) as server:
            run_at(name, server.address, message)

    def run_at(name, address, message="", tests="."):
        environment = os.environ | {
            "ATSAL_PAGE": address,
            "ATSAL_CHROMIUM": chromium,
            "ATSAL_VIEWER_PACKAGE": str(root / "viewer" / "package.json"),
            "ATSAL_SCENE": json.dumps(SCENE),
            "ATSAL_MESSAGE": message,
        }
        script = Path(__file__).parent / "page" / f"{name}.test.mjs"
        command = ["node", "--test-reporter=spec", f"--test-name-pattern={tests}", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    run.at = run_at
    return run


def test_a_video(check, video, tmp_path, monkeypatch):
    monkeypatch.setattr("atsal.viewing.packing.CHUNK_FRAMES", 3)  # more files than the page keeps
    check("video", site(video, "video", tmp_path, COUNT))


def test_an_export_on_a_server_that_gives_whole_files_only(check, video, tmp_path):
    """As `python -m http.server` does; a browser cannot seek in a video from there."""
    (tmp_path / "made").mkdir()
    export_site(site(video, "video", tmp_path / "made", COUNT), tmp_path / "page", overwrite=False)
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
    check("broken", found, "The maps in maps/fused-00000.maps cannot be loaded")


def test_a_codec_that_the_browser_does_not_know(check, tmp_path):
    path = tmp_path / "old.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=10, width=128, height=64, pix_fmt="yuv420p")
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 128, 3), np.uint8))))
        container.mux(stream.encode())
    folder = tmp_path / "made"
    folder.mkdir()
    check("broken", site(path, "video", folder, 3), "cannot play old.mp4 (codec mpeg4)")


def test_a_page_without_its_scene(check, video, tmp_path):
    found = site(video, "video", tmp_path, 3)
    del found["scene.json"]
    check("broken", found, "scene.json cannot be loaded (answer 404)")

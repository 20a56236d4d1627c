"""The page that predicts, in a real Chromium: `make test-web`. The checks are in `page/live*.test.mjs`."""

import json
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from atsal import load_model
from atsal.prediction.streams import STREAMS
from atsal.video.reader import read_frames
from atsal.video.render import PeakTracker, map_levels
from atsal.video.synthetic_scene import Scene, render_video
from atsal.video.writer import VideoWriter
from atsal.viewing.live_page import build_live_site
from atsal.viewing.site import export_site

pytestmark = pytest.mark.web
RATE, FRAMES = 15, 24
MOST_GAP_S = 1.0  # viewer/src/live/network.ts
LEAST_CORRELATION = {"fused": 0.999, "attention": 0.998, "experts": 0.999}  # FFmpeg halves the width of colours


@pytest.fixture(scope="module")
def model():
    return load_model("lite", runtime="torch", device="cpu")


def levels_of(model, frames, streams):
    """The levels of consecutive frames (time, image), as the page draws them."""
    state, before_s, peaks = None, None, {}
    for time_s, image in frames:
        if before_s is None or not 0 < time_s - before_s <= MOST_GAP_S:
            state, peaks = None, {stream: PeakTracker() for stream in streams}
        maps, state = model.step(image, state, streams, model.config.map_height, seconds=time_s)
        before_s = time_s
        yield {name: map_levels(found, peaks[name].update(found)) for name, found in maps.items()}


@pytest.fixture(scope="module")
def files(tmp_path_factory, model):
    """The files that are dropped, and what Python predicts of them."""
    folder = tmp_path_factory.mktemp("files")
    render_video(folder / "scene.mp4", seconds=4, frame_rate=RATE, erp_height=240, seed=3)
    photo = Scene(1).render(480, 0.0)
    Image.fromarray(photo).save(folder / "photo.png")
    maps, _ = model.step(photo, None, tuple(STREAMS), model.config.map_height, seconds=None)
    expected = {name: map_levels(found, float(found.max())).ravel().tolist() for name, found in maps.items()}
    (folder / "photo.json").write_text(json.dumps(expected))
    times_s = [index / 5 for index in range(FRAMES)]
    images = [Scene(5).render(160, time_s) for time_s in times_s]
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{index}.png")
    levels = [
        found["fused"].ravel().tolist() for found in levels_of(model, zip(times_s, images, strict=True), ["fused"])
    ]
    (folder / "frames.json").write_text(json.dumps({"times_s": times_s, "expected": levels}))
    flat = np.full((90, 160, 3), 90, np.uint8)
    Image.fromarray(flat).save(folder / "flat.png")
    with VideoWriter(folder / "flat.mp4", (160, 90), 10) as writer:
        for index in range(10):
            writer.write(flat, index / 10)
    for name in ("broken.mp4", "broken.png", "notes.txt"):
        (folder / name).write_bytes(b"not what it seems " * 50)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return build_live_site("lite", tmp_path_factory.mktemp("live"))


def test_files_that_are_dropped(check, serve, files, site, model):
    with serve(site) as server:
        count = min(max((os.cpu_count() or 1) - 1, 1), 4)
        threads = "1 thread" if count == 1 else f"{count} threads"
        check.at("live", server.address, {"files": str(files), "threads": threads})
    found = json.loads((files / "found.json").read_text())
    images = {
        round(frame.timestamp_s * RATE): frame.image for frame in read_frames(files / "scene.mp4", size=(320, 160))
    }
    frames = [(one["time_s"], images[round(one["time_s"] * RATE)]) for one in found]
    expected = list(levels_of(model, frames, tuple(STREAMS)))
    assert len(found) > 5
    for one, other in zip(found, expected, strict=True):
        for stream, levels in other.items():
            correlation = np.corrcoef(one["maps"][stream], levels.ravel())[0, 1]
            assert correlation > LEAST_CORRELATION[stream], f"{stream} at {one['time_s']} s: {correlation}"


def test_an_export_on_any_web_server_runs_in_one_thread(check, files, site, tmp_path):
    export_site(site, tmp_path / "page", overwrite=False)
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "page")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        check.at("live", address, {"files": str(files), "threads": "1 thread"}, tests="says what to do|a photo has")
        server.shutdown()


@pytest.mark.parametrize("name", ["items/1/network.onnx", "live/onnxruntime.gzip", "live/live.worker.js"])
def test_a_missing_file_is_named(check, serve, site, name):
    with serve({other: path for other, path in site.items() if other != name}) as server:
        expected = "the program of the worker" if name.endswith("js") else f"{name.rpartition('/')[2]} cannot be loaded"
        check.at("broken", server.address, message=expected)

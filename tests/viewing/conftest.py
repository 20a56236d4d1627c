"""A page that is served while a test runs, and the checks of a page in a real Chromium (`page/*.test.mjs`)."""

import json
import os
import shutil
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from atsal.viewing.scene import Item
from atsal.viewing.server import SiteServer
from atsal.viewing.site import files_in, make_page
from fakes.disc_video import COUNT, SCENE, picture, write_video

TIMEOUT_S = 900  # a check that fails may leave its browser open, and would never end


@contextmanager
def serving(site, find_progress=lambda _name: None):
    with SiteServer(site, find_progress) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def serve():
    return serving


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "disc.mp4"
    write_video(path, [picture(index) for index in range(COUNT + 10)])
    return path


@pytest.fixture
def check(pytestconfig, serve, tmp_path):
    """Run the checks of `page/NAME.test.mjs` on the files of an item, or of a page; `scene` says what is in it."""
    root = pytestconfig.rootpath
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if shutil.which("node") is None or not (root / "viewer" / "node_modules" / "playwright-core").is_dir():
        pytest.skip("node or viewer/node_modules is missing: `make test-web` installs the latter")
    if chromium is None:
        pytest.skip("no Chromium was found; Debian's is `apt-get install chromium`")

    def run(name, files, scene=SCENE, find_progress=lambda _name: None, **more):
        site = files if "catalogue.json" in files else page_of(files, tmp_path)
        with serve(site, find_progress) as server:
            return run_at(name, server.address, scene, **more)

    def run_at(name, address, scene=SCENE, message="", tests="."):
        environment = os.environ | {
            "ATSAL_PAGE": address,
            "ATSAL_CHROMIUM": chromium,
            "ATSAL_VIEWER_PACKAGE": str(root / "viewer" / "package.json"),
            "ATSAL_SCENE": json.dumps(scene),
            "ATSAL_MESSAGE": message,
        }
        script = Path(__file__).parent / "page" / f"{name}.test.mjs"
        command = ["node", "--test-reporter=spec", f"--test-name-pattern={tests}", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.at = run_at
    return run


def page_of(files, folder):
    """Return a page with one item, which has these files."""
    item = Item("item", "video", "items/1/")
    return make_page([item], folder) | files_in(item, files)

"""The page of `atsal serve` in Chromium, alone and behind nginx: `make test-web`. See `page/service.test.mjs`."""

import re
import subprocess
import sys

import pytest

from atsal.video.image_writer import write_rgb_png
from atsal.video.synthetic_scene import Scene
from fakes.disc_video import RATE
from fakes.service_process import atsal_serve, nginx_before

pytestmark = pytest.mark.web


@pytest.fixture
def sources(video, tmp_path):
    photo = tmp_path / "photo.png"
    write_rgb_png(photo, Scene(1).render(64, 0.0))
    return {"video": str(video), "photo": str(photo), "frame_s": float(1 / RATE), "token": ""}


def test_files_are_dropped_watched_and_opened(check, sources, tmp_path):
    with atsal_serve(tmp_path / "data") as address:
        check.at("service", address, sources)


def test_the_same_behind_nginx_with_a_token(check, sources, tmp_path):
    (tmp_path / "nginx").mkdir()
    command = [
        sys.executable,
        "-m",
        "atsal",
        "token",
        "add",
        "studio",
        "--scope",
        "submit",
        "--data",
        tmp_path / "data",
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    (token,) = re.findall(r"atsal_\S+", made.stdout)
    with (
        atsal_serve(tmp_path / "data", "--trust-proxy", "127.0.0.1") as address,
        nginx_before(address, tmp_path / "nginx") as proxy,
    ):
        check.at("service", proxy, sources | {"token": token}, tests="a video|upload|token")

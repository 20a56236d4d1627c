"""`atsal serve` as a process of its own, with the commands as its kinds of jobs."""

import re
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest
from serving_tools import send_upload, wait_for

from atsal.video.image_writer import write_rgb_png
from atsal.video.synthetic_scene import Scene


@contextmanager
def atsal_serve(folder, *options):
    """Run the command; give the process and a client."""
    command = [sys.executable, "-m", "atsal", "serve", "--data", str(folder), "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        address = next(found[1] for line in process.stderr if (found := re.search(r"listens at (\S+)", line)))
        try:
            with httpx.Client(base_url=address, timeout=60) as client:
                yield process, client
        finally:
            process.terminate()
            process.stderr.read()


@pytest.mark.slow
def test_a_photo_is_predicted(tmp_path):
    with atsal_serve(tmp_path / "data") as (process, client):
        write_rgb_png(tmp_path / "photo.png", Scene(seed=1).render(64, 0.0))
        source = send_upload(client, (tmp_path / "photo.png").read_bytes(), "photo.png")
        new = {"kind": "predict", "options": {"format": ["npy", "png"]}, "source": source}
        job = wait_for(client, client.post("/v1/jobs", json=new).json())
        assert job["state"] == "done", job
        assert [result["name"] for result in job["results"]] == ["source.json", "source.npy", "source.png"]
        assert client.get(f"/v1/jobs/{job['id']}/results/source.png").content[1:4] == b"PNG"
    assert process.returncode == 0

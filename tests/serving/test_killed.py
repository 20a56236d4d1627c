"""Servers and workers that are killed at random moments: every job ends once, with whole results or with its reason."""

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from threading import Timer

import httpx
import pytest
from serving_tools import PART, atsal_serve, begin_upload, send_upload, server_process, wait_for

from atsal.video.synthetic_scene import render_video

pytestmark = pytest.mark.slow
TEXT = b"text" * 50_000
SMALL = {"cwd": Path(__file__).parents[1]}  # from where `fakes` is found


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill(server, victim):
    """Kill the server, its workers, or both."""
    pids = children(server.pid) if victim in ("worker", "both") else []
    for pid in [*pids, *([server.pid] if victim in ("server", "both") else [])]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Client:
    """Uploads and submits as a program does that goes on after errors of the connection."""

    def __init__(self):
        self.uploads, self.submitted = {}, {}

    def work(self, client, number):
        """Upload in two parts, and submit two jobs with keys of their own."""
        address = self.uploads.get(number)
        if address is None:
            address = self.uploads[number] = begin_upload(client, len(TEXT))
        offset = int(client.head(address, headers={"Tus-Resumable": "1.0.0"}).headers["Upload-Offset"])
        for end in (len(TEXT) // 2, len(TEXT)):
            if offset < end:
                client.patch(address, headers=PART | {"Upload-Offset": str(offset)}, content=TEXT[offset:end])
                offset = end
        source = {"upload": address.rpartition("/")[2]}
        for key in ("a", "b"):
            new = {"kind": "count", "options": {"frames": 3, "seconds_each": 0.1}, "source": source}
            answer = client.post("/v1/jobs", json=new, headers={"Idempotency-Key": f"{number}{key}"})
            assert answer.status_code in (200, 201), answer.text
            self.submitted[number, key] = answer.json()["id"]


def test_killed_at_random_moments_every_job_ends_once(tmp_path):
    moments, program, folder = random.Random(2026), Client(), tmp_path / "data"
    for number in range(10):
        with server_process(folder, "fakes.small_server", str(folder), **SMALL) as (server, client):
            Timer(moments.uniform(0.0, 0.8), kill, [server, moments.choice(("server", "worker", "both"))]).start()
            try:
                for earlier in range(max(0, number - 1), number + 1):
                    program.work(client, earlier)
                time.sleep(1)
            except httpx.TransportError:
                server.wait(10)
            kill(server, "server")
    with server_process(folder, "fakes.small_server", str(folder), **SMALL) as (_, client):
        for number in range(10):
            program.work(client, number)
        assert len(set(program.submitted.values())) == 20
        jobs = [wait_for(client, {"id": job_id}) for job_id in program.submitted.values()]
        assert {job["id"] for job in client.get("/v1/jobs?limit=200").json()["jobs"]} == {job["id"] for job in jobs}
        for job in jobs:
            if job["state"] == "failed":
                assert "at the second try" in job["reason"] or "was ended by SIGKILL" in job["reason"]
                assert not (folder / "jobs" / job["id"]).exists()
            else:
                lines = client.get(f"/v1/jobs/{job['id']}/results/lines.txt").text.splitlines()
                assert [line.partition(" ")[0] for line in lines] == ["0", "1", "2"]
        assert sum(job["state"] == "done" for job in jobs) >= 10
    assert list((folder / "servers").iterdir()) == []


def test_when_one_of_two_servers_is_killed_the_other_one_does_all_its_jobs(tmp_path):
    folder = tmp_path / "data"
    command = "fakes.small_server", str(folder)
    with (
        server_process(folder, *command, **SMALL) as (first, client),
        server_process(folder, *command, **SMALL) as other,
    ):
        new = {"kind": "count", "options": {"frames": 4, "seconds_each": 0.1}, "source": send_upload(client, b"text")}
        jobs = [(client, other[1])[number % 2].post("/v1/jobs", json=new).json() for number in range(24)]
        wait_for(other[1], jobs[6])
        kill(first, "server")
        ended = [wait_for(other[1], job) for job in jobs]
    assert {job["state"] for job in ended} == {"done"}
    tries = [job["tries"] for job in ended]
    assert max(tries) <= 2
    assert sum(tries) <= 24 + 2  # only what the killed server had was begun again


def test_a_prediction_goes_on_after_its_server_was_killed(tmp_path):
    render_video(tmp_path / "scene.mp4", seconds=10, frame_rate=30, erp_height=64, seed=1)
    with atsal_serve(tmp_path / "data") as (server, client):
        source = send_upload(client, (tmp_path / "scene.mp4").read_bytes(), "scene.mp4")
        new = {"kind": "predict", "options": {"format": ["npy"], "size": "80x40"}, "source": source}
        job = client.post("/v1/jobs", json=new).json()
        while not client.get(f"/v1/jobs/{job['id']}").json()["progress"]["done"]:
            time.sleep(0.05)
        kill(server, "server")
    with atsal_serve(tmp_path / "data") as (_, client):
        ended = wait_for(client, job)
    assert (ended["state"], ended["tries"]) == ("done", 2)
    assert len(ended["results"]) == 1 + 300


def test_a_server_that_is_stopped_gives_its_job_to_the_next_one(tmp_path):
    folder = tmp_path / "data"
    with server_process(folder, "fakes.small_server", str(folder), **SMALL) as (server, client):
        new = {"kind": "count", "options": {"frames": 25, "seconds_each": 1}, "source": send_upload(client, b"text")}
        job = client.post("/v1/jobs", json=new).json()
        wait_for(client, job, ["running"])
        with client.stream("GET", f"/v1/jobs/{job['id']}/events") as events:
            next(events.iter_lines())
            server.terminate()
            assert server.wait(60) == 0
    with server_process(folder, "fakes.small_server", str(folder), **SMALL) as (_, client):
        ended = wait_for(client, job)
    assert (ended["state"], ended["tries"], ended["progress"]["total"]) == ("done", 1, 25)

"""A full disk, and a store that cannot be written: clear answers, nothing half done, and all goes on afterwards."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from serving_tools import begin_upload, serving, upload, wait_for
from sqlalchemy import event

from atsal.errors import AtsalError
from atsal.serving.service import open_service
from atsal.serving.settings import Settings
from fakes.small_kinds import COUNT


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB, which only root may mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder):
    """Leave no space on a disk; return the file that takes it."""
    filler = Path(folder, "filler")
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler


@pytest.mark.slow
def test_a_full_disk_refuses_work_and_goes_on_when_there_is_space(small_disk):
    with serving(small_disk / "data") as (service, client):
        source = upload(service)
        new = {"kind": "count", "source": source}
        running = client.post("/v1/jobs", json=new | {"options": {"frames": 60, "seconds_each": 0.05}}).json()
        wait_for(client, running, ["running"])
        before = set(service.data.jobs.iterdir())
        filler = fill(small_disk)
        answer = client.post("/v1/jobs", json=new)
        assert (answer.status_code, answer.json()["type"]) == (507, "/problems/disk-full")
        with pytest.raises(AssertionError, match="/problems/disk-full"):
            begin_upload(client, 1000)
        assert client.get(f"/v1/jobs/{running['id']}").status_code == 200
        assert set(service.data.jobs.iterdir()) == before
        time.sleep(4)  # the running job ends meanwhile, and the store cannot take it
        filler.unlink()
        ended = wait_for(client, running)
        assert (ended["state"], bool(ended["reason"])) in [("done", False), ("failed", True)]
        assert wait_for(client, client.post("/v1/jobs", json=new).json())["state"] == "done"
        assert client.get("/readyz").status_code == 200


def test_a_store_that_cannot_be_written_refuses_jobs_and_shows_those_that_are_there(tmp_path):
    def refuse_changes(connection, _entry):
        connection.execute("PRAGMA query_only = 1")

    with serving(tmp_path) as (service, client):
        new = {"kind": "count", "source": upload(service)}
        job = wait_for(client, client.post("/v1/jobs", json=new).json())
        event.listen(service.database.engine, "connect", refuse_changes)
        service.database.engine.dispose()
        answer = client.post("/v1/jobs", json=new)
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/store-unavailable")
        assert client.get(f"/v1/jobs/{job['id']}/results/lines.txt").text == "0 text\n"
        assert "the store of jobs cannot be written" in client.get("/readyz").json()["detail"]
        event.remove(service.database.engine, "connect", refuse_changes)
        service.database.engine.dispose()
        assert wait_for(client, client.post("/v1/jobs", json=new).json())["state"] == "done"


def test_a_service_does_not_start_on_a_disk_that_cannot_be_written(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(AtsalError, match="cannot be written: the file system is read-only"):
        open_service(Settings(small_disk / "data"), COUNT)

"""Jobs whose parts several workers do at the same time."""

import time

import pytest
from serving_tools import atsal_serve, send_upload, serving, upload, wait_for

from atsal.cli import main
from atsal.video.synthetic_scene import render_video


@pytest.fixture
def divided(tmp_path):
    with serving(tmp_path / "data", workers=2) as found:
        yield found


def submit(service, client, **options):
    new = {"kind": "count", "options": options, "source": upload(service)}
    return client.post("/v1/jobs", json=new).json()


def results(service, job):
    return {path.name: path.read_text() for path in service.data.result(job["id"]).iterdir()}


def test_both_workers_do_parts_and_then_one_ends_the_job(divided):
    service, client = divided
    job = wait_for(client, submit(service, client, parts=4, seconds_each=0.2))
    assert (job["state"], job["progress"], job["tries"]) == ("done", {"done": 4, "total": 4}, 1)
    found = results(service, job)
    assert set(found) == {"0.part", "1.part", "2.part", "3.part", "lines.txt", ".hidden"}
    assert len({found[f"{number}.part"].split()[0] for number in range(4)}) == 2


def test_another_job_does_not_wait_for_all_parts(divided):
    service, client = divided
    long = submit(service, client, parts=20, seconds_each=0.2)
    while client.get(f"/v1/jobs/{long['id']}").json()["progress"]["done"] < 2:
        time.sleep(0.02)
    assert wait_for(client, submit(service, client))["state"] == "done"
    assert client.get(f"/v1/jobs/{long['id']}").json()["state"] == "running"
    assert wait_for(client, long)["state"] == "done"


def test_a_part_that_ends_its_process_twice_ends_the_job(divided):
    service, client = divided
    job = wait_for(client, submit(service, client, parts=8, end="die"))
    assert (job["state"], job["tries"]) == ("failed", 2)
    assert "SIGKILL" in job["reason"]
    assert wait_for(client, submit(service, client, parts=2))["state"] == "done"
    assert not service.data.job(job["id"]).exists()


def test_a_cancelled_job_ends_in_all_workers(divided):
    service, client = divided
    job = submit(service, client, parts=4, seconds_each=60)
    while len(service.dispatcher._engine._busy) < 2:
        time.sleep(0.02)
    client.post(f"/v1/jobs/{job['id']}/cancel")
    assert wait_for(client, submit(service, client))["state"] == "done"
    assert not service.data.job(job["id"]).exists()


@pytest.mark.slow
def test_a_long_video_is_predicted_by_all_workers_to_the_bytes_of_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    render_video(tmp_path / "film.mp4", seconds=21, frame_rate=30, erp_height=64, seed=3)
    options = ["--format=npy", "--size=80x40", "--workers=2", "--quiet"]  # chunks of videos are longer
    main(["predict", "film.mp4", "--output=whole", *options], standalone_mode=False)
    with atsal_serve(tmp_path / "data", "--workers", "2") as (_, client):
        given = {"format": ["npy"], "size": "80x40"}
        source = send_upload(client, (tmp_path / "film.mp4").read_bytes(), "film.mp4")
        job = client.post("/v1/jobs", json={"kind": "predict", "options": given, "source": source}).json()
        busiest = 0
        while (now := client.get(f"/v1/jobs/{job['id']}").json())["state"] in ("waiting", "running"):
            parts = (tmp_path / "data" / "jobs" / job["id"] / "result" / ".film.chunks").glob("*.atsal-part")
            busiest = max(busiest, len(list(parts)))
            time.sleep(0.05)
    assert now["state"] == "done", now
    assert now["progress"] == {"done": 630, "total": 630}
    assert busiest == 2
    made = tmp_path / "data" / "jobs" / job["id"] / "result"
    for path in (tmp_path / "whole").rglob("*"):
        if path.is_file() and path.suffix != ".json":
            assert (made / path.relative_to(tmp_path / "whole")).read_bytes() == path.read_bytes()

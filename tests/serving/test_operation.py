"""What whoever runs the service sees of it."""

from serving_tools import serving, wait_for


def test_the_service_is_alive_and_ready(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}


def test_a_service_with_a_full_disk_is_not_ready(tmp_path):
    with serving(tmp_path, least_free_bytes=1 << 60) as (_, client):
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["detail"]) == (503, "the disk is full")
        assert client.get("/healthz").status_code == 200


def test_metrics_count_jobs_and_requests(submit, client):
    wait_for(client, submit())
    wait_for(client, submit(end="fail"))
    running = wait_for(client, submit(frames=1000, seconds_each=1.0), ["running"])
    for job in (submit(), running):
        client.post(f"/v1/jobs/{job['id']}/cancel")
    client.get("/v1/jobs/0123456789abcdef0123456789abcdef")
    lines = client.get("/metrics").text.splitlines()
    assert 'atsal_jobs{kind="count",state="done"} 1.0' in lines
    assert 'atsal_jobs_ended_total{kind="count",state="failed"} 1.0' in lines
    assert 'atsal_jobs_ended_total{kind="count",state="cancelled"} 2.0' in lines
    assert 'atsal_job_seconds_count{kind="count"} 3.0' in lines  # one was cancelled before it ran
    assert any(
        line.startswith('atsal_requests_total{method="GET",route="/v1/jobs/{job_id}",status="404"}') for line in lines
    )

"""Jobs over HTTP: submitted, watched, ended, listed, removed."""

import html
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from serving_tools import serving, upload, wait_for

from atsal.errors import StoreError
from atsal.serving import problem_types
from atsal.serving.job import new_id
from atsal.serving.sources.settings import SourceSettings
from fakes.small_kinds import COUNT, Count


def test_a_job_is_done_and_its_results_can_be_read(submit, client, service):
    job = wait_for(client, submit(frames=3))
    assert (job["state"], job["reason"], job["progress"]) == ("done", "", {"done": 3, "total": 3})
    assert [result["name"] for result in job["results"]] == ["lines.txt"]
    answer = client.get(f"/v1/jobs/{job['id']}/results/lines.txt")
    assert answer.text == "0 text\n1 text\n2 text\n"
    assert answer.headers["content-disposition"] == 'attachment; filename="a.lines.txt"'
    head = client.head(answer.url.path)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "21", b"")
    part = client.get(answer.url.path, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.text, part.headers["content-range"]) == (206, "text", "bytes 2-5/21")


@pytest.mark.parametrize(
    "name", ["../source.txt", "..%2fsource.txt", ".hidden", "%2e%2e/source.txt", "/etc/passwd", "a%00"]
)
def test_only_results_can_be_read(submit, client, name):
    job = wait_for(client, submit())
    answer = client.get(f"/v1/jobs/{job['id']}/results/{name}")
    assert answer.status_code == 404
    assert "text" not in answer.text.replace("text/", "")


def test_a_result_whose_file_is_gone_is_not_found(submit, client, service):
    job = wait_for(client, submit())
    (service.data.result(job["id"]) / "lines.txt").unlink()
    answer = client.get(f"/v1/jobs/{job['id']}/results/lines.txt")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def test_events_end_with_the_job(submit, client):
    job = submit(frames=3, seconds_each=0.4)
    with client.stream("GET", f"/v1/jobs/{job['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    assert events[-1]["state"] == "done"
    assert any(event["state"] == "running" and event["progress"]["done"] for event in events)


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ("Großer Film (2).MP4", "Großer_Film_2.mp4"),
        ("../../x.png", "x.png"),
        ("-rf.mp4", "rf.mp4"),
        ("film.plan.mp4", "film_plan.mp4"),
        ("e\u0301.mp4", "é.mp4"),
        ("\u202egnp.mp4", "gnp.mp4"),
        ("é" * 150 + ".mp4", "é" * 50 + ".mp4"),
        ("…….mp4", "source.mp4"),
        ("result", "source"),
        (".mp4", "source"),
        ("a.mp4 --overwrite", "source"),
    ],
)
def test_a_source_has_its_name_in_plain_characters(client, service, shown, name):
    new = {"kind": "count", "options": {}, "source": upload(service, name=shown)}
    job = client.post("/v1/jobs", json=new).json()
    assert service.jobs.get(job["id"]).file == name
    assert wait_for(client, job)["state"] == "done"


def test_events_go_on_after_a_moment_without_the_store(submit, client, service, monkeypatch):
    job, get, asked = submit(frames=3, seconds_each=0.5), service.jobs.get, []

    def get_later(job_id):
        asked.append(job_id)
        if len(asked) == 2:
            raise StoreError("the store of jobs cannot be used")
        return get(job_id)

    monkeypatch.setattr(service.jobs, "get", get_later)
    with client.stream("GET", f"/v1/jobs/{job['id']}/events") as stream:
        events = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    assert len(asked) > 2
    assert events[-1]["state"] == "done"


def test_a_job_that_fails_has_its_reason_and_leaves_nothing(submit, client, service):
    job = wait_for(client, submit(end="fail"))
    assert (job["state"], job["reason"], job["results"]) == ("failed", "a.txt: is too short", [])
    wait_for(client, submit())  # the folder is removed after the job has failed, and before the next one begins
    assert not service.data.job(job["id"]).exists()


def test_a_fault_of_the_program_says_nothing_of_the_machine(submit, client):
    job = wait_for(client, submit(end="raise"))
    assert (job["state"], job["reason"], job["tries"]) == ("failed", "met an unexpected error (ValueError)", 1)


def test_a_job_whose_source_is_partly_damaged_is_done_and_says_so(submit, client):
    job = wait_for(client, submit(end="partly"))
    assert (job["state"], job["reason"]) == ("done", "the last lines are damaged")
    assert job["progress"]["done"] < job["progress"]["total"]


def test_a_job_that_ends_its_process_is_tried_twice(submit, client):
    job = wait_for(client, submit(end="die"))
    assert (job["state"], job["tries"]) == ("failed", 2)
    assert job["reason"].startswith("its process was ended by SIGKILL")
    assert wait_for(client, submit())["state"] == "done"


@pytest.mark.parametrize(
    ("new", "kind", "detail"),
    [
        ({"kind": "cook"}, "invalid-option", "kind: there is no such kind; the kinds are count"),
        ({"options": {"end": "soon"}}, "invalid-option", "end: expected done"),
        ({"source": {"file": "none.txt"}}, "invalid-source", "there is no such file"),
        ({"source": {}}, "invalid-request", "body.source: Value error, give exactly one of"),
        ({"priority": 1}, "invalid-request", "body.priority: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_job_is_refused_with_a_problem(client, service, new, kind, detail):
    before = list(service.data.jobs.iterdir())
    answer = client.post("/v1/jobs", json={"kind": "count", "source": upload(service)} | new)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["type"] == f"/problems/{kind}"
    assert answer.json()["detail"].startswith(detail)
    assert list(service.data.jobs.iterdir()) == before


@pytest.mark.parametrize(
    "text",
    ['{"\\ud800": 1}', '{"end": "\\ud800"}', '{"frames": ' + "[" * 9000 + "]" * 9000 + "}", '{"a": 1e999, "b": NaN}'],
    ids=["name", "value", "deep", "numbers"],
)
def test_odd_json_is_refused(client, service, text):
    new = f'{{"kind": "count", "source": {{"upload": "{new_id()}"}}, "options": {text}}}'
    answer = client.post("/v1/jobs", content=new, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_error_is_a_problem(client):
    for method, path, status in [("GET", "/nothing", 404), ("PUT", "/v1/jobs", 405), ("GET", "/v1/jobs/1", 404)]:
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json()["status"] == status


@pytest.mark.parametrize(("value", "status"), [("bytes=900-", 416), ("bytes=5-2", 400), ("lines=1-2", 400)])
def test_a_part_that_is_not_there_is_a_problem(submit, client, value, status):
    path = f"/v1/jobs/{wait_for(client, submit())['id']}/results/lines.txt"
    answer = client.get(path, headers={"Range": value, "X-Request-ID": "mine"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.json()["status"], answer.json()["request_id"]) == (status, "mine")
    assert answer.headers.get("content-range") == ("bytes */7" if status == 416 else None)


def test_every_problem_has_a_page(client):
    sources = Path(problem_types.__file__).parent.rglob("*.py")
    made = [path.name for path in sources if re.search(r"\bProblemType\(", path.read_text())]
    assert made == ["problem_types.py"], "so that each is in the table"
    for name, kind in problem_types.PROBLEM_TYPES.items():
        page = client.get(f"/problems/{name}")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert kind.title in page.text
        assert kind.remedy in html.unescape(page.text)
        assert f'href="{name}"' in client.get("/problems/").text
    assert client.get("/problems/no-such").json()["type"] == "/problems/not-found"


def test_the_list_has_pages(submit, client):
    ids = [wait_for(client, submit())["id"] for _ in range(3)]
    first = client.get("/v1/jobs?state=done&limit=2").json()
    second = client.get(f"/v1/jobs?state=done&limit=2&before={first['next']}").json()
    assert [job["id"] for job in (*first["jobs"], *second["jobs"])][:3] == ids[::-1]
    assert client.get("/v1/jobs?kind=predict").json() == {"jobs": [], "next": None}


def test_a_running_job_is_cancelled_at_once(submit, client, service):
    job = wait_for(client, submit(frames=1000, seconds_each=1.0), ["running"])
    assert client.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    assert client.post(f"/v1/jobs/{job['id']}/cancel").status_code == 409
    assert wait_for(client, submit())["state"] == "done"
    assert not service.data.job(job["id"]).exists()


def test_a_removed_job_is_gone(submit, client, service):
    job = wait_for(client, submit())
    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert client.get(f"/v1/jobs/{job['id']}").status_code == 404
    assert not service.data.job(job["id"]).exists()


def test_an_idempotency_key_makes_one_job(client, service):
    new = {"kind": "count", "source": upload(service)}
    answers = [client.post("/v1/jobs", json=new, headers={"Idempotency-Key": "a"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    other = client.post("/v1/jobs", json=new | {"options": {"frames": 2}}, headers={"Idempotency-Key": "a"})
    assert other.json()["type"] == "/problems/idempotency-key-used"


def test_requests_at_once_do_not_pass_the_limit_of_waiting_jobs(tmp_path):
    with serving(tmp_path, sources=SourceSettings(waiting_jobs=2)) as (service, client):
        new = {"kind": "count", "options": {"frames": 100, "seconds_each": 1}, "source": upload(service)}
        wait_for(client, client.post("/v1/jobs", json=new).json(), ["running"])
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.post("/v1/jobs", json=new), range(8)))
        assert sorted(answer.status_code for answer in answers) == [201] * 2 + [429] * 6
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert (refused.json()["type"], refused.headers["retry-after"]) == ("/problems/too-many-requests", "60")
        assert len(list(service.data.jobs.iterdir())) == 3
        for job in client.get("/v1/jobs").json()["jobs"]:  # so that the service need not wait for them
            client.post(f"/v1/jobs/{job['id']}/cancel")


def test_requests_for_a_page_at_once_make_one(tmp_path):
    with serving(tmp_path, COUNT | {"view": Count(name="view")}) as (service, client):
        asked = {"kind": "count", "source": upload(service)}
        job = wait_for(client, client.post("/v1/jobs", json=asked).json())
        with ThreadPoolExecutor(6) as pool:
            made = list(pool.map(lambda _: client.post(f"/v1/jobs/{job['id']}/view"), range(6)))
        assert {answer.status_code for answer in made} <= {200, 202}
        assert len({answer.json()["id"] for answer in made}) == 1

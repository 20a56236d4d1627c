"""`atsal.client` against a real service: jobs, files, errors, and connections that are cut."""

import asyncio
import inspect
import os
import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from atsal.client import AsyncClient, Client, Job, Progress, Result, ServiceError
from atsal.client.downloading import checked_name
from atsal.errors import ConfigError, InputError, OutputError

LARGE = "0123456789" * 300_000


@pytest.fixture(scope="module")
def large_job(address, tmp_path_factory):
    """A job with a result of 3 MB."""
    path = tmp_path_factory.mktemp("large") / "large.txt"
    path.write_text(LARGE)
    with Client(address) as client:
        return client.wait(client.submit("count", path))


@pytest.mark.parametrize("client_type", [Client, AsyncClient])
def test_help_shows_what_a_method_takes_and_returns(client_type):
    signature = inspect.signature(client_type.submit)
    assert list(signature.parameters) == ["self", "kind", "source", "options"]
    assert signature.return_annotation is Job


def test_a_file_is_submitted_watched_and_fetched(client, source, tmp_path):
    seen = []
    job = client.submit("count", source, frames=3, seconds_each=None)
    assert (job.kind, job.options, job.name) == ("count", {"frames": 3}, "a film.txt")
    job = client.wait(job, progress=seen.append)
    assert (job.state, seen[-1].total) == ("done", 3)
    (path,) = client.download(job, tmp_path / "results", progress=seen.append)
    assert path == tmp_path / "results" / "lines.txt"
    assert path.read_text() == "0 text\n1 text\n2 text\n"
    assert seen[-1] == Progress(21, 21)
    assert [file.name for file in path.parent.iterdir()] == ["lines.txt"]
    assert client.job(job.id) == job


def test_the_asynchronous_client_does_the_same(address, source, tmp_path):
    async def use():
        async with AsyncClient(address) as client:
            jobs = await asyncio.gather(*(client.submit("count", source, frames=2) for _ in range(3)))
            done = await asyncio.gather(*map(client.wait, jobs))
            assert {job.state for job in done} == {"done"}
            return await client.download(done[0], tmp_path)

    (path,) = asyncio.run(use())
    assert path.read_text() == "0 text\n1 text\n"


def test_both_clients_can_do_the_same():
    public = [{name for name in vars(of) if not name.startswith("_")} for of in (Client, AsyncClient)]
    assert public[0] == public[1]
    assert not [name for name in public[0] if not getattr(Client, name).__doc__]


def test_jobs_are_listed_cancelled_and_removed(client, source):
    long = client.submit("count", source, frames=1000, seconds_each=1)
    short = client.submit("count", source)
    assert [job.id for job in client.jobs(limit=2)] == [short.id, long.id]
    assert client.cancel(long).state == "cancelled"
    with pytest.raises(ServiceError, match=f"the job {long.id} .* was cancelled") as cancelled:
        client.wait(long)
    assert cancelled.value.kind == "cancelled"
    client.wait(short)
    assert short.id in [job.id for job in client.jobs(state="done", kind="count")]
    client.delete(short)
    with pytest.raises(ServiceError, match=r"There is no such thing here: .*request [0-9a-f]{32}") as missing:
        client.job(short.id)
    assert (missing.value.status, missing.value.kind) == (404, "not-found")
    assert missing.value.request_id in str(missing.value)


def test_a_job_that_fails_raises_its_reason(client, source, tmp_path):
    job = client.submit("count", source, end="fail")
    with pytest.raises(ServiceError, match=r"count of a film\.txt\) failed: a film\.txt: is too short"):
        client.wait(job.id)
    with pytest.raises(ServiceError, match="has no results: it is failed"):
        client.download(job, tmp_path)


def test_what_the_service_refuses_is_said_in_its_words_before_an_upload(client, source, monkeypatch):
    uploads = []
    with monkeypatch.context() as patch:
        patch.setattr("atsal.client.operations.upload", uploads.append)
        with pytest.raises(ServiceError, match="An option of the job cannot be used: end: expected done"):
            client.submit("count", source, end="soon")
        with pytest.raises(ServiceError, match="there is no such kind"):
            client.submit("cuont", source)
    assert not uploads
    with pytest.raises(InputError, match=r"gone\.mp4: cannot be read"):
        client.submit("count", "gone.mp4")


def test_a_file_is_not_overwritten(client, source, tmp_path):
    job = client.wait(client.submit("count", source))
    (path,) = client.download(job, tmp_path)
    with pytest.raises(OutputError, match="exists; choose another folder, or pass overwrite=True"):
        client.download(job, tmp_path)
    path.write_text("old")
    client.download(job, tmp_path, overwrite=True)
    assert path.read_text() == "0 text\n"


def test_an_upload_goes_on_after_cuts(proxy, tmp_path):
    path = tmp_path / "large.txt"
    path.write_text("0123456789" * 1_000_000)
    proxy.cuts = [(3_000_000, 1 << 60), (2_000_000, 1 << 60)]
    seen = []
    with Client(proxy.address) as client:
        job = client.wait(client.submit("count", client.upload(path, progress=seen.append)))
        assert proxy.made >= 3
        assert job.results[0].bytes == 10_000_000 + 3
    assert seen[-1] == Progress(10_000_000, 10_000_000)


def test_a_file_that_becomes_shorter_ends_its_upload(client, tmp_path):
    path = tmp_path / "large.txt"
    path.write_bytes(bytes(10 << 20))
    with pytest.raises(InputError, match=r"large\.txt: became shorter while it was sent"):
        client.upload(path, progress=lambda _: os.truncate(path, 8 << 20))


def test_a_download_goes_on_after_a_cut_and_after_the_end_of_the_program(client, large_job, proxy, tmp_path):
    seen = []

    def stop(progress):
        if progress.done > 1_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.download(large_job, tmp_path / "results", progress=stop)
    (part,) = (tmp_path / "results").iterdir()
    assert part.name.startswith(".")
    proxy.cuts = [(1 << 60, 800_000)]
    with Client(proxy.address) as cut:
        (found,) = cut.download(large_job, tmp_path / "results", progress=seen.append)
    assert seen[0].done > 1_000_000
    assert found.read_text() == f"0 {LARGE}\n"
    assert [file.name for file in found.parent.iterdir()] == ["lines.txt"]


def test_two_downloads_of_one_file_do_not_mix(client, large_job, tmp_path):
    begun, other_ended = threading.Event(), threading.Event()

    def hold(progress):
        begun.set()
        other_ended.wait(30)

    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(client.download, large_job, tmp_path, progress=hold)
        assert begun.wait(30)
        with pytest.raises(OutputError, match=r"lines\.txt: another run is writing to it; wait until it ends"):
            client.download(large_job, tmp_path)
        other_ended.set()
        (path,) = first.result()
    assert path.read_text() == f"0 {LARGE}\n"
    assert [file.name for file in tmp_path.iterdir()] == ["lines.txt"]


def test_a_download_to_a_disk_without_room_says_so_and_goes_on_later(client, large_job, tmp_path):
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, old[1]))
    try:
        with pytest.raises(OutputError, match=r"lines\.txt: cannot be written: the file exceeds the size limit"):
            client.download(large_job, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    seen = []
    (path,) = client.download(large_job, tmp_path, progress=seen.append)
    assert seen[0].done > 900_000
    assert path.read_text() == f"0 {LARGE}\n"


def test_a_file_that_cannot_be_read_to_its_end_is_named(client, tmp_path):
    path = tmp_path / "large.txt"
    path.write_bytes(bytes(10 << 20))

    def break_descriptor(_progress):
        (descriptor,) = [int(link.name) for link in Path("/proc/self/fd").iterdir() if link.resolve() == path]
        folder = os.open(tmp_path, os.O_RDONLY)
        os.dup2(folder, descriptor)
        os.close(folder)

    with pytest.raises(InputError, match=r"large\.txt: cannot be read \(Is a directory\); check the path, and that"):
        client.upload(path, progress=break_descriptor)


def test_an_error_of_the_caller_in_progress_stays_what_it_is(client, source):
    def show(_progress):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        client.upload(source, progress=show)


def test_waiting_goes_on_after_a_cut(client, proxy, source):
    job = client.submit("count", source, frames=4, seconds_each=0.3)
    proxy.cuts = [(1 << 60, 900), (1 << 60, 0)]
    with Client(proxy.address) as cut:
        assert cut.wait(job).state == "done"
    assert proxy.made >= 3


def test_a_cut_does_not_make_a_second_job(client, proxy, source):
    given = client.upload(source)
    before = len(client.jobs())
    proxy.cuts = [(1 << 60, 20)]  # in the middle of the answer
    with Client(proxy.address) as cut:
        job = cut.submit("count", given)
    assert [found.id for found in client.jobs()[: len(client.jobs()) - before]] == [job.id]


def test_a_service_that_is_not_there_is_named_with_a_remedy(monkeypatch):
    monkeypatch.setattr("atsal.client.steps.pause_s", lambda _tries: 0.0)
    with Client("http://127.0.0.1:9", token="atsal_secret") as client:
        with pytest.raises(ServiceError, match=r"does not answer .*; check its address, and whether it runs") as error:
            client.jobs()
        assert "secret" not in f"{error.value} {client!r} {vars(client).get('_token', '')}"


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://host", "http://user:password@host", "http://"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ConfigError, match=r"expected (the|http)") as error:
        Client(address)
    assert "password" not in str(error.value)


def test_a_proxy_that_answers_for_the_service_is_no_surprise():
    """An error page in HTML has no problem in it."""
    answers = httpx.MockTransport(lambda _request: httpx.Response(403, html="<h1>Forbidden</h1>"))
    with Client("http://host") as client:
        client.close()
        client._http = httpx.Client(transport=answers, base_url="http://host")
        with pytest.raises(ServiceError, match="the answer has HTTP status 403"):
            client.jobs()


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a\\b", ".hidden", "C:x", "a\nb", ""])
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(ServiceError, match="do not trust it"):
        checked_name(name)


def test_what_a_newer_service_says_more_does_no_harm():
    found = {
        "id": "1", "kind": "predict", "options": {}, "name": "a.mp4", "state": "done", "reason": "", "created": "",
        "expires": None, "request_id": "", "progress": {"done": 1, "total": 2, "speed": 3}, "priority": 1,
        "parent": "2", "results": [{"name": "a.npy", "bytes": 3, "type": "application/octet-stream", "sha256": ""}],
    }  # fmt: skip
    job = Job.from_json(found)
    assert (job.results, job.parent) == ((Result("a.npy", 3, "application/octet-stream"),), "2")
    del found["parent"]  # an older one says less
    assert Job.from_json(found).parent is None

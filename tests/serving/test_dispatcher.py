"""The dispatcher: several servers on one store, their ends, limits of jobs, and what expires."""

import errno
import os
import time
from dataclasses import replace
from functools import partial

import pytest
from filelock import FileLock

from atsal.errors import StoreError
from atsal.serving.clock import Clock
from atsal.serving.dispatcher import Dispatcher
from atsal.serving.folders import list_results
from atsal.serving.job import JobRecord, new_id
from atsal.serving.service import open_service
from atsal.serving.settings import Settings
from fakes.small_kinds import COUNT, no_torch


@pytest.fixture
def service(tmp_path):
    service = open_service(Settings(tmp_path / "data", workers=2), COUNT)
    yield service
    service.database.close()


def dispatcher(service, **settings):
    chosen = replace(service.settings, **settings)
    return Dispatcher(service.jobs, service.data, COUNT, chosen, service.clock, service.metrics, no_torch)


def add(service, owner="", **options):
    new = JobRecord(new_id(), "count", options, {}, "source.txt", "a.txt", owner, created_s=service.clock.now_s())
    service.data.job(new.id).mkdir()
    (service.data.job(new.id) / "source.txt").write_text("text")
    return service.jobs.add(new)


def wait_for(service, job, *states):
    for _ in range(600):
        found = service.jobs.get(job.id)
        if found.state in states:
            return found
        time.sleep(0.05)
    raise TimeoutError(found)


@pytest.mark.slow
def test_two_servers_share_the_jobs_and_run_each_once(service):
    jobs = [add(service, frames=1, seconds_each=0.1) for _ in range(12)]
    both = [dispatcher(service), dispatcher(service)]
    for one in both:
        one.start()
    ended = [wait_for(service, job, "done", "failed") for job in jobs]
    for one in both:
        one.stop(5)
    assert [(job.state, job.tries) for job in ended] == [("done", 1)] * 12


@pytest.mark.slow
def test_a_stopped_server_gives_back_what_it_cannot_finish(service):
    short, long = add(service, frames=2, seconds_each=0.5), add(service, frames=1000, seconds_each=0.5)
    one = dispatcher(service)
    one.start()
    while not service.jobs.get(short.id).done:
        time.sleep(0.05)
    one.stop(3.0)
    assert service.jobs.get(short.id).state == "done"
    assert (service.jobs.get(long.id).state, service.jobs.get(long.id).tries) == ("waiting", 0)
    assert list(service.data.servers.iterdir()) == []


def test_a_job_in_parts_keeps_those_that_a_stopped_server_did(service):
    job, one, other = add(service, parts=4, seconds_each=0.2), dispatcher(service), dispatcher(service)

    def parts():
        return {path.name: path.read_text() for path in service.data.result(job.id).glob("*.part")}

    one.start()
    while not parts():
        time.sleep(0.01)
    one.stop(0.0)
    done, stopped = parts(), service.jobs.get(job.id)
    other.start()
    ended = wait_for(service, job, "done", "failed")
    other.stop(5)
    assert (stopped.state, stopped.tries) == ("waiting", 0)
    assert (ended.state, ended.tries) == ("done", 1)
    assert len(done) < len(parts()) == 4
    assert done.items() <= parts().items()


def test_the_jobs_of_a_server_that_died_go_on(service):
    job, twice = add(service), add(service)
    service.jobs.claim(dead := new_id(), 1.0)
    for server in (new_id(), dead):
        assert service.jobs.claim(server, 1.0).id == twice.id
        service.jobs.give_back(twice.id, server, counts=True)
    service.jobs.claim(dead, 1.0)
    one = dispatcher(service)
    one.start()
    assert wait_for(service, job, "done", "failed").state == "done"
    ended = wait_for(service, twice, "done", "failed")
    one.stop(5)
    assert (ended.state, ended.reason) == ("failed", "its server ended, at the second try")


def test_the_jobs_of_a_living_server_are_its_own(service):
    job = add(service)
    other = new_id()
    service.jobs.claim(other, 1.0)
    one = dispatcher(service)
    with FileLock(service.data.servers / f"{other}.lock"):
        one.start()
        marker = add(service)
        wait_for(service, marker, "done")
        one.stop(5)
        assert service.jobs.get(job.id).server == other


def test_a_job_that_the_store_gave_away_in_a_lost_answer_goes_on(service):
    job, one = add(service), dispatcher(service)
    service.jobs.claim(one._lock.id, 1.0)
    one.start()
    ended = wait_for(service, job, "done", "failed")
    one.stop(5)
    assert (ended.state, ended.tries) == ("done", 1)


def test_results_stay_where_the_store_loses_its_answer(service, monkeypatch):
    finish, lost = service.jobs.finish, []

    def lose_first(job_id, *values, **more):
        found = finish(job_id, *values, **more)
        if not lost:
            lost.append(job_id)
            raise StoreError("the connection was cut after the change")
        return found

    monkeypatch.setattr(service.jobs, "finish", lose_first)
    job, one = add(service), dispatcher(service)
    one.start()
    wait_for(service, job, "done")
    wait_for(service, add(service), "done")
    one.stop(5)
    assert (service.data.result(job.id) / "lines.txt").exists()


def test_results_that_cannot_be_read_keep_no_other_job(service, monkeypatch):
    def list_some(folder):
        if folder.parent.name == job.id:
            raise OSError(errno.EIO, "Input/output error")
        return list_results(folder)

    monkeypatch.setattr("atsal.serving.job_ends.list_results", list_some)
    job, other, one = add(service), add(service), dispatcher(service)
    one.start()
    found = [wait_for(service, waiting, "done", "failed") for waiting in (job, other)]
    one.stop(5)
    assert [(end.state, end.reason) for end in found] == [
        ("failed", "its results cannot be read (Input/output error)"),
        ("done", ""),
    ]


def test_a_job_that_takes_too_long_ends(service):
    job = add(service, frames=1000, seconds_each=1)
    one = dispatcher(service, job_seconds=1.0)
    one.start()
    ended = wait_for(service, job, "done", "failed")
    one.stop(5)
    assert (ended.state, ended.reason, ended.tries) == ("failed", "took longer than 1 s", 1)


def begin_if_it_may(folder, _threads):
    """Prepare a worker as a machine does that has no memory left, until there is a file `may`."""
    (folder / f"{os.getpid()}.begun").touch()
    if not (folder / "may").exists():
        os._exit(1)


@pytest.mark.slow
def test_while_no_worker_starts_jobs_wait_and_the_log_says_why_once(service, tmp_path, caplog):
    job = add(service)
    parts = (service.jobs, service.data, COUNT, service.settings, service.clock, service.metrics)
    one = Dispatcher(*parts, prepare=partial(begin_if_it_may, tmp_path))
    caplog.set_level("INFO", "atsal.serving")
    one.start()
    while "worker process ended" not in one.problem:
        time.sleep(0.05)
    service.jobs.cancel(job.id, 1.0, 1e12)
    found, waiting = set(), add(service)
    while len(list(tmp_path.glob("*.begun"))) < 6:
        found.add((one.is_running, service.jobs.get(waiting.id).state, service.jobs.get(waiting.id).tries))
        time.sleep(0.01)
    assert found == {(False, "waiting", 0)}
    said = [line for line in caplog.messages if line.startswith("jobs do not run")]
    assert len(said) == 1
    assert "a worker process ended with exit code 1 before it began" in said[0]
    service.jobs.cancel(waiting.id, 1.0, 1e12)
    (tmp_path / "may").touch()
    while not one.is_running:  # also without a job
        time.sleep(0.05)
    assert wait_for(service, add(service), "done", "failed").state == "done"
    one.stop(5)


def test_ended_jobs_and_unknown_folders_expire_and_a_clock_that_jumps_removes_nothing(tmp_path):
    now = {"system": 1_000_000_000.0, "monotonic": 50.0}
    clock = Clock(lambda: now["system"], lambda: now["monotonic"])
    service = open_service(Settings(tmp_path / "data", keep_days=7), COUNT, clock)
    job, unknown = add(service), service.data.job(new_id())
    unknown.mkdir()
    service.jobs.cancel(job.id, clock.now_s(), service.expires_s())

    def sweep():
        service.sweeper.remove_expired()
        service.sweeper.remove_unknown()
        return service.jobs.get(job.id) is not None, service.data.job(job.id).exists(), unknown.exists()

    assert sweep() == (True, True, True)
    now["system"] *= 2  # the system's clock jumps ahead, and back
    assert sweep() == (True, True, True)
    now["system"] = 0.0
    now["monotonic"] += 6.9 * 86_400
    assert sweep() == (True, True, True)
    now["monotonic"] += 0.2 * 86_400
    assert sweep()[:2] == (False, False)
    now["monotonic"] += 86_400 * 365 * 50  # the folder is as old as this test
    assert sweep() == (False, False, False)
    service.database.close()


def test_a_folder_that_cannot_be_removed_keeps_no_other_and_a_stop_does_not_wait_for_all(service, monkeypatch, caplog):
    kept, *others = [add(service) for _ in range(4)]
    for job in (kept, *others):
        service.jobs.cancel(job.id, 1.0, 2.0)
    remove = service.data.remove_job

    def refuse_one(_data, job_id):
        if job_id == kept.id:
            raise PermissionError(13, "Permission denied", str(service.data.job(job_id)))
        remove(job_id)
        if job_id == others[1].id:
            service.sweeper._is_stopping.set()

    monkeypatch.setattr(type(service.data), "remove_job", refuse_one)
    service.sweeper.remove_expired()
    assert [service.jobs.get(job.id) is not None for job in (kept, *others)] == [True, False, False, True]
    assert caplog.text.count("could not be removed") == 1

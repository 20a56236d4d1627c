"""The jobs in the store, in SQLite and in Postgres."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import delete, text

from atsal.errors import ConfigError, StoreError
from atsal.serving.job import JobRecord, ResultFile, new_id
from atsal.serving.store.database import open_database, sqlite_url
from atsal.serving.store.jobs import DuplicateJobError, JobFilter, JobStore, list_query
from atsal.serving.store.tables import JOBS, METADATA
from atsal.serving.store.usage import QuotaError
from fakes.postgres import postgres


@pytest.fixture(scope="module")
def database_url(request, tmp_path_factory):
    if request.param == "sqlite":
        yield sqlite_url(tmp_path_factory.mktemp("store") / "service.sqlite")
    else:
        with postgres() as url:
            yield url


def pytest_generate_tests(metafunc):
    if "database_url" in metafunc.fixturenames:
        both = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]
        metafunc.parametrize("database_url", both, indirect=True, scope="module")


@pytest.fixture(scope="module")
def database(database_url):
    database = open_database(database_url)
    yield database
    database.close()


@pytest.fixture
def store(database):
    with database.writing() as connection:
        connection.execute(delete(JOBS))
    return JobStore(database)


def job(owner="a", **values):
    new = {"id": new_id(), "kind": "predict", "options": {}, "source": {}, "file": "source.mp4", "name": "a.mp4"}
    return JobRecord(**new | {"owner": owner, "created_s": 1.0} | values)


def test_several_servers_may_make_the_tables_at_once(database, database_url):
    with database.writing() as connection:
        METADATA.drop_all(connection)
    with ThreadPoolExecutor(8) as pool:
        for opened in pool.map(open_database, [database_url] * 8):
            opened.close()
    assert JobStore(database).counts() == {}


def test_what_is_added_is_found(store):
    new = job(options={"fps": 2.5, "format": ["npy"]}, source={"upload": "ü"}, request_id="r", idempotency_key="k")
    added = store.add(new)
    assert replace(added, number=0) == new
    assert store.get(new.id) == added == store.with_key("a", "k")
    assert store.get(new_id()) is None


def test_a_key_makes_one_job_of_an_owner(store):
    store.add(job(idempotency_key="k"))
    with pytest.raises(DuplicateJobError):
        store.add(job(idempotency_key="k"))
    store.add(job("b", idempotency_key="k"))
    store.add(job())
    store.add(job())


def test_the_owner_with_the_fewest_running_jobs_is_next(store):
    ids = [store.add(job(owner)).id for owner in "aaaabbc"]
    claimed = [store.claim("s", 2.0) for _ in range(8)]
    assert [found.owner for found in claimed[:7]] == list("abcabaa")
    assert claimed[7] is None
    assert sorted(found.id for found in claimed[:7]) == sorted(ids)
    assert (claimed[0].state, claimed[0].server, claimed[0].tries, claimed[0].started_s) == ("running", "s", 1, 2.0)


def test_servers_never_claim_the_same_job(store):
    for _ in range(40):
        store.add(job())
    with ThreadPoolExecutor(8) as pool:
        claims = pool.map(lambda number: store.claim(f"server {number}", 2.0), range(60))
        ids = [found.id for found in claims if found is not None]
    ids += [found.id for found in iter(lambda: store.claim("last", 2.0), None)]  # a claim that another one beat is none
    assert len(ids) == len(set(ids)) == 40


def test_requests_at_once_do_not_pass_a_quota_together(store):
    others, together = [store.add(job("b")) for _ in range(3)], Barrier(12)

    def add(_):
        together.wait(10)
        try:
            return store.add(job(), most_waiting=5)
        except QuotaError as error:
            return error.is_of_queue

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(add, range(12)))
    assert found.count(True) == 7
    assert len(store.page(JobFilter(owner="a"), 100)) == 5
    assert len(store.page(JobFilter(owner="b"), 100)) == len(others)


def test_an_owner_with_so_many_bytes_adds_nothing(store):
    store.add(job(bytes=7), most_bytes=5)
    with pytest.raises(QuotaError, match="have 7 bytes; the limit is 5"):
        store.add(job(), most_bytes=5)
    store.add(job("b"), most_bytes=5)


def test_only_the_server_that_has_a_job_ends_it(store):
    store.add(job())
    running = store.claim("s", 2.0)
    assert not store.finish(running.id, "other", "done")
    result = ResultFile("a/ü.npy", 1 << 40, "application/octet-stream")
    assert store.finish(running.id, "s", "done", results=(result,), notes=("a note",), ended_s=3.0, reason="r")
    found = store.get(running.id)
    assert (found.state, found.results, found.notes, found.reason, found.server) == (
        "done",
        (result,),
        ("a note",),
        "r",
        "",
    )
    assert not store.finish(running.id, "s", "failed")


def test_a_cancelled_job_is_not_ended_otherwise(store):
    store.add(job())
    running = store.claim("s", 2.0)
    assert store.cancel(running.id, 3.0, 4.0)
    assert not store.cancel(running.id, 3.0, 4.0)
    assert not store.finish(running.id, "s", "done")
    assert not store.give_back(running.id, "s", counts=True)
    assert store.running_of("s") == []
    assert store.get(running.id).state == "cancelled"


def test_a_job_that_is_given_back_waits_again(store):
    store.add(job())
    first = store.claim("s", 2.0)
    store.set_progress(first.id, "s", 3, 10)
    assert (store.get(first.id).done, store.get(first.id).total) == (3, 10)
    assert store.give_back(first.id, "s", counts=False)
    assert store.claim("t", 3.0).tries == 1
    assert store.give_back(first.id, "t", counts=True)
    assert store.claim("u", 3.0).tries == 2
    assert store.servers() == {"u"}


def test_only_ended_jobs_expire_and_can_be_removed(store):
    waiting, ended = store.add(job()), store.add(job())
    store.cancel(ended.id, 3.0, 100.0)
    assert store.expired(99.0) == []
    assert store.expired(101.0) == [ended.id]
    assert not store.remove(waiting.id)
    assert store.remove(ended.id)
    assert store.known([waiting.id, ended.id]) == {waiting.id}


@pytest.mark.parametrize(
    "chosen",
    [
        JobFilter(),
        JobFilter(owner="a"),
        JobFilter(state="done"),
        JobFilter(kind="predict"),
        JobFilter(owner="a", state="waiting", before=500),
        JobFilter(owner="a", before=500),
    ],
    ids=str,
)
def test_a_page_of_the_list_is_read_by_an_index_in_its_order(tmp_path, chosen):
    """So its time does not grow with the number of jobs."""
    database = open_database(sqlite_url(tmp_path / "service.sqlite"))
    query = str(list_query(chosen, 50).compile(database.engine, compile_kwargs={"literal_binds": True}))
    with database.reading() as connection:
        plan = "\n".join(row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}")))
    database.close()
    assert "TEMP B-TREE" not in plan
    assert "INDEX" in plan or plan == "SCAN jobs"  # in the order of the table itself, from its end


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name", "oracle+none://host"])
def test_only_urls_of_postgres_are_taken(url):
    with pytest.raises(ConfigError, match="expected postgresql\\+psycopg://"):
        open_database(url)


def test_a_password_is_not_in_the_message_of_a_database_that_does_not_answer():
    with pytest.raises(StoreError, match="check the database server") as found:
        open_database("postgresql+psycopg://user:secret@127.0.0.1:1/name")
    assert "secret" not in str(found.value)


def test_a_store_that_cannot_be_written_says_so(tmp_path):
    database = open_database(sqlite_url(tmp_path / "service.sqlite"))
    store = JobStore(database)
    store.add(job())
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = 1")
    with pytest.raises(StoreError, match="the store of jobs cannot be used: attempt to write a readonly database"):
        store.check_writable()
    database.close()


def test_only_its_user_can_read_the_file(tmp_path):
    """It has what the store keeps of tokens, and the URLs of sources."""
    database = open_database(sqlite_url(tmp_path / "service.sqlite"))
    with database.reading():
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    database.close()

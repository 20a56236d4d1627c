"""Two runs do not write to one prefix of a store at the same time."""

import os
import time

import pytest

from atsal.errors import OutputError
from atsal.jobs import store_lock
from atsal.jobs.store_lock import LOCK, lock_store

URL = "s3://videos/maps"


def objects(s3):
    return s3.find("videos/maps")


def test_a_second_owner_is_refused_until_the_first_one_ends(s3):
    with lock_store(URL, "one"):
        held = s3.cat_file(f"videos/maps/{LOCK}")
        with pytest.raises(OutputError) as refused, lock_store(f"{URL}/", "two"):
            raise AssertionError
        assert s3.cat_file(f"videos/maps/{LOCK}") == held
    assert objects(s3) == []
    said = str(refused.value)
    assert said.startswith(f"{URL}: another run is writing to it: process {os.getpid()} on ")
    assert said.endswith(
        f" UTC'. Wait until it ends, or stop it. If it was killed, run the same command on that "
        f"machine, or remove {URL}/{LOCK}"
    )
    with lock_store(URL, "two"):
        assert objects(s3) == [f"videos/maps/{LOCK}"]


def test_a_store_that_knows_no_conditions_is_looked_at(s3, monkeypatch):
    write = store_lock._StoreLock._write
    monkeypatch.setattr(store_lock._StoreLock, "_write", lambda self, **_how: write(self))
    with lock_store(URL, "one"), pytest.raises(OutputError, match="another run"), lock_store(URL, "two"):
        raise AssertionError


def test_a_run_that_was_killed_goes_on_with_its_id_alone(s3):
    with lock_store(URL, "one"):
        left = s3.cat_file(f"videos/maps/{LOCK}")
    s3.pipe_file(f"videos/maps/{LOCK}", left)
    with pytest.raises(OutputError, match="another run"), lock_store(URL, "two"):
        raise AssertionError
    with lock_store(URL, "one"):
        pass
    assert objects(s3) == []


def test_a_run_says_that_it_goes_on_while_the_lock_is_its_own(s3, monkeypatch):
    monkeypatch.setattr(store_lock, "_REFRESH_S", 0.01)
    monkeypatch.setattr(store_lock, "_now", lambda: str(time.monotonic_ns()))
    with lock_store(URL, "one"):
        first = s3.cat_file(f"videos/maps/{LOCK}")
        deadline_s = time.monotonic() + 10
        while s3.cat_file(f"videos/maps/{LOCK}") == first and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert s3.cat_file(f"videos/maps/{LOCK}") != first
        s3.rm_file(f"videos/maps/{LOCK}")
    assert objects(s3) == []


def test_another_file_of_that_name_stays(s3):
    s3.pipe_file(f"videos/maps/{LOCK}", b'{"owner": "another program"}')
    with pytest.raises(OutputError, match="is no lock of atsal; remove it"), lock_store(URL, "one"):
        raise AssertionError
    assert objects(s3) == [f"videos/maps/{LOCK}"]


def test_a_bucket_that_is_not_there_is_named(s3):
    message = r"s3://nowhere/maps/.atsal-lock: cannot be written: no such bucket"
    with pytest.raises(OutputError, match=message), lock_store("s3://nowhere/maps", "one"):
        raise AssertionError

"""Finished results go to a folder or to a store, which behave the same."""

import json
from pathlib import Path

import pytest

from atsal.errors import OutputError
from atsal.jobs import storage as storage_module
from atsal.jobs.storage import open_storage


@pytest.fixture(params=["folder", "s3"])
def storage(request, tmp_path):
    if request.param == "folder":
        return open_storage(tmp_path / "results")
    request.getfixturevalue("s3")
    return open_storage("s3://videos/results/")


@pytest.fixture
def finished(tmp_path):
    folder = tmp_path / "finished"
    (folder / "deep").mkdir(parents=True)
    (folder / "0.npy").write_bytes(b"zero")
    (folder / "deep" / "1.npy").write_bytes(b"one")
    return folder


def test_files_and_folders_come_and_go(storage, finished):
    assert storage.files() == []
    storage.put_file(finished / "0.npy", "clip/a.npy")
    storage.put_folder(finished, "clip/maps")
    assert storage.files() == ["clip/a.npy", "clip/maps/0.npy", "clip/maps/deep/1.npy"]
    assert storage.files("clip/maps") == ["clip/maps/0.npy", "clip/maps/deep/1.npy"]
    assert [storage.exists(name) for name in ("clip", "clip/maps", "clip/a.npy", "clip/b.npy", "cli")] == [True] * 3 + [
        False
    ] * 2
    with storage.path("clip/maps/deep/1.npy").open("rb") as file:
        assert file.read() == b"one"
    storage.delete("clip/maps")
    storage.delete("clip/maps")
    assert storage.files() == ["clip/a.npy"]
    storage.delete("clip/a.npy")
    assert not storage.exists("clip/a.npy")


def test_what_is_there_is_replaced(storage, finished):
    storage.put_folder(finished, "maps")
    storage.put_file(finished / "0.npy", "a.npy")
    (finished / "0.npy").write_bytes(b"new")
    (finished / "deep" / "1.npy").rename(finished / "2.npy")
    (finished / "deep").rmdir()
    storage.put_folder(finished, "maps")
    storage.put_file(finished / "0.npy", "a.npy")
    assert storage.files() == ["a.npy", "maps/0.npy", "maps/2.npy"]
    with storage.path("a.npy").open("rb") as file:
        assert file.read() == b"new"


def test_a_record_is_read(storage, tmp_path):
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"frames": 3}))
    storage.put_file(record, "clip.json")
    assert storage.read_json("clip.json") == {"frames": 3}
    assert storage.read_json("other.json") is None
    record.write_text("{")
    storage.put_file(record, "clip.json")
    with pytest.raises(OutputError, match=r"clip\.json: cannot be read as JSON"):
        storage.read_json("clip.json")


@pytest.mark.parametrize("name", ["../other", "/etc/passwd", ""])
def test_names_stay_inside(storage, finished, name):
    with pytest.raises(OutputError, match="no name of a result"):
        storage.put_file(finished / "0.npy", name)


def test_a_folder_that_fails_half_way_is_not_there(storage, finished, monkeypatch):
    (finished / "deep" / "gone.npy").symlink_to(finished / "nothing")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_file", lambda path: path.name != "deep")
        with pytest.raises(OutputError):
            storage.put_folder(finished, "maps")
    assert not storage.exists("maps")


def test_a_large_file_is_one_object_or_none(s3, tmp_path, monkeypatch):
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(range(256)) * 2**10 * 45)
    storage = open_storage("s3://videos")
    parts = []
    system = storage._system
    call = system._call_s3
    chunks = {"chunksize": 5 * 2**20}

    async def counted(method, *arguments, **keywords):
        parts.append(method)
        if method == "upload_part" and len(parts) == 3 and fails:
            raise OSError("no route to host")
        return await call(method, *arguments, **keywords)

    monkeypatch.setattr(system, "_call_s3", counted)
    put = system.put_file
    monkeypatch.setattr(system, "put_file", lambda source, target: put(source, target, **chunks))
    fails = True
    with pytest.raises(OutputError, match="what is complete is kept"):
        storage.put_file(large, "large.bin")
    assert not storage.exists("large.bin")
    fails = False
    storage.put_file(large, "large.bin")
    assert "complete_multipart_upload" in parts
    assert s3.size("videos/large.bin") == large.stat().st_size


def test_no_such_bucket(s3, finished):
    with pytest.raises(OutputError, match=r"s3://no-such-bucket/a\.npy: cannot be written: no such bucket"):
        open_storage("s3://no-such-bucket").put_file(finished / "0.npy", "a.npy")


@pytest.mark.parametrize(("fault", "remedy"), [(403, "permission denied"), (500, "run the same command again")])
def test_a_store_that_refuses(failing_s3, finished, monkeypatch, fault, remedy):
    monkeypatch.setattr(storage_module, "STORE_TRIES", 2)
    failing_s3.always = fault
    storage = open_storage("s3://videos")
    with pytest.raises(OutputError, match=rf"s3://videos/a\.npy: .*{remedy}"):
        storage.put_file(finished / "0.npy", "a.npy")
    with pytest.raises(OutputError, match=r"s3://videos/a\.npy: .*read"):
        storage.exists("a.npy")


def test_a_store_that_fails_for_a_moment_is_asked_again(failing_s3, finished):
    failing_s3.faults.extend([500, 503])
    open_storage("s3://videos").put_file(finished / "0.npy", "a.npy")
    assert failing_s3.files["videos/a.npy"] == b"zero"


def test_nothing_is_written_to_http():
    with pytest.raises(OutputError, match=r"https://host/a: nothing is written there"):
        open_storage("https://user:word@host/a")

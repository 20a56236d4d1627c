"""A folder belongs to one kind of job and one set of settings; nothing that others put there is touched."""

import json
import subprocess
import sys
import threading

import pytest

from atsal.errors import OutputError
from atsal.jobs.atomic_write import remove_leftovers
from atsal.jobs.output_folder import (
    FolderKind,
    OutputFolder,
    find_differences,
    list_differences,
    lock_folder,
    require_files,
)

MAPS = FolderKind(
    description="a set of maps",
    format="test maps",
    record="maps.json",
    writes=("list.json", "*/map.npy"),
    folders=("", "a"),
)
SETTINGS = {"size": 64, "streams": ("fused",)}


@pytest.fixture
def folder(tmp_path):
    return OutputFolder(tmp_path / "new" / "out", MAPS)


def tree(path):
    return {found.relative_to(path).as_posix() for found in path.rglob("*")}


def test_a_new_folder_gets_a_record_of_its_settings(folder):
    with folder.claim(SETTINGS) as is_new:
        assert is_new
        assert json.loads(folder.record.read_text()) == {
            "format": "test maps",
            "version": 1,
            "size": 64,
            "streams": ["fused"],
        }
    assert tree(folder.path) == {"maps.json"}  # the lock is gone
    with folder.claim(SETTINGS) as is_new:
        assert not is_new


def test_other_settings_are_refused_and_named(folder):
    with folder.claim(SETTINGS):
        (folder.path / "a").mkdir()
        (folder.path / "a" / "map.npy").touch()
    message = r"size was 64, is 32; streams\.0 was 'fused', is 'experts'.*remove this one"
    with pytest.raises(OutputError, match=message), folder.claim({"size": 32, "streams": ["experts"]}):
        pass
    assert folder.settings() == {"size": 64, "streams": ["fused"]}


def test_overwriting_removes_what_its_jobs_wrote_and_nothing_else(folder):
    with folder.claim(SETTINGS):
        for name in ("a/map.npy", "b/map.npy", "b/notes.txt", "list.json", "thesis.txt", "map.npy", "a.b/c/map.npy"):
            (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
            (folder.path / name).touch()
    with folder.claim({"size": 32}, overwrite=True) as is_new:
        assert is_new
    kept = {"b", "b/notes.txt", "thesis.txt", "map.npy", "a.b", "a.b/c", "a.b/c/map.npy"}
    assert tree(folder.path) == {"maps.json", *kept}
    assert folder.settings() == {"size": 32}


def test_a_link_to_a_folder_is_not_followed(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "map.npy").touch()
    with folder.claim(SETTINGS):
        (folder.path / "a").symlink_to(tmp_path / "elsewhere")
    folder.remove_results()
    assert (tmp_path / "elsewhere" / "map.npy").exists()
    assert (folder.path / "a").is_symlink()


@pytest.mark.parametrize(
    "name",
    [
        *("thesis.txt", ".hidden", "maps.json.txt", ".part", ".x.0123.part", ".lock"),
        *(".thesis.20240101.old", ".film.mkv.deadbeef.part", ".notes.20231224.old"),
    ],
)
def test_a_folder_of_others_is_refused_and_untouched(folder, name):
    folder.path.mkdir(parents=True)
    (folder.path / name).write_text("mine")
    with pytest.raises(OutputError, match="is not a set of maps; choose another folder"), folder.claim(SETTINGS):
        pass
    assert tree(folder.path) == {name}
    assert (folder.path / name).read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("[]", "holds a list, expected an object"),
        ('{"format": "other", "version": 1}', "is not a record of a set of maps"),
        ('{"format": "test maps", "version": 2}', "another version of atsal"),
    ],
)
def test_a_record_that_is_none_is_refused(folder, text, message):
    folder.path.mkdir(parents=True)
    folder.record.write_text(text)
    with pytest.raises(OutputError, match=message), folder.claim(SETTINGS, overwrite=True):
        pass
    assert folder.record.read_text() == text


def test_a_file_is_no_folder(folder):
    folder.path.parent.mkdir()
    folder.path.write_text("mine")
    with pytest.raises(OutputError, match="is a file; expected a folder"), folder.claim(SETTINGS):
        pass


def test_leftovers_of_a_killed_job_are_removed_in_the_folders_of_its_kind(folder):
    (folder.path / "a" / ".map.npy.0123abcd.atsal-part").mkdir(parents=True)
    (folder.path / ".maps.json.0123abcd.atsal-part").touch()
    (folder.path / "c").mkdir()
    (folder.path / "c" / ".map.npy.0123abcd.atsal-part").touch()
    folder.write_record(SETTINGS)
    with folder.claim(SETTINGS):
        assert tree(folder.path) - {".atsal-lock"} == {"maps.json", "a", "c", "c/.map.npy.0123abcd.atsal-part"}


def test_a_second_job_is_refused_while_the_first_one_writes(folder):
    refused = pytest.raises(OutputError, match="another run is writing to it")
    with folder.claim(SETTINGS), refused, folder.claim(SETTINGS):
        pass
    with folder.claim(SETTINGS):
        pass


def test_a_second_process_is_refused_and_a_killed_one_holds_nothing(tmp_path):
    program = (
        "import sys; from pathlib import Path; from atsal.jobs.output_folder import lock_folder\n"
        "with lock_folder(Path(sys.argv[1])): print(1, flush=True); input()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"1\n"
        with pytest.raises(OutputError, match="another run"), lock_folder(tmp_path):
            pass
        other.kill()
    assert (tmp_path / ".atsal-lock").exists()
    with lock_folder(tmp_path):
        pass
    assert not (tmp_path / ".atsal-lock").exists()


def test_results_of_two_names_are_written_at_once(tmp_path):
    refused = pytest.raises(OutputError, match=", a: another run")
    with lock_folder(tmp_path, "a"), lock_folder(tmp_path, "b"), refused, lock_folder(tmp_path, "a"):
        pass


def test_one_of_many_gets_the_folder(tmp_path):
    """The lock's file is removed at the end: nobody may hold a file that is not there any more."""
    inside, most, refused = [], [], []

    def work():
        for _ in range(40):
            try:
                with lock_folder(tmp_path):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
            except OutputError:
                refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) + len(refused) == 160


def test_nothing_is_left_of_a_folder_that_nothing_was_written_to(tmp_path):
    with lock_folder(tmp_path / "a" / "b"):
        pass
    assert not (tmp_path / "a").exists()


def test_an_error_within_is_not_taken_for_one_of_the_folder(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"video\.mp4"), folder.claim(SETTINGS):
        (tmp_path / "video.mp4").open()


def test_a_document_is_written_once_its_files_were_seen(folder):
    with folder.claim(SETTINGS):
        (folder.path / "a").mkdir()
        (folder.path / "a" / "map.npy").touch()
        with pytest.raises(OutputError, match=r"b/map\.npy is missing: .*Run the same command again"):
            folder.finish("list.json", {}, ["a/map.npy", "b/map.npy"])
        assert not (folder.path / "list.json").exists()
        folder.finish("list.json", {"maps": 1}, ["a/map.npy"])
    assert json.loads((folder.path / "list.json").read_text()) == {"maps": 1}
    with pytest.raises(OutputError, match=r"b, c are missing"):
        require_files(folder.path, ["list.json", "b", "c"])


def test_a_folder_is_replaced_as_a_whole(folder):
    with folder.replace(overwrite=False) as aside:
        (aside / "maps.json").write_text("1")
        assert not folder.path.exists()
    with pytest.raises(OutputError, match="already exists"), folder.replace(overwrite=False):
        pass
    with pytest.raises(ValueError, match="mine"), folder.replace(overwrite=True) as aside:
        raise ValueError("mine")
    assert (folder.path / "maps.json").read_text() == "1"
    with folder.replace(overwrite=True) as aside:
        (aside / "maps.json").write_text("2")
    assert (folder.path / "maps.json").read_text() == "2"
    assert tree(folder.path.parent) == {"out", "out/maps.json"}


@pytest.mark.parametrize("name", ["notes.txt", "a/b/map.npy"])
def test_a_folder_that_holds_anything_else_is_not_replaced(folder, name):
    (folder.path / name).parent.mkdir(parents=True)
    (folder.path / name).touch()
    folder.record.touch()
    with pytest.raises(OutputError, match=f"holds {name}.*not overwritten"), folder.replace(overwrite=True):
        pass
    assert (folder.path / name).exists()


def test_a_folder_that_was_being_replaced_when_the_process_was_killed_is_put_back(folder):
    old = folder.path.with_name(".out.0123abcd.atsal-old")
    old.mkdir(parents=True)
    (old / "maps.json").write_text("1")
    with pytest.raises(OutputError, match="already exists"), folder.replace(overwrite=False):
        pass
    assert (folder.path / "maps.json").read_text() == "1"


def test_differences_are_named_by_their_place():
    before = {"a": {"b": 1, "c": [1, 2]}, "d": None, "e": "x" * 200}
    now = {"a": {"b": 2, "c": [1, 3]}, "f": None, "e": "y"}
    found = find_differences(before, now)
    assert [difference.name for difference in found] == ["a.b", "a.c.1", "e"]
    assert list_differences(found[:2]) == "a.b was 1, is 2; a.c.1 was 2, is 3"
    assert len(str(found[2])) < 100
    assert find_differences(before, before) == []
    assert list_differences(find_differences({"a": 1}, {})) == "a was 1, is not set"


def test_overwriting_removes_nothing_without_a_record(folder):
    (folder.path / "a").mkdir(parents=True)
    (folder.path / "a" / "map.npy").write_text("mine")
    with pytest.raises(OutputError, match="is not a set of maps"), folder.claim(SETTINGS, overwrite=True):
        pass
    assert (folder.path / "a" / "map.npy").read_text() == "mine"


def test_empty_folders_of_results_are_removed_with_them(folder):
    with folder.claim(SETTINGS):
        (folder.path / "c" / "deep").mkdir(parents=True)
        (folder.path / "a").mkdir()
    folder.remove_results()
    assert tree(folder.path) == {"c", "c/deep"}


def test_a_folder_of_a_long_name_is_put_back_by_whom_knows_it(tmp_path):
    long = OutputFolder(tmp_path / ("x" * 120), MAPS)
    old = tmp_path / f".{'x' * 100}.0123abcd.atsal-old"
    old.mkdir()
    (old / "maps.json").write_text("1")
    remove_leftovers(tmp_path)
    assert old.is_dir(), "whose it is cannot be told from its name"
    with pytest.raises(OutputError, match="already exists"), long.replace(overwrite=False):
        pass
    assert (long.path / "maps.json").read_text() == "1"


def test_a_job_that_made_nothing_stands_in_nobodys_way(folder):
    with folder.claim(SETTINGS):
        pass
    with folder.claim({"size": 32}) as is_new:
        assert is_new
    assert folder.settings() == {"size": 32}

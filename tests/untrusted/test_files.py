"""Files from others: their size is limited, and a message says why one cannot be read, and what helps."""

import tracemalloc
from pathlib import Path

import pytest

from atsal.errors import ConfigError, DataError, MediaError
from atsal.untrusted.archives import Archive
from atsal.untrusted.arrays import open_npy
from atsal.untrusted.files import ErrorFactory, is_file_name, is_inside, read_bytes
from atsal.untrusted.pictures import open_picture


@pytest.mark.parametrize("read", [lambda *a: read_bytes(*a, 100), open_npy, Archive])
def test_a_file_without_permission_says_so_whatever_it_should_hold(tmp_path, monkeypatch, read):
    """The usual remedies, as to download it again, would not help."""
    path = tmp_path / "file"
    path.touch()

    def refused(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(ConfigError, match=r"file: may not be read; change its permissions$"):
        read(path, ErrorFactory(ConfigError, path, "download it again"))
    with pytest.raises(
        MediaError, match=r"file: may not be read; expected a readable picture\. Change its permissions"
    ):
        open_picture(path).__enter__()


def test_only_regular_files_of_bounded_size_are_read(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100)
    assert read_bytes(path, ErrorFactory(ConfigError, path, "cut it"), 100) == b"x" * 100
    with pytest.raises(ConfigError, match=r"a: is larger than the .* cut it"):
        read_bytes(path, ErrorFactory(ConfigError, path, "cut it"), 99)
    with pytest.raises(ConfigError, match="is not a file; name one"):
        read_bytes(tmp_path, ErrorFactory(ConfigError, tmp_path, "name one"), 100)


@pytest.mark.parametrize("name", ["a.png", "a/b.png", "frames/000001.jpg", "a..b", "...", "é x", "-"])
def test_paths_that_stay_inside(name):
    assert is_inside(name)
    assert is_file_name(name) == ("/" not in name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../a",
        "a/../../b",
        "a/..",
        "..",
        "C:\\a",
        "C:a",
        "\\a",
        "a\\..\\b",
        "//host/a",
        "a\0b",
        3,
        None,
    ],
)
def test_paths_that_lead_elsewhere(name):
    assert not is_inside(name)
    assert not is_file_name(name)


def test_the_folder_itself_is_no_name():
    assert not is_file_name(".")


def test_a_small_file_takes_no_memory_for_the_limit(tmp_path):
    """`file.read(limit)` would take all of it at once."""
    file = tmp_path / "small.json"
    file.write_bytes(b"{}")
    tracemalloc.start()
    assert read_bytes(file, ErrorFactory(DataError, file, "x"), 1 << 30) == b"{}"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 22

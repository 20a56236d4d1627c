"""Files from others: their size is limited, and a message says why one cannot be read, and what helps."""

from pathlib import Path

import pytest

from atsal.errors import ConfigError
from atsal.untrusted.files import ErrorFactory, is_file_name, is_inside, read_bytes


def test_a_file_that_may_not_be_read_says_so_whatever_it_should_hold(tmp_path, monkeypatch):
    path = tmp_path / "config.yaml"
    path.touch()

    def refused(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(ConfigError, match=r"config\.yaml: may not be read; change its permissions$"):
        read_bytes(path, ErrorFactory(ConfigError, path, "texts that hold a colon need quotes"), 100)


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

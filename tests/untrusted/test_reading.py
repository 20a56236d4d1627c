"""Whole files of others: of bounded size, and why one cannot be read is told with what helps."""

from pathlib import Path

import pytest

from atsal.errors import ConfigError
from atsal.untrusted.reading import Blame, read_bytes


def test_a_file_that_may_not_be_read_says_so_whatever_it_should_hold(tmp_path, monkeypatch):
    path = tmp_path / "config.yaml"
    path.touch()

    def refused(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(ConfigError, match=r"config\.yaml: may not be read; change its permissions$"):
        read_bytes(path, Blame(ConfigError, path, "texts that hold a colon need quotes"), 100)


def test_only_regular_files_of_bounded_size_are_read(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100)
    assert read_bytes(path, Blame(ConfigError, path, "cut it"), 100) == b"x" * 100
    with pytest.raises(ConfigError, match=r"a: is larger than the .* cut it"):
        read_bytes(path, Blame(ConfigError, path, "cut it"), 99)
    with pytest.raises(ConfigError, match="is no file; name one"):
        read_bytes(tmp_path, Blame(ConfigError, tmp_path, "name one"), 100)

"""Releases as they lie on disks: capitals, and what computers leave in folders."""

import pytest

from atsal.datasets import dataset_named
from atsal.datasets.raw_files import find_files
from fakes.every_set import WRITERS

RELEASED = [name for name in WRITERS if name != "folder"]


def found(name, root):
    items = dataset_named(name).find(root).items
    return [(item.id, item.stimulus and item.stimulus.stem, [log.stem for log in item.logs]) for item in items]


@pytest.mark.parametrize("name", RELEASED)
def test_endings_in_capitals_and_litter(name, tmp_path):
    WRITERS[name](tmp_path, items=1)
    before = found(name, tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    for path in files:
        path.rename(path.with_suffix(path.suffix.upper()))
        litter = path.with_name(f"._{path.name}")
        litter.write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
        (path.parent / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
        copy = tmp_path / "__MACOSX" / litter.relative_to(tmp_path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(litter.read_bytes())
    assert found(name, tmp_path) == before
    assert all(path.suffix.isupper() for item in dataset_named(name).find(tmp_path).items for path in item.logs)


def test_the_nearest_files_come_first(tmp_path):
    for folder in ("", "a", "a/b"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "X1.TXT").touch()
    assert find_files(tmp_path, "x[0-9].txt") == [tmp_path / f for f in ("X1.TXT", "a/X1.TXT", "a/b/X1.TXT")]

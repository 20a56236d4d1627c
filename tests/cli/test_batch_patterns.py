"""Patterns of `atsal batch`, in folders that others may have made."""

from pathlib import Path

import pytest

from atsal.cli import batch_items


@pytest.fixture
def found(tmp_path, monkeypatch):
    for name in ("a.mp4", "b.txt", "sub/c.mp4", "sub/deep/d.mp4", ".hidden/e.mp4", "sub/.f.mp4", "[1]/g.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("sub/one", "sub/two"):
        (tmp_path / name).symlink_to(tmp_path)  # two links to a folder above: paths without end
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(batch_items, "make_job", lambda *_: None)

    def find(pattern):
        items = batch_items.items_of_paths([Path(pattern)], {"as_frames": False}, None)
        return [item.source.path.as_posix() for item in items]

    return find


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("**/*.mp4", ["[1]/g.mp4", "a.mp4", "sub/c.mp4", "sub/deep/d.mp4"]),
        ("./sub/**/*.mp4", ["sub/c.mp4", "sub/deep/d.mp4"]),
        ("*.mp4", ["a.mp4"]),
        ("*/*.mp4", ["[1]/g.mp4", "sub/c.mp4"]),
        ("**/.h*/*.mp4", [".hidden/e.mp4"]),
        ("sub/d**/d.*", ["sub/deep/d.mp4"]),
        ("sub/deep/**", ["sub/deep/d.mp4"]),
        ("[1]/g.mp4", ["[1]/g.mp4"]),  # a file of this very name
    ],
)
def test_patterns_end_where_links_lead_in_circles(found, pattern, names):
    assert sorted(found(pattern)) == sorted(names)


def test_a_pattern_may_be_absolute(found, tmp_path):
    assert found(f"{tmp_path}/**/c.mp4") == [f"{tmp_path}/sub/c.mp4"]

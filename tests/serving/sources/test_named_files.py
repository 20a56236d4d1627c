"""Files below named folders, however their path is spelled."""

import os

import pytest

from atsal.errors import ConfigError
from atsal.serving.sources.named_files import find_named


@pytest.fixture
def roots(tmp_path):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "clip 100%.mp4").write_bytes(b"film")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "a.mp4").write_bytes(b"hidden")
    (root / ".b.mp4").write_bytes(b"hidden")
    (tmp_path / "outside.mp4").write_bytes(b"secret")
    (root / "link.mp4").symlink_to(tmp_path / "outside.mp4")
    (root / "inside.mp4").symlink_to("sub/clip 100%.mp4")
    (root / "up").symlink_to(tmp_path)
    os.mkfifo(root / "pipe.mp4")
    (tmp_path / "entrance").symlink_to(root)
    return {"films": root, "linked": tmp_path / "entrance", "gone": tmp_path / "gone"}


def test_a_file_below_a_folder_is_found(roots):
    assert find_named(roots, "films:sub/clip 100%.mp4").read_bytes() == b"film"
    assert (
        find_named(roots, "linked:sub/clip 100%.mp4").read_bytes() == b"film"
    )  # whoever runs the service named the link


@pytest.mark.parametrize(
    "text",
    [
        "",
        "films",
        "films:",
        "films:sub",
        "films:sub/",
        "films:/sub/clip 100%.mp4",
        "films:sub//clip 100%.mp4",
        "films:./sub/clip 100%.mp4",
        "films:sub/../sub/clip 100%.mp4",
        "films:../outside.mp4",
        "films:sub/../../outside.mp4",
        "films:%2e%2e/outside.mp4",
        "films:..%2foutside.mp4",
        "films:..\\outside.mp4",
        "films:sub\\clip 100%.mp4",
        "films:\uff0e\uff0e/outside.mp4",
        "films:.\u2024/outside.mp4",
        "films:..\uff0foutside.mp4",
        "films:..\u2215outside.mp4",
        "films:sub/clip 100%.mp4\0.png",
        "films:\0",
        "films:sub/clip\n100%.mp4",
        "films:\ud800",
        "films:/etc/passwd",
        "films:link.mp4",
        "films:inside.mp4",
        "films:up/outside.mp4",
        "films:pipe.mp4",
        "films:.hidden/a.mp4",
        "films:.b.mp4",
        "films:\uff0eb.mp4",
        "films:" + "a/" * 40 + "b.mp4",
        "films:" + "a" * 300,
        "films:sub/clip 100%.mp4/",
        "films:sub/clip 100%.mp4/a",
        "FILMS:sub/clip 100%.mp4",
        "other:sub/clip 100%.mp4",
        "gone:a.mp4",
        "/dev/zero",
        "films:/dev/zero",
        "file:///etc/passwd",
    ],
)
def test_nothing_else_is_found(roots, text):
    with pytest.raises(ConfigError, match="there is no such file") as found:
        find_named(roots, text)
    assert "/root" not in str(found.value)


def test_a_device_is_no_file():
    from pathlib import Path

    with pytest.raises(ConfigError, match="there is no such file"):
        find_named({"dev": Path("/dev")}, "dev:zero")

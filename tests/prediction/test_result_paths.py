from pathlib import Path

import pytest

from atsal.errors import ConfigError
from atsal.prediction.options import Options
from atsal.prediction.results import ResultPath, result_paths
from atsal.prediction.streams import STREAMS

ONE = ("fused",)


def names(kind, streams, formats):
    found = result_paths(Path("out"), "a.b", kind, streams, formats)
    return [str(path.of_frame(7).relative_to("out")) for by_stream in found.values() for path in by_stream.values()]


@pytest.mark.parametrize(
    ("kind", "form", "name"),
    [
        ("image", "npy", "a.b.npy"),
        ("image", "png", "a.b.png"),
        ("image", "png16", "a.b.png"),
        ("image", "video", "a.b.png"),
        ("image", "overlay", "a.b.overlay.png"),
        ("video", "npy", "a.b/000007.npy"),
        ("video", "png16", "a.b/000007.png"),
        ("video", "video", "a.b.mp4"),
        ("sequence", "overlay", "a.b.overlay.mp4"),
        ("sequence", "png", "a.b/000007.png"),
    ],
)
def test_results_have_the_inputs_name(kind, form, name):
    assert names(kind, ONE, [form]) == [name]


def test_streams_are_named_beside_the_fused_one():
    assert names("image", STREAMS, ["npy"]) == ["a.b.npy", "a.b.attention.npy", "a.b.experts.npy"]
    assert names("video", STREAMS, ["video"]) == ["a.b.mp4", "a.b.attention.mp4", "a.b.experts.mp4"]
    assert names("video", ["experts"], ["npy"]) == ["a.b/000007.npy"]


def test_a_still_is_not_written_twice_under_one_name():
    assert names("image", ONE, ["png16", "video", "npy"]) == ["a.b.png", "a.b.npy"]
    assert Options(formats=("npy", "npy", "png")).formats == ("npy", "png")
    with pytest.raises(ConfigError, match="png and png16"):
        Options(formats=("png", "npy", "png16"))


def test_only_files_of_the_pattern_exist(tmp_path):
    folder = tmp_path / "x"
    folder.mkdir()
    for name in ("000001.npy", "1000000.npy", "000001.png", "a000001.npy", "000001.npy.bak", "1.npy"):
        (folder / name).touch()
    assert sorted(file.name for file in ResultPath(folder, ".npy").existing()) == ["000001.npy", "1000000.npy"]
    assert ResultPath(tmp_path / "y", ".npy").existing() == []
    assert ResultPath(folder / "1.npy").existing() == [folder / "1.npy"]
    assert ResultPath(tmp_path / "y.npy").existing() == []


def test_leftovers_are_told_from_other_hidden_files(tmp_path):
    folder = tmp_path / "x"
    folder.mkdir()
    for path in (
        folder / ".000001.npy.0123abcd.atsal-part",
        folder / ".mine.0123abcd.atsal-part",
        tmp_path / ".x.npy.0123abcd.atsal-part",
    ):
        path.touch()
    (tmp_path / ".xx.npy.0123abcd.atsal-part").touch()
    assert [file.name for file in ResultPath(folder, ".npy").leftovers()] == [".000001.npy.0123abcd.atsal-part"]
    assert [file.name for file in ResultPath(tmp_path / "x.npy").leftovers()] == [".x.npy.0123abcd.atsal-part"]

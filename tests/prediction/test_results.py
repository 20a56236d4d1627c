from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atsal.errors import ConfigError, MediaError
from atsal.prediction.formats import next_even
from atsal.prediction.frame_result import FrameResult
from atsal.prediction.options import Options
from atsal.prediction.results import ResultPath, make_writers, result_paths
from atsal.prediction.sources import Source
from atsal.prediction.streams import STREAMS

ONE = ("fused",)


def names(kind, streams, formats):
    found = result_paths(Path("out"), "a.b", kind == "image", streams, formats)
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


def result(index: int = 0) -> FrameResult:
    rng = np.random.default_rng(index)
    maps = {name: rng.random((16, 32), np.float32) for name in STREAMS}
    return FrameResult(index, index / 10, maps, rng.integers(0, 255, (32, 64, 3), dtype=np.uint8))


def write_all(item, folder, options, results):
    writers = make_writers(item, folder, options)
    written = []
    for writer in writers:
        with writer:
            for one in results:
                written += writer.write(one, writer.draw(one))
    return written


def test_a_still_is_written_in_every_format(still, tmp_path):
    item = Source(still("x.jpg"), "image")
    written = write_all(item, tmp_path, Options(streams=STREAMS, formats=("npy", "png16", "overlay")), [result()])
    assert len(written) == 9
    found = np.load(tmp_path / "x.attention.npy")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, result().attention)
    with Image.open(tmp_path / "x.experts.png") as image:
        deep = np.asarray(image)
    np.testing.assert_allclose(deep / 65535, result().experts / result().experts.max(), atol=1e-4)
    with Image.open(tmp_path / "x.overlay.png") as image:
        assert image.size == (64, 32)


def test_a_clip_has_a_file_a_frame_and_one_video(clip, tmp_path):
    options = Options(formats=("png", "video", "overlay"))
    results = [result(index) for index in (0, 4, 8)]
    written = write_all(Source(clip, "video"), tmp_path, options, results)
    assert [path.name for path in written] == ["000000.png", "000004.png", "000008.png"]
    from atsal.video.reader import read_frames

    grey = list(read_frames(tmp_path / "walk.mp4"))
    assert [frame.timestamp_s for frame in grey] == pytest.approx([0, 0.4, 0.8], abs=1e-3)
    assert grey[0].image.shape == (16, 32, 3)
    shown = grey[2].image.astype(float).mean(axis=-1)
    assert np.corrcoef(shown.ravel(), results[2].saliency.ravel())[0, 1] > 0.9
    assert next(iter(read_frames(tmp_path / "walk.overlay.mp4"))).image.shape == (32, 64, 3)


def test_a_video_that_fails_half_way_leaves_nothing(clip, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (writer,) = make_writers(Source(clip, "video"), folder, Options(formats=("overlay",)))
    with pytest.raises(KeyboardInterrupt), writer:
        _write_and_stop(writer)
    assert list(folder.iterdir()) == []


def _write_and_stop(writer):
    writer.write(result(), writer.draw(result()))
    raise KeyboardInterrupt


def test_even_sides():
    assert [next_even(n) for n in (1, 2, 3, 160)] == [2, 2, 4, 160]


def test_a_source_with_impossible_times_is_named(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(Source, "frame_rate", lambda _item, _reading: 3600.0)
    with pytest.raises(MediaError, match=r"walk.mp4: its time stamps give 3600 frames a second.*--fps"):
        make_writers(Source(clip, "video"), tmp_path, Options(formats=("npy", "overlay")))
    assert make_writers(Source(clip, "video"), tmp_path, Options(formats=("npy",)))

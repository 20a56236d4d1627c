"""A format is one object: added to `FORMATS`, it is offered and written."""

import numpy as np
import pytest
from PIL import Image

from atsal.errors import ConfigError
from atsal.prediction.formats import FORMATS, Format, VideoOutput
from atsal.prediction.job import predict_source
from atsal.prediction.options import Options
from atsal.prediction.overlay import Overlay
from atsal.prediction.sources import Source
from atsal.video.reader import read_frames


def write_text(path, _result, saliency, _look):
    np.savetxt(path, saliency)


def draw_white(_result, saliency, _peak, _look):
    return np.full((*saliency.shape, 3), 255, np.uint8)


@pytest.fixture
def _added(monkeypatch):
    monkeypatch.setitem(FORMATS, "text", Format("text", "numbers", ".txt", write_text))
    white = VideoOutput(".white.mp4", draw_white)
    monkeypatch.setitem(FORMATS, "white", Format("white", "nothing", ".white.txt", write_text, white))


def test_every_format_has_a_help():
    assert list(FORMATS) == ["npy", "png", "png16", "video", "overlay"]
    assert all(form.name == name and form.shows for name, form in FORMATS.items())


def test_an_unknown_format_is_refused():
    with pytest.raises(ConfigError, match=r"format 'ppm'; "):
        Options(formats=("ppm",))


@pytest.mark.usefixtures("_added")
def test_an_added_format_is_written_for_a_still_and_a_clip(predictor, still, clip, tmp_path):
    options = Options(formats=("npy", "text"), height=20)
    predict_source(predictor, Source(still("x.png"), "image"), tmp_path / "out", options)
    predict_source(predictor, Source(clip, "video"), tmp_path / "out", options)
    for name in ("x", "walk/000003"):
        expected = np.load(tmp_path / "out" / f"{name}.npy")
        np.testing.assert_allclose(np.loadtxt(tmp_path / "out" / f"{name}.txt"), expected, rtol=1e-6)
    assert predict_source(predictor, Source(clip, "video"), tmp_path / "out", options).skipped


@pytest.mark.usefixtures("_added")
def test_an_added_video_is_written(predictor, clip, tmp_path):
    predict_source(predictor, Source(clip, "video"), tmp_path, Options(formats=("white",)))
    frames = list(read_frames(tmp_path / "walk.white.mp4"))
    assert len(frames) == 8
    assert frames[0].image.min() > 250


def test_only_formats_of_one_file_a_frame_can_resume():
    assert [name for name, form in FORMATS.items() if form.can_resume] == ["npy", "png", "png16"]


def test_grey_maps_are_told_from_colours(predictor, still, tmp_path):
    predict_source(predictor, Source(still("x.png"), "image"), tmp_path, Options(formats=("png16", "overlay")))
    with Image.open(tmp_path / "x.png") as grey, Image.open(tmp_path / "x.overlay.png") as colours:
        assert (grey.mode, colours.mode) == ("I;16", "RGB")


def test_the_look_is_for_overlays_only():
    with pytest.raises(ConfigError, match="format npy has none"):
        Options(formats=("npy",), overlay=Overlay(legend=True))
    assert Options(formats=("npy", "overlay"), overlay=Overlay(legend=True)).draws_overlay

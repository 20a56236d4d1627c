import threading

import numpy as np
import pytest
from PIL import Image

from atsal.errors import MediaError, OutputError
from atsal.prediction.compare import GAP, EvenSpread, compare, contact_sheet
from atsal.prediction.options import ReadOptions
from atsal.prediction.overlay import Overlay
from atsal.prediction.sources import Source
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from atsal.video.synthetic_scene import render_video
from atsal.video.writer import VideoWriter


def test_an_image_gives_four_panels(predictor, still, tmp_path):
    path = still("x.png", 128)
    found = compare(predictor, Source(path, "image"), tmp_path / "c.png", ReadOptions(), panel_height=96)
    assert found.problem is None
    with Image.open(tmp_path / "c.png") as image:
        assert image.size == (384 + GAP, 192 + GAP)
        picture = np.asarray(image)
    panels = [picture[top : top + 96, left : left + 192] for top in (0, 96 + GAP) for left in (0, 192 + GAP)]
    assert (picture[96 : 96 + GAP] == 255).all()
    assert (picture[:, 192 : 192 + GAP] == 255).all()
    with Image.open(path) as image:
        source = np.asarray(image.resize((192, 96), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(panels[0][40:], source[40:])
    for panel in panels[1:]:
        assert (panel[40:] != source[40:]).any()


def test_a_video_gives_a_video_as_long(predictor, clip, tmp_path):
    seen = []
    found = compare(
        predictor,
        Source(clip, "video"),
        tmp_path / "c.mp4",
        ReadOptions(stride=2),
        panel_height=128,
        progress=seen.append,
    )
    assert seen == [1, 2, 3, 4]
    assert [result.frame_index for result in found.results] == [0, 2, 4, 6]
    frames = list(read_frames(tmp_path / "c.mp4"))
    assert [frame.timestamp_s for frame in frames] == pytest.approx([0, 0.25, 0.5, 0.75], abs=1e-3)
    assert frames[0].image.shape[0] == 2 * 128 + GAP
    assert not probe_video(tmp_path / "c.mp4").spherical_tagged  # four pictures are no 360° view


def test_the_good_part_of_a_broken_video_is_shown(predictor, broken_clip, tmp_path):
    found = compare(predictor, Source(broken_clip, "video"), tmp_path / "c.mp4", ReadOptions(), panel_height=128)
    assert "breaks after" in found.problem
    assert 0 < probe_video(tmp_path / "c.mp4").frame_count < 24


def test_nothing_stays_of_what_fails(predictor, clip, frame_folder, tmp_path):
    with pytest.raises(MediaError, match="no frame"):
        compare(predictor, Source(frame_folder, "sequence"), tmp_path / "c.mp4", ReadOptions(start_s=99))
    with pytest.raises(OutputError):
        compare(predictor, Source(clip, "video"), tmp_path / "no" / "c.mp4", ReadOptions(), panel_height=32)
    assert not list(tmp_path.glob("*.mp4"))


def test_the_spread_covers_the_whole_clip():
    spread = EvenSpread(4)
    for number in range(1000):
        spread.add(number)
        assert len(spread.chosen()) <= 4
    kept = spread.chosen()
    assert len(kept) == 4
    assert kept[0] < 250 <= kept[1] < 500 <= kept[2] < 750 <= kept[3]


def test_a_contact_sheet_has_a_row_a_result(predictor, clip):
    results = list(predictor.predict_video(clip, stride=4))
    assert contact_sheet(results, panel_height=40).shape == (2 * 40 + GAP, 4 * 80 + 3 * GAP, 3)


def test_one_frame_of_a_video_gives_a_picture(predictor, clip, tmp_path):
    reading = ReadOptions(start_s=0.5, max_frames=1)
    found = compare(predictor, Source(clip, "video"), tmp_path / "c.png", reading, panel_height=32)
    assert [result.timestamp_s for result in found.results] == [0.5]
    with Image.open(tmp_path / "c.png") as image:
        assert image.size == (128 + GAP, 64 + GAP)


def test_the_look_is_that_of_every_map(predictor, still, tmp_path):
    source = Source(still("x.png", 128), "image")
    pictures = []
    for look in (Overlay(), Overlay("grey"), Overlay(opacity=0), Overlay(legend=True)):
        found = compare(predictor, source, tmp_path / "c.png", ReadOptions(), overlay=look, panel_height=96)
        with Image.open(tmp_path / "c.png") as image:
            pictures.append((np.asarray(image), contact_sheet(found.results, 96, look)))
    for default, grey, clear, legend in zip(*pictures, strict=True):
        height, width = default.shape[:2]
        panels = np.ix_(range(height - 95, height), range(width - 191, width))  # the last one
        assert (default[panels] != grey[panels]).any()
        assert (clear[panels] != grey[panels]).any()
        assert (legend[-1, width - 192] == 0).all()
        assert (default[panels][30:60] == legend[panels][30:60]).all()


def test_a_failure_leaves_no_thread(predictor, tmp_path, monkeypatch):
    clip = tmp_path / "long.mp4"
    render_video(clip, seconds=4, frame_rate=25, erp_height=32, seed=1)

    def fail(*_arguments):
        raise OutputError("the disk is full")

    monkeypatch.setattr(VideoWriter, "write", fail)
    with pytest.raises(OutputError) as caught:
        compare(predictor, Source(clip, "video"), tmp_path / "out.mp4", ReadOptions())
    assert caught.value.__traceback__ is not None  # which keeps the frames of the functions
    assert not [thread for thread in threading.enumerate() if thread.name == "stage"]

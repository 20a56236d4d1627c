"""What the page gets of an item of a prepared set: fixations with exact times, and maps made from them."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from atsal.datasets import dataset_named
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.errors import ConfigError, DataError
from atsal.gaze.directions import angle_rad, unit_vectors
from atsal.gaze.maps import saliency_map
from atsal.prediction.options import ReadOptions
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.recorded_gaze import open_item
from fakes.every_set import WRITERS
from fakes.fixations2d import write_fixations2d
from fakes.recorded_set import LOOKS, RATE, write_recorded_set

READING = ReadOptions()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return write_recorded_set(tmp_path_factory.mktemp("recorded"))


def black_maps(frames, rows=32):
    return (FrameMaps(index, index / RATE, {"fused": np.zeros((rows, 2 * rows), np.float32)}) for index in frames)


@pytest.mark.parametrize("item", ["photo", "video"])
def test_fixations_keep_their_times_and_directions(prepared, item):
    gaze = open_item(prepared, item).gaze(READING)
    assert [viewer.name for viewer in gaze.viewers] == list(LOOKS)
    for viewer in gaze.viewers:
        rows = zip(viewer.starts_s, viewer.durations_s, viewer.yaw_deg, viewer.pitch_deg, strict=True)
        found = [(start, round(start + duration, 4), yaw, pitch) for start, duration, yaw, pitch in rows]
        assert found == list(LOOKS[viewer.name])
    assert gaze.viewing_s == (4.4 if item == "photo" else 0)
    assert gaze.shows == "5 fixations of gaze (head and eyes), from 2 viewers."


def test_gaze_without_times_keeps_its_order(prepared):
    gaze = open_item(prepared, "order").gaze(READING)
    assert [viewer.starts_s for viewer in gaze.viewers] == [(), ()]
    assert gaze.viewers[0].yaw_deg == (30, -60, 150)
    assert gaze.viewing_s == 0


def test_gaze_with_frames_only_gets_the_times_of_the_frames(prepared):
    item = open_item(prepared, "video")
    without = replace(item, fixations=replace(item.fixations, onset_s=None, duration_ms=None))
    viewer = without.gaze(READING).viewers[0]
    assert viewer.starts_s == (1.0, 2.0, 3.9)
    assert viewer.durations_s == (0.3, 0.5, 0.5)


def test_a_map_of_a_video_is_that_of_the_gaze_on_its_frame(prepared):
    item = open_item(prepared, "video")
    found = [frame.maps["recorded"] for frame in item.with_recorded_maps(black_maps((9, 10, 12, 13, 21)))]
    assert [bool(saliency.any()) for saliency in found] == [False, True, True, False, True]
    for saliency, look in ((found[1], 0), (found[4], 1)):
        expected = saliency_map(item.fixations.select(slice(look, look + 1)), 32, 4.0)
        assert np.array_equal(saliency, expected)


def test_the_map_of_a_photo_is_that_of_all_gaze(prepared):
    item = open_item(prepared, "photo")
    (frame,) = item.with_recorded_maps(black_maps([0]))
    assert np.array_equal(frame.maps["recorded"], saliency_map(item.fixations, 32, 4.0))


def test_the_notes_name_the_licence(prepared):
    (note,) = open_item(prepared, "photo").notes()
    assert "Licence: that of the data." in note
    assert "export" in note


@pytest.mark.parametrize("name", WRITERS)
def test_an_item_of_every_set_has_dots_where_its_map_is_bright(name, tmp_path):
    """In the last frame but one that somebody looks at, and among all fixations of a still."""
    WRITERS[name](tmp_path / "raw")
    dataset = dataset_named(name)
    prepare(dataset, tmp_path / "raw", tmp_path / "set", preparation_for(dataset, sigma_deg=8.0, erp_height=64))
    prepared = PreparedSet(tmp_path / "set")
    item = open_item(prepared, prepared.items[-1])
    index = 0 if item.source.kind == "image" else prepared.windows(item.item)[-2].last_frame
    (frame,) = item.with_recorded_maps(black_maps([index], rows=64))
    row, column = np.unravel_index(frame.maps["recorded"].argmax(), (64, 128))
    peak = (column + 0.5) / 64 * 180 - 180, 90 - (row + 0.5) / 64 * 180
    time_s = index / item.source.frame_rate(READING)
    dots = [
        (yaw, pitch)
        for viewer in item.gaze(READING).viewers
        for i, (yaw, pitch) in enumerate(zip(viewer.yaw_deg, viewer.pitch_deg, strict=True))
        if item.source.kind == "image" or viewer.starts_s[i] <= time_s <= viewer.starts_s[i] + viewer.durations_s[i]
    ]
    assert dots
    nearest_deg = min(
        abs(np.degrees(angle_rad(*(unit_vectors(*np.radians(at)) for at in (peak, dot))))) for dot in dots
    )
    assert nearest_deg < 9


def test_a_stimulus_that_was_moved_is_found_again(prepared, tmp_path):
    shutil.copytree(prepared.source, tmp_path / "elsewhere")
    moved = PreparedSet(prepared.folder, tmp_path / "elsewhere")
    assert open_item(moved, "photo").source.path == tmp_path / "elsewhere" / "photo.png"
    with pytest.raises(DataError, match="--media"):
        open_item(PreparedSet(prepared.folder, tmp_path / "nowhere"), "photo")


def test_an_unknown_item_is_refused(prepared):
    with pytest.raises(ConfigError, match="no item 'phot'"):
        open_item(prepared, "phot")


def test_flat_photos_are_refused(tmp_path):
    write_fixations2d(tmp_path / "raw")
    dataset = dataset_named("osie")
    prepare(dataset, tmp_path / "raw", tmp_path / "set", preparation_for(dataset))
    flat = PreparedSet(tmp_path / "set")
    with pytest.raises(DataError, match=r"holds flat photos.*atsal inspect"):
        open_item(flat, flat.items[0])

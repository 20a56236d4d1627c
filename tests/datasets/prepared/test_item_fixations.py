"""The end of a video cuts off gaze by one rule, whatever the data set."""

import numpy as np
import pytest

from atsal.datasets.dataset import ItemGaze, Stimulus
from atsal.datasets.prepared.item_fixations import drop_past_end
from atsal.errors import DataError
from atsal.gaze.directions import unit_vectors
from atsal.gaze.records import Fixations, GazeSamples

CLIP = Stimulus("video", 64, 32, frames=10, frames_per_s=10.0, duration_s=1.0)


def samples(name, times=None, frames=None):
    count = len(times if frames is None else frames)
    times = None if times is None else np.asarray(times, float)
    return GazeSamples(name, times, frames and np.asarray(frames), head=unit_vectors(np.zeros(count), np.zeros(count)))


def fixations(onset_s=None, duration_ms=None, frames=None):
    count = len(onset_s if frames is None else frames)
    columns = [None if values is None else np.asarray(values, float) for values in (onset_s, duration_ms)]
    first, last = (None, None) if frames is None else np.asarray(frames).T
    return Fixations(np.full(count, "a"), np.zeros(count), np.zeros(count), *columns, first, last)


def account(gaze):
    return [(drop.reason, drop.count, drop.first) for drop in gaze.drops]


def test_samples_with_frames_end_with_the_last_frame_whatever_their_times():
    gaze = drop_past_end(ItemGaze((samples("a", [0.1, 0.8, 2.0, 2.1], [1, 8, 9, 10]),)), CLIP)
    assert gaze.samples[0].frame_index.tolist() == [1, 8, 9]
    assert account(gaze) == [("past the end of the video (10 frames, 1 s)", 1, "observer a")]


def test_samples_with_times_end_with_the_duration():
    gaze = drop_past_end(ItemGaze((samples("a", [0.1, 0.99, 1.0]), samples("b", [0.5]))), CLIP)
    assert [track.timestamp_s.tolist() for track in gaze.samples] == [[0.1, 0.99], [0.5]]
    assert account(gaze)[0][1] == 1


def test_fixations_get_frames_and_end_with_the_video():
    gaze = drop_past_end(ItemGaze(fixations=fixations([0.0, 0.85, 1.2], [100, 500, 100])), CLIP)
    assert gaze.fixations.first_frame.tolist() == [0, 8]
    assert gaze.fixations.last_frame.tolist() == [0, 9]
    assert gaze.notes == ("1 fixations last beyond the video's 10 frames and end with it",)
    assert account(gaze)[0][1] == 1


def test_what_begins_in_a_frame_that_is_not_there_is_past_the_end():
    longer = Stimulus("video", 64, 32, frames=10, frames_per_s=10.0, duration_s=1.5)  # as its header says
    gaze = drop_past_end(ItemGaze(fixations=fixations([0.5, 0.6, 1.2])), longer)
    assert gaze.fixations.onset_s.tolist() == [0.5, 0.6]


def test_rows_that_are_samples_and_fixations_count_once():
    gaze = ItemGaze((samples("a", frames=[5, 9, 10, 11, 6]),), fixations(frames=[(5, 9), (10, 11)]))
    gaze = drop_past_end(gaze, CLIP)
    assert gaze.fixations.last_frame.tolist() == [9]
    assert [drop.count for drop in gaze.drops] == [2]


def test_an_observer_without_a_row_on_the_video_is_named():
    gaze = drop_past_end(ItemGaze((samples("a", [0.1, 0.2, 0.3]), samples("b", [7.0, 8.0]))), CLIP)
    assert [track.observer for track in gaze.samples] == ["a"]
    assert gaze.warnings == ("all gaze of b lies past the end of the video: another clock?",)


@pytest.mark.parametrize(
    ("gaze", "message"),
    [
        (ItemGaze((samples("a", [0.5, 7, 8.25]),)), r"2 of 3 .*\(10 frames, 1 s\).* from 0.5 to 8.25: the video is"),
        (ItemGaze(fixations=fixations(frames=[(9, 9), (10, 12), (30, 31)])), "2 of 3 .* from 9 to 30"),
    ],
)
def test_mostly_past_the_end_is_another_video(gaze, message):
    with pytest.raises(DataError, match=message):
        drop_past_end(gaze, CLIP)


def test_without_a_known_end_nothing_is_dropped():
    for stimulus in (Stimulus(), Stimulus("image", 64, 32)):
        gaze = drop_past_end(ItemGaze((samples("a", [1.0, 99.0]),), fixations([1.0, 99.0])), stimulus)
        assert (len(gaze.samples[0]), len(gaze.fixations), gaze.drops) == (2, 2, ())

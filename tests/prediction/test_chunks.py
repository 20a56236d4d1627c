"""Where videos are cut, and that reading the chunks gives every frame once, with its warm-up."""

from itertools import pairwise

import numpy as np
import pytest

from atsal.errors import MediaError
from atsal.prediction import chunks as module
from atsal.prediction.chunks import plan_chunks, read_chunk
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from video.conftest import Clips

SIZE = (32, 16)
READINGS = [
    ReadOptions(),
    ReadOptions(stride=2),
    ReadOptions(fps=7),
    ReadOptions(start_s=0.31, duration_s=1.5),
    ReadOptions(max_frames=41),
    ReadOptions(fps=11, start_s=0.1, max_frames=20),
]


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    monkeypatch.setattr(module, "MIN_CHUNK_FRAMES", 9)
    monkeypatch.setattr(module, "WARM_UPS_PER_CHUNK", 1)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """60 frames at 30 a second, a key frame every 12."""
    return Source(Clips(tmp_path_factory.mktemp("clips")).make(), "video")


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("warm_up", [0, 4])
def test_every_frame_is_in_one_chunk(clip, reading, warm_up):
    plan = plan_chunks(clip, reading, warm_up)
    read = [[frame.index for frame in read_chunk(clip, reading, chunk, SIZE)] for chunk in plan.chunks]
    wanted = [frame.index for frame in clip.frames(reading, SIZE)]
    assert [number for chunk in plan.chunks for number in chunk.own_frames] == wanted
    assert [tuple(numbers) for numbers in read] == [chunk.frames for chunk in plan.chunks]
    for chunk in plan.chunks[1:]:
        assert chunk.warm_up == warm_up
        own = wanted.index(chunk.own_frames[0])
        assert list(chunk.frames[:warm_up]) == wanted[own - warm_up : own]
    assert plan.chunks[0].warm_up == 0
    assert len(plan.chunks) == -(-len(wanted) // 9)


def test_pictures_and_times_are_those_of_the_whole(clip):
    whole = {frame.index: frame for frame in clip.frames(ReadOptions(), SIZE)}
    for chunk in plan_chunks(clip, ReadOptions(), 3).chunks:
        for frame in read_chunk(clip, ReadOptions(), chunk, SIZE):
            assert frame.timestamp_s == whole[frame.index].timestamp_s
            np.testing.assert_array_equal(frame.image, whole[frame.index].image)


def test_a_warm_up_begins_at_a_key_frame_that_is_near(clip):
    plan = plan_chunks(clip, ReadOptions(), 2)
    firsts = [chunk.frames[0] for chunk in plan.chunks[1:]]
    assert [first % 12 for first in firsts if first % 12 in (0, 1, 11)] == [0] * sum(
        f % 12 in (0, 1, 11) for f in firsts
    )
    assert any(first % 12 == 0 for first in firsts)
    lengths = [len(chunk.own_frames) for chunk in plan.chunks]
    assert max(lengths) <= 2 * min(lengths)


def test_the_plan_depends_on_the_file_alone(clip):
    assert plan_chunks(clip, ReadOptions(), 4) == plan_chunks(clip, ReadOptions(), 4)
    record = plan_chunks(clip, ReadOptions(), 4).record()
    assert record["count"] == len(record["first_frames"]) == 7
    assert record["warm_up_frames"] == 4
    assert all(a < b for a, b in pairwise(record["first_frames"]))


def test_uneven_times(tmp_path):
    ticks = np.cumsum(np.random.default_rng(1).integers(1, 5, 50)).tolist()
    source = Source(Clips(tmp_path).make("uneven.mkv", ticks=ticks), "video")
    plan = plan_chunks(source, ReadOptions(), 3)
    found = [
        f.index for chunk in plan.chunks for f in list(read_chunk(source, ReadOptions(), chunk, SIZE))[chunk.warm_up :]
    ]
    assert found == list(range(50))


def test_what_stays_in_one_piece(tmp_path, monkeypatch):
    clips = Clips(tmp_path)
    assert plan_chunks(Source(clips.make("short.mp4", frames=9), "video"), ReadOptions(), 0) is None
    assert plan_chunks(Source(clips.make("raw.h264"), "video"), ReadOptions(), 0) is None
    assert plan_chunks(Source(clips.make("old.avi", codec="mpeg4"), "video"), ReadOptions(), 0) is None
    assert plan_chunks(Source(clips.make("x.mp4"), "video"), ReadOptions(max_frames=1), 0) is None
    assert plan_chunks(Source(tmp_path, "sequence"), ReadOptions(), 0) is None


def test_a_frame_that_cannot_be_found_is_an_error(clip):
    import dataclasses

    first = plan_chunks(clip, ReadOptions(), 0).chunks[0]
    wrong = dataclasses.replace(first, frames=(*first.frames, 59))
    with pytest.raises(MediaError, match="frame 59 cannot be found"):
        list(read_chunk(clip, ReadOptions(), wrong, SIZE))

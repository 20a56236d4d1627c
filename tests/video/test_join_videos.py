"""Joined parts are the video that one writer writes: the same times, sound and tags, and no second encode."""

from itertools import pairwise

import av
import numpy as np
import pytest

from atsal.errors import OutputError
from atsal.video.join_videos import join_videos
from atsal.video.mp4_file import AudioSource
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from atsal.video.writer import VideoWriter

SIZE = (128, 64)
EVEN = np.arange(40) / 30
UNEVEN = np.cumsum(np.random.default_rng(0).choice([1 / 30, 1 / 60, 0.1, 1 / 32], 40)) + 0.7


def write(clips, path, times, first=0, **options):
    with VideoWriter(path, SIZE, 30, **options) as writer:
        for number, time_s in enumerate(times, first):
            writer.write(clips.picture(number), float(time_s))
    return path


def write_parts(clips, folder, times, cuts):
    spans = list(pairwise([0, *cuts, len(times)]))
    return [write(clips, folder / f"{a}.mp4", times[a:b], a, spherical=False) for a, b in spans]


def packets(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [(p.pts, p.dts, p.time_base, p.duration) for p in container.demux(stream) if p.size]


def payload(path):
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(container.streams.video[0]) if p.size]


@pytest.mark.parametrize("times", [EVEN, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize("cuts", [[20], [3, 17, 18, 36]])
def test_times_are_those_of_one_writer(clips, tmp_path, times, cuts):
    whole = write(clips, tmp_path / "whole.mp4", times)
    joined = tmp_path / "joined.mp4"
    join_videos(write_parts(clips, tmp_path, times, cuts), list(times), 30, joined)
    shown = [sorted(pts for pts, *_ in packets(path)) for path in (joined, whole)]
    assert shown[0] == shown[1]
    assert [p[1] for p in packets(joined)] == [p[1] for p in packets(whole)]
    assert packets(joined)[-1][2:] == packets(whole)[-1][2:]
    facts = [(i.duration_s, i.frame_count, i.frame_rate, i.spherical_tagged) for i in map(probe_video, (joined, whole))]
    assert facts[0] == facts[1]
    assert [clips.number(frame.image) for frame in read_frames(joined)] == list(range(40))


def test_pictures_are_not_encoded_again(clips, tmp_path):
    parts = write_parts(clips, tmp_path, EVEN, [12, 30])
    join_videos(parts, list(EVEN), 30, tmp_path / "joined.mp4")
    assert payload(tmp_path / "joined.mp4") == [packet for part in parts for packet in payload(part)]


def test_sound_is_that_of_one_writer(clips, tmp_path):
    source = clips.make("source.mp4", audio="aac")
    whole = write(clips, tmp_path / "whole.mp4", EVEN, audio_from=source, audio_start_s=0.2, audio_duration_s=1.0)
    joined = tmp_path / "joined.mp4"
    join_videos(write_parts(clips, tmp_path, EVEN, [15]), list(EVEN), 30, joined, audio=AudioSource(source, 0.2, 1.0))
    heard = []
    for path in (whole, joined):
        with av.open(str(path)) as container:
            heard.append([(p.pts, bytes(p)) for p in container.demux(container.streams.audio[0]) if p.size])
    assert heard[0] == heard[1] != []


def test_parts_of_other_settings_are_refused(clips, tmp_path):
    parts = write_parts(clips, tmp_path, EVEN, [20])
    with VideoWriter(parts[1], (192, 96), 30) as writer:
        for number in range(20):
            writer.write(clips.picture(number, 192, 96), number / 30)
    with pytest.raises(OutputError, match="another encoder"):
        join_videos(parts, list(EVEN), 30, tmp_path / "joined.mp4")
    assert not (tmp_path / "joined.mp4").exists()


@pytest.mark.parametrize("count", [39, 41])
def test_another_number_of_frames_is_refused(clips, tmp_path, count):
    parts = write_parts(clips, tmp_path, EVEN, [20])
    with pytest.raises(OutputError, match="another number of frames"):
        join_videos(parts, list(np.arange(count) / 30), 30, tmp_path / "joined.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.mp4", "20.mp4"]

"""Guided files have more quality where attention is, the size that was asked for, and all else of the source."""

import errno
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from atsal.encoding import CODECS, BlockGrid, Guide, Rate, encode_video
from atsal.errors import ConfigError, MediaError, OutputError, TruncatedMediaError
from atsal.video.luma_reader import read_luma
from atsal.video.probe import probe_video
from atsal.video.spherical_tags import read_spherical_tags
from encoding.conftest import right_half
from fakes.mp4 import BACK, edit, equi, put_in_entry, put_in_track, set_matrix, st3d, sv3d, v1

SIZE = (256, 128)


def textured(number, width=SIZE[0], height=SIZE[1]):
    """The same detail on both halves, moving."""
    x, y = np.meshgrid(np.arange(width) % (width // 2), np.arange(height))
    wave = np.sin((x + number) * 0.9) * np.cos((y + 2 * number) * 0.7) + np.sin((x * y) * 0.05)
    return np.repeat(np.clip(127 + 50 * wave, 0, 255).astype(np.uint8)[..., None], 3, -1)


def source_clip(clips, name="in.mp4", frames=30, **options):
    return clips.make(name, frames=frames, size=SIZE, paint=textured, options={"crf": "4", "g": "12"}, **options)


def guide_for(path, codec, **options):
    return Guide(right_half(), BlockGrid.of_video(probe_video(path)), step_qp=codec.step_qp, **options)


def error_of_halves(reference: Path, encoded: Path):
    half = SIZE[0] // 2
    errors = [(a.luma - b.luma) ** 2 for a, b in zip(read_luma(reference), read_luma(encoded), strict=True)]
    mean = np.mean(errors, 0)
    return mean[:, :half].mean(), mean[:, half:].mean()


@pytest.mark.parametrize("name", CODECS)
def test_quality_goes_where_attention_is(clips, tmp_path, name):
    codec, source = CODECS[name], source_clip(clips)
    plain = encode_video(source, tmp_path / "plain.mp4", codec, Rate(crf=38)).path
    guided = encode_video(source, tmp_path / "guided.mp4", codec, Rate(crf=38), guide_for(source, codec)).path
    left, right = error_of_halves(source, plain)
    guided_left, guided_right = error_of_halves(source, guided)
    assert left / right == pytest.approx(1, abs=0.3)
    assert guided_left / guided_right > 1.3 * left / right
    assert guided_right < right


@pytest.mark.parametrize("name", CODECS)
def test_plain_and_guided_files_have_the_size_that_was_asked_for(clips, tmp_path, name):
    codec, source = CODECS[name], source_clip(clips)
    for guide in (None, guide_for(source, codec)):
        found = encode_video(source, tmp_path / "out.mp4", codec, Rate(400), guide)
        with av.open(str(found.path)) as container:
            size = sum(packet.size for packet in container.demux(video=0))
        assert size * 8 / 1000 / 1.0 == pytest.approx(400, rel=0.02)
        assert found.bitrate_kbps == pytest.approx(400, rel=0.02)


def test_a_strength_of_0_is_a_plain_encoding(clips, tmp_path):
    codec, source = CODECS["x264"], source_clip(clips, frames=8)
    guide = guide_for(source, codec, strength=0.0)
    guided = encode_video(source, tmp_path / "guided.mp4", codec, Rate(crf=30), guide).path
    plain = encode_video(source, tmp_path / "plain.mp4", codec, Rate(crf=30)).path
    assert guided.read_bytes() == plain.read_bytes()


def test_times_sound_and_colours_are_those_of_the_source(clips, tmp_path):
    ticks = [0, 1, 2, 5, 6, 9, 15, *range(16, 24)]
    source = clips.make("in.mp4", ticks=ticks, audio="aac", audio_seconds=0.8)
    found = encode_video(source, tmp_path / "out.mp4", CODECS["x264"], Rate(crf=30)).path
    before, after = probe_video(source), probe_video(found)
    times = [[frame.timestamp_s for frame in read_luma(path)] for path in (source, found)]
    assert times[1] == pytest.approx(times[0], abs=1e-4)
    assert after.duration_s == pytest.approx(before.duration_s, abs=1 / 30)
    assert after.has_audio
    with av.open(str(source)) as one, av.open(str(found)) as other:
        lengths = [float(c.streams.audio[0].duration * c.streams.audio[0].time_base) for c in (one, other)]
        assert lengths[1] == pytest.approx(lengths[0], abs=1024 / 48000)


def test_every_frame_is_there_whatever_the_source_chose_as_key_frames(clips, tmp_path):
    source = source_clip(clips, frames=26)  # key frames 0, 12, 24
    found = encode_video(source, tmp_path / "out.mp4", CODECS["x264"], Rate(crf=30)).path
    with av.open(str(found)) as container:
        keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
    assert len(keys) == 26
    assert sum(keys) == 1


def test_what_an_edit_list_hides_stays_hidden(clips, tmp_path):
    source = edit(clips.make("in.mp4", frames=24, container_options=BACK), (500, 4096))
    shown = [frame.timestamp_s for frame in read_luma(source)]
    assert 0 < len(shown) < 24
    found = encode_video(source, tmp_path / "out.mp4", CODECS["x264"], Rate(crf=30)).path
    assert [frame.timestamp_s for frame in read_luma(found)] == pytest.approx(shown, abs=1e-4)


def test_the_360_tags_are_carried_over(clips, tmp_path):
    source = clips.make("in.mp4", frames=4, size=(128, 128), container_options=BACK)
    put_in_track(put_in_entry(source, st3d(1) + sv3d(equi(), pose=(30, 0, 0))), v1(StereoMode="top-bottom", Mine=7))
    found = encode_video(source, tmp_path / "out.mp4", CODECS["x264"], Rate(crf=30)).path
    (before,), (after,) = read_spherical_tags(source).values(), read_spherical_tags(found).values()
    assert after == before
    assert "Mine" in after.xml
    assert "yaw 30" in " ".join(probe_video(found).notes)


def test_views_without_tags_are_tagged_by_their_layout(clips, tmp_path):
    source = clips.make("in.mkv", frames=4, size=(128, 128), container_options={})
    found = encode_video(source, tmp_path / "out.mp4", CODECS["x264"], Rate(crf=30)).path
    info = probe_video(found)
    assert (info.stereo, info.view.source, info.spherical_tagged) == ("top-bottom", "file", True)
    (tags,) = read_spherical_tags(found).values()
    assert "top-bottom" in tags.xml


def test_both_views_get_the_offsets(clips):
    info = probe_video(clips.make("in.mp4", frames=2, size=(256, 256)))
    offsets = Guide(right_half(), BlockGrid.of_video(info)).at(0.0)
    rows = len(offsets) // 2
    assert np.array_equal(offsets[:rows], offsets[rows:])
    assert offsets[rows // 2, -3] < offsets[rows // 2, 2]


def test_ten_bits_stay_ten_bits_or_are_refused(clips, tmp_path):
    source = clips.make("in.mp4", frames=6, pix_fmt="yuv420p10le")
    found = encode_video(source, tmp_path / "out.mp4", CODECS["x264"], Rate(crf=20), guide_for(source, CODECS["x264"]))
    assert probe_video(found.path).pixel_format == "yuv420p10le"
    with pytest.raises(MediaError, match=r"in.mp4: has 10 bits per colour; vp9 is encoded with at most 8"):
        encode_video(source, tmp_path / "vp9.mp4", CODECS["vp9"], Rate(crf=20))


def test_a_rate_out_of_reach_is_an_error_and_leaves_nothing(clips, tmp_path, monkeypatch):
    source = source_clip(clips)
    for folder in ("/", tmp_path):  # what FFmpeg says names no file of the folder, wherever the command runs
        monkeypatch.chdir(folder)
        with pytest.raises(OutputError, match=r"x264 does not encode this video at \d kbit/s; ask for a higher"):
            encode_video(source, tmp_path / "x.mp4", CODECS["x264"], Rate(2))
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_messages_name_the_file_that_was_asked_for(clips, tmp_path, monkeypatch):
    def fail(*_arguments):
        raise OSError(errno.ENOSPC, "full")

    source = source_clip(clips)
    monkeypatch.setattr("atsal.video.mp4_file.tag_spherical", fail)
    with pytest.raises(OutputError, match=r"/out\.mp4: cannot be written: the disk is full"):
        encode_video(source, tmp_path / "out.mp4", CODECS["x264"], Rate(crf=30))


def test_a_rate_beyond_the_best_quality_gives_a_smaller_file(clips, tmp_path):
    source = clips.make("in.mp4", frames=8, paint=lambda *_: np.full((64, 128, 3), 99, np.uint8))
    found = encode_video(source, tmp_path / "out.mp4", CODECS["x264"], Rate(5000))
    assert found.bitrate_kbps < 4000
    assert found.encodes < 9


def test_a_damaged_source_leaves_the_earlier_file(clips, tmp_path):
    source = clips.cut(source_clip(clips), 0.6)
    target = tmp_path / "out.mp4"
    target.write_bytes(b"earlier")
    with pytest.raises(TruncatedMediaError, match="breaks after"):
        encode_video(source, target, CODECS["x264"], Rate(crf=30))
    assert target.read_bytes() == b"earlier"
    assert not list(tmp_path.glob(".*"))


def test_an_interrupt_leaves_nothing(clips, tmp_path):
    def interrupt(done):
        if done == 3:
            raise KeyboardInterrupt

    source = source_clip(clips)
    with pytest.raises(KeyboardInterrupt):
        encode_video(source, tmp_path / "out.mp4", CODECS["x264"], Rate(200), progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_full_range_stays_full_range(clips, tmp_path):
    source = clips.make("in.mp4", frames=4, pix_fmt="yuvj420p")
    found = encode_video(source, tmp_path / "out.mp4", CODECS["x264"], Rate(crf=20)).path
    assert [next(read_luma(path)).is_full_range for path in (source, found)] == [True, True]


@pytest.mark.parametrize("rate", [{}, {"bitrate_kbps": 100, "crf": 20}, {"bitrate_kbps": 0.5}])
def test_one_rate_is_needed(rate):
    with pytest.raises(ConfigError, match="bitrate"):
        Rate(**rate)


def test_an_odd_size_is_refused_with_a_remedy(clips, tmp_path):
    source = clips.make("in.mkv", frames=2, size=(130, 65), codec="ffv1", pix_fmt="yuv444p", paint=textured)
    with pytest.raises(MediaError, match=r"is 130x65; encoders need even sides. Scale it first: .*scale=130:66"):
        encode_video(source, tmp_path / "out.mp4", CODECS["x264"], Rate(crf=30))


def test_the_tick_of_the_source_does_not_matter(clips, tmp_path):
    source = clips.make("in.mp4", ticks=[0, 1001, 2002, 3003], tick=Fraction(1, 24000))
    found = encode_video(source, tmp_path / "out.mp4", CODECS["x265"], Rate(crf=30)).path
    assert [f.timestamp_s for f in read_luma(found)] == pytest.approx([0, 0.04171, 0.08342, 0.12513], abs=1e-4)


def test_a_rotation_in_the_metadata_is_applied(clips, tmp_path):
    source = clips.make("in.mp4", frames=3, size=(64, 128), paint=textured, container_options=BACK)
    set_matrix(source, 0, 1, -1, 0)
    codec = CODECS["x264"]
    found = encode_video(source, tmp_path / "out.mp4", codec, Rate(crf=1), guide_for(source, codec)).path
    info = probe_video(found)
    assert (info.width, info.height, info.view.rotation.filters) == (128, 64, ())
    for before, after in zip(read_luma(source), read_luma(found), strict=True):
        assert np.abs(before.luma - after.luma).mean() < 3


def test_hevc_has_the_tag_that_players_know_and_may_be_short(clips, tmp_path):
    source = clips.make(frames=2)
    for _ in range(5):  # with B-frames, x265 gives two frames random decoding times
        found = encode_video(source, tmp_path / "out.mp4", CODECS["x265"], Rate(crf=30)).path
        assert b"hvc1" in found.read_bytes()

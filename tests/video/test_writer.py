"""What is written can be read back, keeps times and sound, and nothing half-written stays."""

import resource
import signal
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np
import pytest

from atsal.errors import ConfigError, MediaError, OutputError, ShapeError
from atsal.video.image_writer import write_map_npy
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from atsal.video.writer import VideoWriter

SIZE = (128, 64)


def write(clips, path, times, **options):
    with VideoWriter(path, SIZE, 30, **options) as writer:
        for number, time_s in enumerate(times):
            writer.write(clips.picture(number), time_s)
    return path


def test_times_and_pictures_come_back(clips, tmp_path):
    times = [0.0, 0.05, 0.5, 0.51, 1.25, 1.3333333]
    path = write(clips, tmp_path / "out.mp4", times)
    frames = list(read_frames(path))
    assert [clips.number(f.image) for f in frames] == list(range(6))
    assert [f.timestamp_s for f in frames] == pytest.approx(times, abs=1 / 90000)
    info = probe_video(path)
    assert (info.codec, info.pixel_format, info.spherical_tagged) == ("h264", "yuv420p", True)
    assert info.duration_s == pytest.approx(times[-1] + 1 / 30, abs=1e-3)
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_the_first_frame_is_shown_at_once(clips, tmp_path):
    path = write(clips, tmp_path / "out.mp4", [5.0, 5.1])
    assert probe_video(path).start_s == 0


def test_the_index_comes_before_the_media(clips, tmp_path):
    data = write(clips, tmp_path / "out.mp4", [0, 1]).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_untagged_when_asked(clips, tmp_path):
    assert not probe_video(write(clips, tmp_path / "out.mp4", [0, 1], spherical=False)).spherical_tagged


def click_times(path):
    """When the clicks begin, in seconds since the first frame."""
    found, loud_before = [], False
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        start_s = float(video.start_time * video.time_base)
        for frame in container.decode(audio=0):
            wave = np.abs(frame.to_ndarray().astype(float)).max(axis=0)
            wave = wave[::2] if frame.format.name == "s16" else wave
            wave = wave / (32768 if frame.format.name == "s16" else 1)
            for block in range(0, wave.size - 63, 64):
                loud = wave[block : block + 64].max() > 0.2
                if loud and not loud_before:
                    found.append(frame.time - start_s + block / frame.sample_rate)
                loud_before = loud
    return found


@pytest.mark.parametrize(
    ("name", "codec"), [("src.mp4", "aac"), ("src.mkv", "pcm_s16le"), ("src.avi", "libmp3lame"), ("src.mkv", "flac")]
)
@pytest.mark.parametrize("start_s", [0.0, 0.7])
def test_sound_stays_in_step(clips, tmp_path, name, codec, start_s):
    if codec not in av.codecs_available:
        pytest.skip(f"no {codec} encoder")
    source = clips.make(name, audio=codec)
    frames = list(read_frames(source, start_s=start_s, duration_s=1.0))
    path = tmp_path / "out.mp4"
    with VideoWriter(path, SIZE, 30, audio_from=source, audio_start_s=frames[0].timestamp_s) as writer:
        for frame in frames:
            writer.write(frame.image, frame.timestamp_s)
    assert [clips.number(f.image) for f in read_frames(path)] == [f.index for f in frames]
    with av.open(str(path)) as container:
        audio = container.streams.audio[0]
        assert audio.codec_context.name.startswith("mp3" if codec == "libmp3lame" else "aac")
        assert float(audio.duration * audio.time_base) == pytest.approx(1.0, abs=0.08)
    clicks = [t - start_s for t in click_times(source) if start_s + 0.05 < t < start_s + 0.95]
    heard = click_times(path)
    assert len(clicks) >= 1
    for click in clicks:
        assert min(abs(click - h) for h in heard) < 0.015, (clicks, heard)


def test_sound_length_can_be_limited(clips, tmp_path):
    source = clips.make("src.mp4", audio="aac")
    path = write(clips, tmp_path / "o.mp4", np.arange(30) / 30, audio_from=source, audio_duration_s=0.4)
    with av.open(str(path)) as container:
        audio = container.streams.audio[0]
        assert float(audio.duration * audio.time_base) == pytest.approx(0.4, abs=0.05)


def test_a_source_without_sound_gives_none(clips, tmp_path):
    path = write(clips, tmp_path / "o.mp4", [0, 1], audio_from=clips.make("silent.mp4"))
    assert not probe_video(path).has_audio


def test_a_cut_source_gives_the_sound_it_has(clips, tmp_path):
    source = clips.cut(clips.make("src.mkv", audio="pcm_s16le"), 0.8)
    write(clips, tmp_path / "o.mp4", np.arange(60) / 30, audio_from=source)


def test_sound_of_an_unknown_codec_is_named(clips, tmp_path):
    path = clips.make(frames=3, audio="aac")
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"zzzz").replace(b"esds", b"zzzz"))
    with (
        pytest.raises(MediaError, match="sound is in a codec that this FFmpeg build does not know"),
        VideoWriter(tmp_path / "out.mp4", (64, 32), 30, audio_from=path),
    ):
        pass


def test_sound_that_changes_its_format_goes_on(clips, tmp_path):
    parts = [
        clips.make("part.ts", frames=15, audio="mp2", audio_seconds=0.5, audio_rate=rate).read_bytes()
        for rate in (48000, 32000)
    ]
    (tmp_path / "changing.ts").write_bytes(b"".join(parts))
    path = write(clips, tmp_path / "o.mp4", np.arange(60) / 30, audio_from=tmp_path / "changing.ts")
    with av.open(str(path)) as container:
        (audio,) = container.streams.audio
        assert float(audio.duration * audio.time_base) == pytest.approx(1.0, abs=0.1)


def test_sound_whose_times_go_back_is_left_out(clips, tmp_path):
    parts = [clips.make("part.ts", frames=15, audio="aac", audio_seconds=0.5).read_bytes() for _ in range(2)]
    (tmp_path / "back.ts").write_bytes(b"".join(parts))
    path = write(clips, tmp_path / "o.mp4", np.arange(60) / 30, audio_from=tmp_path / "back.ts")
    with av.open(str(path)) as container:
        (audio,) = container.streams.audio
        assert float(audio.duration * audio.time_base) == pytest.approx(0.5, abs=0.1)


def test_sound_without_channels_is_named(clips, tmp_path):
    path = clips.make("a.mkv", frames=3, audio="pcm_s16le")
    path.write_bytes(path.read_bytes().replace(b"\x9f\x81\x02", b"\x9f\x81\x00"))
    with (
        pytest.raises(MediaError, match=r"a.mkv: its sound has 48000 samples a second and the channels '0 channels'"),
        VideoWriter(tmp_path / "out.mp4", (64, 32), 30, audio_from=path),
    ):
        pass


def test_missing_sound_source_leaves_nothing(tmp_path):
    with pytest.raises(MediaError, match="no such file"):
        VideoWriter(tmp_path / "o.mp4", SIZE, 30, audio_from=tmp_path / "none.mp4").__enter__()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_exception_leaves_the_old_file(clips, tmp_path, error):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"old")

    def broken():
        with VideoWriter(path, SIZE, 30) as writer:
            for number in range(40):
                writer.write(clips.picture(number), number / 30)
            raise error("mine")

    with pytest.raises(error, match="mine"):
        broken()
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]
    assert path.read_bytes() == b"old"


def test_no_frame_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="not one frame"), VideoWriter(tmp_path / "o.mp4", SIZE, 30):
        pass
    assert not list(tmp_path.iterdir())


@contextmanager
def small_files_only():
    """Writing beyond 1000 bytes fails, as on a full disk; only within a test, for pytest writes to files too."""
    old, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_an_output_error_and_leaves_nothing(clips, tmp_path):
    with small_files_only(), pytest.raises(OutputError, match="size limit"):
        write_map_npy(tmp_path / "m.npy", np.zeros((64, 128), np.float32))
    with small_files_only(), pytest.raises(OutputError, match="size limit"):
        write(clips, tmp_path / "o.mp4", np.arange(60) / 30)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rate", [0.0004, Fraction(1, 2000), 0.3, Fraction(1, 3600)])
def test_a_slow_video_keeps_its_times(clips, tmp_path, rate):
    with VideoWriter(tmp_path / "slow.mp4", SIZE, rate) as writer:
        for number in range(2):
            writer.write(clips.picture(number), number / float(rate))
    assert [f.timestamp_s for f in read_frames(tmp_path / "slow.mp4")] == pytest.approx([0, 1 / rate], abs=1e-4)
    assert probe_video(tmp_path / "slow.mp4").duration_s == pytest.approx(2 / float(rate), rel=1e-3)


@pytest.mark.parametrize("stem", ["日" * 80, "é" * 120, "x" * 250])
def test_names_as_long_as_the_system_allows_can_be_written(tmp_path, stem):
    path = tmp_path / f"{stem}.npy"
    write_map_npy(path, np.ones((4, 8), np.float32))
    assert path.is_file()


def test_bad_video_arguments(clips, tmp_path):
    path = tmp_path / "o.mp4"
    for size in ((127, 64), (128, 63), (0, 0)):
        with pytest.raises(ShapeError, match="even"):
            VideoWriter(path, size, 30)
    for options in (
        {"frame_rate": 0},
        {"frame_rate": 1e-5},
        {"frame_rate": float("nan")},
        {"frame_rate": 30, "crf": 99},
    ):
        with pytest.raises(ConfigError):
            VideoWriter(path, SIZE, **options)
    with VideoWriter(path, SIZE, Fraction(30000, 1001)) as writer:
        writer.write(clips.picture(0), 1.0)
        with pytest.raises(ConfigError, match="not after"):
            writer.write(clips.picture(1), 1.0)
        with pytest.raises(ShapeError, match="64x32"):
            writer.write(clips.picture(1, 64, 32), 2.0)
        with pytest.raises(ShapeError, match="uint8"):
            writer.write(clips.picture(1).astype(np.float32), 2.0)


def test_the_same_pictures_give_the_same_bytes(clips, tmp_path):
    """Also after PyTorch has left its traces in memory, which AVX-512 code of x264 reads."""
    import torch

    found = []
    for number in range(3):
        torch.nn.functional.conv2d(torch.rand(1, 8, 64, 64), torch.rand(8, 8, 3 + number, 3))
        found.append(write(clips, tmp_path / "out.mp4", np.arange(30) / 30).read_bytes())
    assert found[0] == found[1] == found[2]

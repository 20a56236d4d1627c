"""Videos and photos behind URLs: the same results as of local files, and only the parts that are needed are read."""

import av
import numpy as np
import pytest
from PIL import Image

from atsal.errors import MediaError, TruncatedMediaError
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import find_sources
from atsal.remote import content
from atsal.remote.path import as_path
from atsal.video.image_reader import read_image
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames

WIDTH, HEIGHT, RATE = 256, 128, 10


@pytest.fixture(scope="session")
def long_video(tmp_path_factory):
    """A minute of noise, 2.5 MB, its index at the end."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    generator = np.random.default_rng(4)
    with av.open(str(path), "w") as output:
        pictures = output.add_stream("mpeg4", rate=RATE, options={"qscale": "3"})
        pictures.width, pictures.height, pictures.gop_size = WIDTH, HEIGHT, RATE
        for _ in range(60 * RATE):
            noise = generator.integers(0, 256, (HEIGHT // 4, WIDTH // 4, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(noise.repeat(4, 0).repeat(4, 1), format="rgb24")
            output.mux(pictures.encode(frame))
        output.mux(pictures.encode(None))
    return path


def images(path, **reading):
    return [(frame.index, frame.timestamp_s, frame.image.tobytes()) for frame in read_frames(path, **reading)]


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(content, "BLOCK_BYTES", 1 << 16)


def test_two_seconds_of_a_long_video_are_read_and_no_more(server, long_video, small_blocks):
    server.files["long.mp4"] = long_video.read_bytes()
    path, size = as_path(server.url("long.mp4")), long_video.stat().st_size
    assert images(path, start_s=30, duration_s=2) == images(long_video, start_s=30, duration_s=2)
    two_seconds = size * 2 / 60
    assert server.sent < 4 * two_seconds + 4 * content.BLOCK_BYTES
    assert len(server.requests) < 15
    assert not any(request.byte_range is None for request in server.requests)


def test_a_video_is_described_without_reading_it(server, long_video, small_blocks):
    server.files["long.mp4"] = long_video.read_bytes()
    info = probe_video(server.url("long.mp4"))
    assert (info.frame_count, info.duration_s) == (600, 60.0)
    assert server.sent < 6 * content.BLOCK_BYTES


def test_an_object_gives_the_frames_of_the_file(s3, long_video):
    s3.put_file(str(long_video), "videos/long.mp4")
    assert images("s3://videos/long.mp4", start_s=58) == images(long_video, start_s=58)


def test_a_photo_and_a_clip_of_photos(s3, tmp_path):
    for number in (9, 10):
        picture = np.full((64, 128, 3), 20 * number, np.uint8)
        picture[number] = 0
        Image.fromarray(picture).save(tmp_path / f"frame{number}.png")
    s3.put(f"{tmp_path}/", "videos/clip/", recursive=True)
    photo = read_image("s3://videos/clip/frame9.png")
    assert np.array_equal(photo, read_image(tmp_path / "frame9.png"))
    (clip,), problems = find_sources([as_path("s3://videos/clip")], as_frames=True)
    assert not problems
    assert [int(frame.image[0, 0, 0]) for frame in clip.frames(ReadOptions(), None)] == [180, 200]
    assert clip.identity()["path"] == "s3://videos/clip"
    stills, _ = find_sources([as_path("s3://videos/clip/*9.png"), as_path("s3://videos/clip")])
    assert [source.stem for source in stills] == ["frame9", "frame10"]


def test_a_pattern_that_nothing_matches(s3):
    pattern = as_path("s3://videos/none/*.mp4")
    _, problems = find_sources([pattern])
    assert str(problems[pattern]).startswith("s3://videos/none/*.mp4: no file matches")


@pytest.mark.parametrize("fault", [500, "cut"])
def test_a_lost_connection_is_no_damaged_video(server, long_video, small_blocks, fault):
    """FFmpeg would take the lost part for the end of the file, and the frames before it for all that is good."""
    server.files["long.mp4"] = long_video.read_bytes()
    frames = read_frames(server.url("long.mp4"))
    for _ in range(30):
        next(frames)
    server.always = fault
    with pytest.raises(MediaError, match="tried 4 times") as raised:
        for _ in frames:
            pass
    assert not isinstance(raised.value, TruncatedMediaError)


def test_a_video_that_changes_is_named(server, long_video, small_blocks):
    server.files["long.mp4"] = long_video.read_bytes()
    frames = read_frames(server.url("long.mp4"))
    next(frames)
    server.files["long.mp4"] = long_video.read_bytes()[:-1] + b"!"
    with pytest.raises(MediaError, match="changed while it was read"):
        list(frames)


def test_a_cut_video_is_damaged(server, long_video):
    server.files["cut.mp4"] = long_video.read_bytes()[:-1000]
    with pytest.raises(MediaError, match="without its index"):
        probe_video(server.url("cut.mp4"))


def test_without_ranges_a_video_is_read_all_the_same(server, long_video):
    server.has_ranges = False
    server.files["long.mp4"] = long_video.read_bytes()
    assert images(server.url("long.mp4"), start_s=59) == images(long_video, start_s=59)


def test_a_playlist_opens_no_file(server, long_video, monkeypatch):
    monkeypatch.chdir(long_video.parent)
    server.files["list.mp4"] = f"ffconcat version 1.0\nfile {long_video.name}\n".encode()
    with pytest.raises(MediaError, match=r"cannot be read as a video|holds no pictures"):
        probe_video(server.url("list.mp4"))


def test_a_version_identifies_a_source(server, long_video):
    server.files["long.mp4"] = long_video.read_bytes()
    (source,), _ = find_sources([as_path(server.url("long.mp4?sig=hush"))])
    identity = source.identity()
    assert identity["version"].startswith('ETag "')
    assert identity["sha256"] is None
    assert identity["bytes"] == long_video.stat().st_size
    assert "hush" not in str(identity)
    server.has_etags = server.has_dates = False
    (source,), _ = find_sources([as_path(server.url("long.mp4"))])
    (local,), _ = find_sources([long_video])
    assert source.identity()["sha256"] == local.identity()["sha256"]

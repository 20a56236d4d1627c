"""MP4s that promise more frames than memory holds are refused before FFmpeg reads them."""

import pytest

from atsal.errors import MediaError
from atsal.video.index_limits import refuse_huge_index
from atsal.video.probe import probe_video
from fakes import hostile
from fakes.mp4 import box


@pytest.mark.parametrize(
    "write", [hostile._mp4_samples, hostile._mp4_large_index, hostile._mp4_fragment, hostile._mp4_edits]
)
def test_an_index_of_too_many_frames_is_refused(write, tmp_path):
    write(tmp_path / "a.mp4")
    with pytest.raises(MediaError, match=r"its index lists [\d,]+ frames.*at most 5,000,000 are supported"):
        probe_video(tmp_path / "a.mp4")


def test_a_compressed_index_is_refused(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(box(b"moov", box(b"cmov", bytes(100))))
    with pytest.raises(MediaError, match="compressed index"):
        probe_video(path)


def test_plain_sound_may_have_as_many_samples_as_it_likes(tmp_path):
    """Two hours at 48,000 Hz are 345 million."""
    words = [value.to_bytes(4, "big") for value in (1, 345_600_000, 1)]
    handler = box(b"hdlr", bytes(4) + b"soun", full=True)
    times = box(b"stts", b"".join(words), full=True)
    sizes = box(b"stsz", (4).to_bytes(4, "big") + words[1], full=True)
    path = tmp_path / "a.mov"
    for sound, refused in ((handler + times + sizes, False), (times + sizes, True)):
        path.write_bytes(box(b"moov", box(b"trak", sound)))
        with path.open("rb") as file:
            if refused:
                with pytest.raises(MediaError, match="345,600,000"):
                    refuse_huge_index(path, file)
            else:
                refuse_huge_index(path, file)


def test_boxes_without_number_or_depth_are_no_trap(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\1\0\0udta" * 3000)
    with path.open("rb") as file:
        refuse_huge_index(path, file)
    monkeypatch.setattr("atsal.video.index_limits._MAX_BOXES", 100)
    path.write_bytes(b"\0\0\0\x08free" * 200)
    with path.open("rb") as file, pytest.raises(MediaError, match="more than 100 boxes"):
        refuse_huge_index(path, file)


def test_frames_of_too_many_pixels_are_refused(tmp_path, monkeypatch):
    hostile._mp4(tmp_path / "a.mp4")
    assert probe_video(tmp_path / "a.mp4").width == 64
    monkeypatch.setattr("atsal.video.container.MAX_PIXELS", 2000)
    (tmp_path / "a.mp4").rename(tmp_path / "b.mp4")
    with pytest.raises(MediaError, match=r"frames of 64x32 pixels.*Scale it down"):
        probe_video(tmp_path / "b.mp4")


def test_a_stream_larger_than_its_container_states_is_not_decoded(tmp_path, monkeypatch):
    hostile._mp4(tmp_path / "a.mp4")
    monkeypatch.setattr("atsal.video.container._LIMITS", {"max_pixels": "2000"})
    with pytest.raises(MediaError, match="not one frame could be decoded"):
        probe_video(tmp_path / "a.mp4")

"""Every frame is the right one: its picture shows its number, and its time is the one it was written with."""

import gc
import re
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atsal.errors import ConfigError, MediaError, TruncatedMediaError
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames, read_image_sequence
from atsal.video.timed_frames import TimedFrame
from atsal.video.view_scaler import ViewScaler
from video.conftest import save_picture

VFR_TICKS = [k * 30 + (7 * k * k) % 23 for k in range(50)]  # milliseconds, uneven


def listed(clips, path, **options):
    frames = list(read_frames(path, **options))
    assert [clips.number(f.image) for f in frames] == [f.index for f in frames]
    return [f.index for f in frames], [f.timestamp_s for f in frames]


def read_until_it_breaks(clips, frames):
    """The indices delivered, each checked against its picture, and the error's text."""
    seen = []
    try:
        for frame in frames:
            assert clips.number(frame.image) == frame.index
            seen.append(frame.index)
    except TruncatedMediaError as error:
        return seen, str(error)
    pytest.fail("the break went unnoticed")


def test_reads_every_frame_once_in_order(clips):
    index, times = listed(clips, clips.make())
    assert index == list(range(60))
    assert times == pytest.approx(np.arange(60) / 30)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi", "clip.ts", "clip.mov"])
@pytest.mark.parametrize("start_s", [0.1, 0.7, 1.0, 1.9])
def test_seeking_keeps_number_and_time(clips, name, start_s):
    index, times = listed(clips, clips.make(name), start_s=start_s)
    assert index == list(range(round(start_s * 30), 60))
    assert times == pytest.approx(np.array(index) / 30, abs=1e-3)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
def test_a_span_ends_between_frames_even_where_a_tick_is_a_frame(clips, name):
    path = clips.make(name)
    assert listed(clips, path, start_s=0.48)[0][0] == 15  # of 30 a second: frame 14 is at 0.467
    assert listed(clips, path, start_s=0.2, duration_s=0.28)[0] == list(range(6, 15))


def test_a_raw_stream_has_the_times_of_its_rate(clips):
    index, times = listed(clips, clips.make("clip.h264"), start_s=0.5)
    rate = probe_video(clips.folder / "clip.h264").frame_rate
    assert index == list(range(round(0.5 * rate + 0.49), 60))
    assert times == pytest.approx(np.array(index) / rate, abs=1e-3)


@pytest.mark.parametrize("name", ["vfr.mp4", "vfr.mkv"])
@pytest.mark.parametrize("start_s", [0.0, 0.25, 0.61, 1.2])
def test_variable_rate_keeps_true_times_and_numbers(clips, name, start_s):
    path = clips.make(name, ticks=VFR_TICKS, tick=Fraction(1, 1000))
    index, times = listed(clips, path, start_s=start_s)
    expected = [k for k, t in enumerate(VFR_TICKS) if t / 1000 >= start_s]
    assert index == expected
    assert times == pytest.approx([VFR_TICKS[k] / 1000 for k in expected], abs=6e-4)


def test_a_gap_in_a_steady_clip_does_not_shift_the_numbers(clips):
    ticks = [*range(30), *range(45, 75)]  # half a second without frames
    path = clips.make(ticks=ticks)
    assert probe_video(path).variable_frame_rate
    index, times = listed(clips, path, start_s=1.6)
    assert index == list(range(33, 60))
    assert times[0] == pytest.approx(48 / 30)


@pytest.mark.parametrize("name", ["late.mkv", "late.mp4"])
@pytest.mark.parametrize("start_s", [0.0, 0.8])
def test_start_offset_is_subtracted(clips, name, start_s):
    path = clips.make(name, ticks=range(90, 150))
    assert probe_video(path).start_s == pytest.approx(3.0, abs=2e-3)
    index, times = listed(clips, path, start_s=start_s)
    assert index == list(range(round(start_s * 30), 60))
    assert times[0] == pytest.approx(start_s, abs=1e-3)


def test_a_title_may_be_of_any_bytes(clips):
    source, path = clips.make(), clips.folder / "titled.mkv"
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        new.metadata["title"] = "a title in latin"
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    path.write_bytes(path.read_bytes().replace(b"a title in latin", "à tîtlé ïn làtin".encode("latin-1")))
    assert [clips.number(frame.image) for frame in read_frames(path)] == list(range(60))


def test_frames_hidden_by_an_edit_list_do_not_count(clips):
    source = clips.make()
    path = clips.folder / "edited.mp4"
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                shift = round(5 / 30 / packet.time_base)  # the first five frames before time zero
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                new.mux(packet)
    shown = [clips.number(f.image) for f in read_frames(path)]
    assert shown[-1] == 59
    assert [f.index for f in read_frames(path)] == list(range(len(shown)))
    late = next(read_frames(path, start_s=1.0))
    assert clips.number(late.image) == shown[late.index]


def test_stride_and_duration(clips):
    path = clips.make()
    assert listed(clips, path, stride=7)[0] == list(range(0, 60, 7))
    assert listed(clips, path, stride=4, start_s=0.5, duration_s=0.5)[0] == [15, 19, 23, 27]
    assert listed(clips, path, start_s=1.0, duration_s=0.1)[0] == [30, 31, 32]


def test_fps_picks_the_nearest_frame(clips):
    path = clips.make()
    assert listed(clips, path, fps=10)[0] == list(range(0, 60, 3))
    assert listed(clips, path, fps=12)[0] == sorted([*range(0, 60, 5), *range(2, 60, 5)])
    assert listed(clips, path, fps=1000)[0] == list(range(60))
    assert listed(clips, path, fps=5, start_s=1, duration_s=0.5)[0] == [30, 36, 42]


@given(
    gaps=st.lists(st.integers(1, 400), min_size=1, max_size=40),
    fps=st.floats(0.5, 200),
    start=st.integers(0, 300),
)
def test_nearest_agrees_with_a_search_of_all_frames(gaps, fps, start):
    from atsal.video.reader import nearest_frames

    times = (start + np.cumsum([0, *gaps])) / 1000
    frames = [TimedFrame(k, float(t), None) for k, t in enumerate(times)]
    got = [f.index for f in nearest_frames(frames, start / 1000, fps)]
    assert got == sorted(set(got))
    wanted = start / 1000 + np.arange(int((times[-1] - start / 1000) * fps) + 1) / fps
    distance = np.abs(wanted[:, None] - times[None, :])
    ties = {int(k) for row in distance for k in np.flatnonzero(row <= row.min() + 1e-5)}
    sure = {int(row.argmin()) for row in distance if np.sum(row <= row.min() + 1e-5) == 1}
    assert sure <= set(got) <= ties | {len(times) - 1}


def test_scales_by_area(clips):
    def checker(number, width, height):
        rows, columns = np.indices((height, width))
        return np.repeat((((rows + columns) % 2) * 255).astype(np.uint8)[..., None], 3, 2)

    path = clips.make(frames=3, paint=checker, options={"qp": "0"})
    frame = next(read_frames(path, size=(32, 16)))
    assert frame.image.shape == (16, 32, 3)
    assert frame.image.dtype == np.uint8
    assert frame.image.flags.writeable
    assert np.abs(frame.image.astype(int) - 127).max() <= 4


@pytest.mark.parametrize(("layout", "size"), [("top-bottom", (128, 128)), ("left-right", (256, 64))])
def test_the_left_view_of_a_stereo_video(clips, layout, size):
    def both(number, width, height):
        views = [clips.picture(number), clips.picture(255 - number)]
        return np.concatenate(views, axis=0 if layout == "top-bottom" else 1)

    path = clips.make(frames=20, size=size, paint=both)
    info = probe_video(path)
    assert (info.stereo, info.eye_size) == (layout, (128, 64))
    assert any(layout in remark for remark in info.remarks)
    assert listed(clips, path)[0] == list(range(20))
    assert listed(clips, path, size=(64, 32), stereo=layout)[0] == list(range(20))


@pytest.mark.parametrize("size", [(1280, 640), (128, 64)])
@pytest.mark.parametrize("tagged", [True, False])
def test_colours_survive(clips, size, tagged):
    from atsal.video.writer import VideoWriter

    colour = np.array([200, 40, 60], np.uint8)
    if tagged:
        path = clips.folder / "colour.mp4"
        with VideoWriter(path, size, 30, crf=5) as writer:
            writer.write(np.broadcast_to(colour, (size[1], size[0], 3)), 0.0)
    else:  # by convention BT.709 where the picture is large, BT.601 where it is small
        matrix = "ITU709" if size[0] >= 1280 else "ITU601"
        frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), colour), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=matrix, dst_color_range="MPEG")
        path = clips.folder / "plain.mkv"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("ffv1", rate=30)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            frame.pts, frame.colorspace, frame.time_base = 0, 2, Fraction(1, 30)
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    assert next(read_frames(path)).image[5, 5] == pytest.approx(colour, abs=5)


def test_ten_bits_are_reduced(clips):
    path = clips.make("deep.mkv", frames=3, codec="ffv1", pix_fmt="yuv420p10le")
    assert any("10 bits" in remark for remark in probe_video(path).remarks)
    assert listed(clips, path)[0] == [0, 1, 2]


def test_a_second_sound_track_is_noted(clips):
    source, path = clips.make(frames=3, audio="aac"), clips.folder / "two.mp4"
    with av.open(str(source)) as found, av.open(str(path), "w") as output:
        video, audio = found.streams
        tracks = [output.add_stream_from_template(stream) for stream in (video, audio, audio)]
        for packet in [packet for packet in found.demux() if packet.dts is not None]:
            for track in tracks[1:] if packet.stream is audio else tracks[:1]:
                copy = av.Packet(bytes(packet))
                copy.pts, copy.dts, copy.time_base, copy.stream = packet.pts, packet.dts, packet.time_base, track
                output.mux(copy)
    assert probe_video(path).notes == ("holds 2 sound tracks; a video that is written gets the first",)


def test_probe_tells_the_facts(clips):
    info = probe_video(clips.make(audio="aac"))
    assert (info.width, info.height, info.codec, info.pixel_format) == (128, 64, "h264", "yuv420p")
    assert (info.frame_count, info.has_audio, info.variable_frame_rate) == (60, True, False)
    assert info.frame_rate == pytest.approx(30)
    assert info.duration_s == pytest.approx(2)
    assert (info.stereo, info.spherical_tagged, info.eye_size) == ("mono", False, (128, 64))
    assert any("spherical" in remark for remark in info.remarks)
    assert any("64 pixels high" in remark for remark in info.remarks)


def test_frame_count_of_matroska_is_estimated(clips):
    assert probe_video(clips.make("clip.mkv")).frame_count == 60


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
@pytest.mark.parametrize("part", [0.4, 0.7])
@pytest.mark.parametrize("options", [{}, {"fps": 7}, {"start_s": 0.4}])
def test_a_cut_video_gives_its_good_frames_then_says_so(clips, name, part, options):
    path = clips.cut(clips.make(name), part)
    seen, message = read_until_it_breaks(clips, read_frames(path, **options))
    good = int(re.search(r"after (\d+) good frames of 60 expected", message)[1])
    assert 10 < good < 60
    assert seen
    assert good - 5 <= seen[-1] < good


def test_every_whole_packet_of_a_cut_video_is_delivered(clips):
    path = clips.cut(clips.make(), 0.6)
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.dts is not None]
    lost = packets.pop()
    assert lost.is_corrupt
    got, _ = read_until_it_breaks(clips, read_frames(path))
    assert got == list(range(sum(p.pts < lost.dts for p in packets)))  # what is after a lost one has no certain number
    assert len(got) >= len(packets) - 2


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_a_cut_exactly_between_two_frames_is_noticed(clips, name):
    path = clips.make(name, options={"bf": "0", "g": "12"})
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.dts is not None][40]
    path.write_bytes(path.read_bytes()[: packet.pos])
    seen, message = read_until_it_breaks(clips, read_frames(path))
    assert seen == list(range(40))
    assert "the file ends early" in message


def test_a_damaged_middle_ends_the_good_part(clips):
    path = clips.make()
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1500] = bytes(1500)
    path.write_bytes(data)
    seen, _ = read_until_it_breaks(clips, read_frames(path))
    assert seen == list(range(len(seen)))
    assert 5 < len(seen) < 60


def test_a_span_before_the_damage_is_read_without_complaint(clips):
    path = clips.cut(clips.make(), 0.6)
    assert listed(clips, path, duration_s=0.5)[0] == list(range(15))


def test_a_start_behind_the_cut_says_that_the_file_breaks(clips):
    path = clips.cut(clips.make(), 0.5)
    with pytest.raises(TruncatedMediaError):
        list(read_frames(path, start_s=1.8))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 0}, "stride is 0"),
        ({"fps": 0}, "fps is 0"),
        ({"fps": float("nan")}, "fps is nan"),
        ({"fps": 5, "stride": 2}, "choose one"),
        ({"start_s": -1}, "start_s is -1"),
        ({"start_s": float("inf")}, "start_s is inf"),
        ({"duration_s": 0}, "duration_s is 0"),
        ({"size": (0, 5)}, "size is"),
        ({"stereo": "sideways"}, "stereo is 'sideways'"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(clips, options, message):
    with pytest.raises(ConfigError, match=message):
        read_frames(clips.make(frames=3), **options)


def test_a_start_past_the_end_is_refused(clips):
    path = clips.make()
    with pytest.raises(MediaError, match=r"from 2\.5 s.*length is 2\.000 s"):
        read_frames(path, start_s=2.5)
    with pytest.raises(MediaError, match="no frame in the span"):
        list(read_frames(path, start_s=1.99))


@pytest.mark.parametrize(("size", "fits"), [((128, 96), "1.33:1"), ((64, 128), "0.50:1")])
def test_other_shapes_are_refused(clips, size, fits):
    path = clips.make(frames=3, size=size)
    with pytest.raises(MediaError, match=rf"{size[0]}x{size[1]} \({fits}\).*top-bottom"):
        probe_video(path)
    with pytest.raises(MediaError, match="No stereo layout fits"):
        probe_video(path, stereo="mono")


def test_a_tiny_video_is_refused(clips):
    with pytest.raises(MediaError, match="16x8"):
        probe_video(clips.make(frames=3, size=(16, 8)))


def test_unusable_files_are_refused_with_the_reason(clips):
    folder = clips.folder
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("no video\n" * 100)
    (folder / "text.txt").write_text("no video\n" * 100)
    whole = clips.make("back.mp4", container_options={"brand": "isom"}).read_bytes()
    (folder / "headless.mp4").write_bytes(whole[: len(whole) // 2])
    cases = {
        "missing.mp4": "no such file",
        ".": "is a folder",
        "empty.mp4": "is empty",
        "text.mp4": "cannot be read as a video",
        "text.txt": "not a video|cannot be read",
        "headless.mp4": "moov",
        clips.sound_only().name: "holds no pictures, only audio",
    }
    for name, message in cases.items():
        with pytest.raises(MediaError, match=message) as caught:
            read_frames(folder / name)
        assert str(folder) in str(caught.value)


def test_a_video_without_frames_is_refused(clips):
    path = clips.folder / "none.mp4"
    clips.make("some.mp4", frames=30)
    whole = (clips.folder / "some.mp4").read_bytes()
    path.write_bytes(whole[: whole.index(b"mdat") + 4])  # the index in front, and nothing of the media
    with pytest.raises(MediaError, match=r"not one frame|without a picture size"):
        read_frames(path)


def test_a_still_picture_is_not_a_video(clips):
    from PIL import Image

    Image.fromarray(clips.picture(1)).save(clips.folder / "a.png")
    with pytest.raises(MediaError, match="still picture"):
        probe_video(clips.folder / "a.png")


def test_memory_does_not_grow(clips):
    frames = read_frames(clips.make(), size=(64, 32))
    first = next(frames)
    assert next(frames).image is not first.image
    frames.close()


def test_only_the_frames_that_are_asked_for_are_opened(tmp_path, clips):
    for number in range(5):
        save_picture(tmp_path / f"f{number}.png", clips.picture(number))
    (tmp_path / "f0.png").write_bytes(b"broken")
    (tmp_path / "f4.png").write_bytes(b"broken")
    frames = list(read_image_sequence(tmp_path, fps=4, numbers=range(1, 4, 2)))
    assert [(f.index, f.timestamp_s, clips.number(f.image)) for f in frames] == [(1, 0.25, 1), (3, 0.75, 3)]


def test_a_folder_of_frames_is_a_clip(tmp_path, clips):
    for number in (0, 1, 2, 10, 11):
        save_picture(tmp_path / f"frame{number}.png", clips.picture(number))
    frames = list(read_image_sequence(tmp_path, fps=4))
    assert [clips.number(f.image) for f in frames] == [0, 1, 2, 10, 11]
    assert [f.index for f in frames] == [0, 1, 2, 3, 4]
    assert [f.timestamp_s for f in frames] == [0, 0.25, 0.5, 0.75, 1.0]
    small = list(read_image_sequence(tmp_path, fps=4, size=(64, 32)))
    assert small[3].image.shape == (32, 64, 3)
    assert clips.number(small[3].image) == 10
    with pytest.raises(ConfigError, match="fps"):
        read_image_sequence(tmp_path, fps=0)
    save_picture(tmp_path / "frame3.png", clips.picture(3, 256, 128))
    with pytest.raises(MediaError, match=r"frame3\.png: its view is 256x128, but frame0\.png has 128x64"):
        list(read_image_sequence(tmp_path, fps=4))


def test_a_colour_matrix_that_does_not_exist_is_named(clips):
    path = clips.make(frames=1)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    frame.colorspace = 43
    with pytest.raises(MediaError, match=r"frame 7 cannot be converted .*matrix 43"):
        ViewScaler(probe_video(path), (32, 16)).scale(frame, 7)


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_decoders_end_with_the_reading_not_with_the_next_garbage_collection(clips):
    path, counts = clips.make(), []
    gc.disable()
    try:
        for _ in range(4):
            list(read_frames(path, start_s=1.0, duration_s=0.5))
            next(read_frames(path))
            counts.append(len(list(Path("/proc/self/task").iterdir())))
    finally:
        gc.enable()
    assert counts == counts[:1] * 4

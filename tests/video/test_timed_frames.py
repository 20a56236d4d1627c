"""Times and numbers are those of the frames that are shown: each frame's picture shows which one it is."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from atsal.datasets.dataset import RawItem
from atsal.datasets.stimulus import describe, read_picture, read_some_frames
from atsal.errors import AtsalError, MediaError, TruncatedMediaError
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.video import probe, timed_frames
from atsal.video.container import read_packets
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from atsal.video.timed_frames import frame_times
from fakes import mp4

VFR = [k * 30 + (7 * k * k) % 23 for k in range(50)]  # milliseconds, uneven
CASES = next((p / "shared/cases/media" for p in Path(__file__).parents if (p / "shared/cases").is_dir()), None)


def remuxed(clips, source, name, change):
    """The packets of `source`, each passed through `change`, which may leave it out by giving None."""
    path = clips.folder / name
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if packet.dts is not None and change(number, packet) is not None:
                packet.stream = stream
                new.mux(packet)
    return path


def earlier(seconds):
    def change(_number, packet):
        shift = round(Fraction(seconds) / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        return packet

    return change


def check_all_agree(clips, path):
    """Reading, seeking, counting, times and prepared stimuli tell of the same frames; gives (number shown, time)."""
    shown = [(clips.number(frame.image), frame.timestamp_s) for frame in read_frames(path)]
    painted, times = (list(column) for column in zip(*shown, strict=True))
    assert [frame.index for frame in read_frames(path)] == list(range(len(shown)))
    assert probe_video(path).frame_count == len(shown)
    assert frame_times(path) == pytest.approx(np.array(times), abs=2e-3)
    assert Source(path, "video").expected_frames(ReadOptions()) == len(shown)
    assert Source(path, "video").expected_frames(ReadOptions(stride=4)) == -(-len(shown) // 4)
    for start_s in (0.3, 0.7, 0.9):
        late = list(read_frames(path, start_s=start_s))
        assert [clips.number(frame.image) for frame in late] == painted[late[0].index :]
        assert [frame.timestamp_s for frame in late] == pytest.approx(times[late[0].index :])
        assert late[0].index == sum(time < start_s - 1e-3 for time in times)
    stimulus = describe(RawItem("a", path, ()), "videos")
    assert stimulus.frames == len(shown)
    if stimulus.frame_times_s is None:
        assert np.arange(len(shown)) / stimulus.frames_per_s == pytest.approx(np.array(times), abs=2e-3)
    else:
        assert stimulus.frame_times_s == pytest.approx(np.array(times), abs=2e-3)
    last = len(shown) - 1
    assert clips.number(read_picture(path, stimulus, last)) == painted[-1]
    some = read_some_frames(path, stimulus, [3, 7, last], (128, 64))
    assert [clips.number(picture) for picture in some] == [painted[index] for index in (3, 7, last)]
    return painted, times


@pytest.mark.parametrize("hidden", [5, 17])
@pytest.mark.parametrize("name", ["cut.mp4", "cut.mov"])
def test_frames_that_an_edit_list_hides_do_not_count(clips, name, hidden):
    path = remuxed(clips, clips.make(), name, earlier(Fraction(hidden, 30)))
    painted, times = check_all_agree(clips, path)
    assert painted == list(range(hidden, 60))
    assert times == pytest.approx(np.arange(60 - hidden) / 30)


def test_an_edit_list_over_uneven_times(clips):
    source = clips.make(ticks=VFR, tick=Fraction(1, 1000))
    path = remuxed(clips, source, "cut.mp4", earlier(Fraction(400, 1000)))
    painted, times = check_all_agree(clips, path)
    assert painted == [k for k, tick in enumerate(VFR) if tick >= 400]
    assert times == pytest.approx([(VFR[k] - VFR[painted[0]]) / 1000 for k in painted], abs=1e-3)
    assert probe_video(path).variable_frame_rate


def test_edits_at_the_end_and_an_empty_one_at_the_start(clips):
    path = clips.make(container_options=mp4.BACK, options={"bf": "0", "g": "12"})
    with av.open(str(path)) as container:
        tick = container.streams.video[0].time_base
    start = round(Fraction(10, 30) / tick)
    mp4.edit(path, (500, -1), (1000, start))  # half a second of nothing, then one second of the video
    painted, times = check_all_agree(clips, path)
    assert painted == list(range(10, 40))
    assert times == pytest.approx(np.arange(30) / 30, abs=1e-3)
    assert probe_video(path).start_s == pytest.approx(0.5, abs=1e-3)


def test_two_edits_leave_out_the_middle(clips):
    path = clips.make(container_options=mp4.BACK, options={"bf": "0", "g": "12", "sc_threshold": "0"})
    with av.open(str(path)) as container:
        tick = container.streams.video[0].time_base
    mp4.edit(path, (500, 0), (1000, round(1 / tick)))
    painted, times = check_all_agree(clips, path)
    assert painted == [*range(15), *range(30, 60)]
    assert np.diff(times) == pytest.approx(1 / 30, abs=2e-3)


def test_a_rate_that_only_evens_out(clips):
    """Sparse frames first and dense ones after them: the average rate is that of a steady clip."""
    ticks = [*range(0, 30), *range(30, 60, 2), *(Fraction(120 + k, 2) for k in range(45)), *range(83, 90)]
    path = clips.make(ticks=[int(2 * tick) for tick in ticks], tick=Fraction(1, 60))
    painted, times = check_all_agree(clips, path)
    assert painted == list(range(len(ticks)))
    assert times == pytest.approx([float(tick) / 30 for tick in ticks])


def test_a_last_frame_that_stands_for_long(clips):
    path = clips.make(ticks=[*range(59), 200])
    painted, _ = check_all_agree(clips, path)
    assert painted == list(range(60))


def avi(clips, kept, codec="mjpeg"):
    source = clips.make("whole.avi", codec=codec, pix_fmt="yuvj420p" if codec == "mjpeg" else "yuv422p", frames=40)
    return remuxed(clips, source, "dropped.avi", lambda number, packet: packet if number in kept else None)


@pytest.mark.parametrize(
    "kept",
    [[k for k in range(40) if k % 2 == 0], [*range(5), *range(25, 40)], [*range(10), 12, *range(20, 40)]],
)
@pytest.mark.parametrize("codec", ["mjpeg", "huffyuv"])
def test_null_frames_of_an_avi_keep_their_time(clips, kept, codec):
    path = avi(clips, kept, codec)
    painted, times = check_all_agree(clips, path)
    assert painted == kept
    assert times == pytest.approx(np.array(kept) / 30)
    assert probe_video(path).duration_s == pytest.approx((kept[-1] + 1) / 30)


def test_null_frames_at_the_end_of_an_avi(clips):
    """A muxer writes none there: the last pictures are made null by hand, in the index and in the data."""
    path = clips.make("tail.avi", codec="ffv1", frames=40)
    data = bytearray(path.read_bytes())
    at = data.index(b"idx1") + 8
    for entry in range(at + 16 * 30, at + 16 * 40, 16):
        offset = int.from_bytes(data[entry + 8 : entry + 12], "little") + data.index(b"movi")
        length = int.from_bytes(data[entry + 12 : entry + 16], "little")
        assert data[offset : offset + 4] == b"00dc"
        data[entry + 12 : entry + 16] = bytes(4)
        data[offset + 4 : offset + 8] = bytes(4)
        data[offset + 8 : offset + 16] = b"JUNK" + (length + length % 2 - 8).to_bytes(4, "little")
    path.write_bytes(data)
    assert [clips.number(frame.image) for frame in read_frames(path)] == list(range(30))
    assert probe_video(path).frame_count == 30
    assert len(frame_times(path)) == 30


def test_an_avi_with_b_frames_and_null_frames(clips):
    path = clips.make("b.avi", frames=40)
    assert [clips.number(frame.image) for frame in read_frames(path)] == list(range(40))
    assert frame_times(path) == pytest.approx(np.arange(40) / 30)


@pytest.mark.parametrize("part", [0.5, 0.8])
def test_an_avi_cut_short_is_noticed(clips, part):
    path = clips.cut(clips.make("whole.avi", codec="mjpeg", pix_fmt="yuvj420p"), part)
    with pytest.raises(TruncatedMediaError, match="of 60 expected"):
        list(read_frames(path))


@pytest.mark.parametrize("start_s", [0.0, 0.4, 1.2])
def test_joined_transport_streams_are_told(clips, start_s):
    first, second = clips.make("a.ts", frames=60), clips.make("b.ts", frames=30)
    joined = clips.folder / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    seen = []

    def read():
        for frame in read_frames(joined, start_s=start_s):
            assert clips.number(frame.image) == frame.index
            seen.append(frame.index)

    with pytest.raises(MediaError, match=r"its times start again.*concat demuxer.*setpts=N/FR/TB"):
        read()
    assert not seen or (seen[0] == round(start_s * 30) and seen[-1] > 50)
    with pytest.raises(MediaError, match=r"its times start again, .* after 60 frames"):
        frame_times(joined)
    with pytest.raises(MediaError, match="its times start again"):
        describe(RawItem("a", joined, ()), "videos")
    assert "its times start again" in probe_video(joined).remarks[-1]
    assert not any("start again" in remark for remark in probe_video(first).remarks)


def test_a_joined_stream_with_an_earlier_clock_is_told(clips):
    first, second = clips.make("a.ts", ticks=range(9000, 9030)), clips.make("b.ts", frames=30)
    joined = clips.folder / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(MediaError, match="its times start again"):
        list(read_frames(joined))


@pytest.mark.parametrize("name", ["clip.ts", "clip.mkv", "clip.mpg", "clip.flv"])
def test_files_without_an_index_agree(clips, name):
    codec = "mpeg2video" if name == "clip.mpg" else "libx264"
    painted, times = check_all_agree(clips, clips.make(name, codec=codec))
    assert painted == list(range(60))
    slack = 0.04 if name == "clip.mpg" else 1e-3  # FFmpeg fills in the times that a program stream leaves out
    assert times == pytest.approx(np.arange(60) / 30, abs=slack)


@pytest.mark.parametrize("name", ["uneven.ts", "uneven.mkv"])
@pytest.mark.parametrize("ticks", [VFR, [*range(0, 900, 30), *range(2900, 3800, 30)]])
def test_uneven_files_without_an_index_agree(clips, name, ticks):
    path = clips.make(name, ticks=ticks, tick=Fraction(1, 1000))
    painted, times = check_all_agree(clips, path)
    assert painted == list(range(len(ticks)))
    assert times == pytest.approx(np.array(ticks) / 1000, abs=1e-3)
    assert probe_video(path).variable_frame_rate
    assert probe_video(path).frame_rate == pytest.approx(len(ticks) / ticks[-1] * 1000, rel=0.05)


def test_times_of_matroska_that_go_back(clips):
    path = clips.make(
        "back.mkv", codec="mjpeg", pix_fmt="yuvj420p", ticks=[k * 100 for k in range(90)], tick=Fraction(1, 1000)
    )
    data = bytearray(path.read_bytes())
    clusters = [at for at in range(len(data)) if data[at : at + 4] == b"\x1f\x43\xb6\x75"]
    assert len(clusters) > 1
    at = data.index(b"\xe7", clusters[1])
    length = data[at + 1] & 0x7F
    data[at + 2 : at + 2 + length] = bytes(length)  # its clock starts at zero again
    path.write_bytes(data)
    with pytest.raises(TruncatedMediaError, match="its times start again"):
        list(read_frames(path))
    with pytest.raises(MediaError, match="its times start again"):
        frame_times(path)


def test_a_clip_that_begins_within_a_group_of_pictures(clips):
    source = clips.make("whole.ts", options={"bf": "2", "g": "12", "x264-params": "b-adapt=0:keyint=12:min-keyint=12"})
    path = remuxed(clips, source, "late.ts", lambda number, packet: packet if number >= 5 else None)
    shown = [frame.timestamp_s for frame in read_frames(path)]
    assert frame_times(path) == pytest.approx(np.array(shown), abs=1e-3)


@pytest.mark.skipif(CASES is None, reason="needs the shared cases")
def test_frames_are_counted_once_while_a_file_stays_as_it_is(clips, monkeypatch):
    path, read = clips.make("a.mkv", frames=30), []
    counting = timed_frames.count_frames
    monkeypatch.setattr(probe, "count_frames", lambda path, timing: read.append(path) or counting(path, timing))
    item = Source(path, "video")
    assert item.expected_frames(ReadOptions()) == len(list(item.frames(ReadOptions(), None))) == 30
    assert item.notes(ReadOptions()) == ()
    assert item.frame_rate(ReadOptions()) == pytest.approx(30)
    assert read == [path]
    clips.make("a.mkv", frames=20)
    assert item.expected_frames(ReadOptions()) == 20


@pytest.mark.skipif(CASES is None, reason="needs the shared cases")
@pytest.mark.parametrize(("name", "count", "last_s"), [("cut_editlist.mp4", 27, 2.6), ("dropped.avi", 20, 3.9)])
def test_the_shared_cases(name, count, last_s):
    frames = list(read_frames(CASES / name))
    assert (len(frames), frames[-1].timestamp_s) == (count, pytest.approx(last_s))
    assert probe_video(CASES / name).frame_count == count
    assert frame_times(CASES / name)[-1] == pytest.approx(last_s)


def test_what_is_no_file_is_refused_at_once(tmp_path, monkeypatch):
    import os
    import socket

    from atsal.untrusted.files import check_readable

    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.mp4")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("s")
    Path("empty").touch()
    Path("fine").write_text("x")
    check_readable(Path("fine"), "video")
    cases = {
        "pipe.mp4": "is a pipe",
        "s": "is a socket",
        "/dev/null": "is a device",
        ".": "is a folder",
        "empty": "is empty",
        "-": "standard input is not read",
        "https://example.org/a.mp4": "is a URL",
        "fine/a": "no such file",
        "x" * 300: "cannot be accessed .*too long",
        "a\0b": "cannot be accessed",
    }
    for name, message in cases.items():
        for call in (lambda path: check_readable(path, "video"), read_frames):
            with pytest.raises(MediaError, match=message):
                call(Path(name))
    with pytest.raises(AtsalError, match="expected an image"):
        check_readable(Path("nothing"), "image", AtsalError)
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(MediaError, match=r"no such file.*the working folder no longer exists"):
        check_readable(Path("x.mp4"), "video")


def test_an_odd_statement_of_length_is_left_aside(clips):
    path = clips.make("a.mkv", container_options={})
    data = path.read_bytes()
    assert probe_video(path).duration_s == pytest.approx(2.0)
    path.write_bytes(data.replace(b"00:00:02.000000000", b"1.5:00:02.00000000"))
    assert path.read_bytes() != data
    assert probe_video(path).frame_count == 60


def test_an_error_of_pyav_about_a_late_stream_is_the_end_of_the_packets():
    class Late:
        def demux(self, stream):
            yield 1
            raise IndexError("list index out of range")

    assert list(read_packets(Late(), None)) == [1]


def test_a_container_that_breaks_before_its_first_frame_is_named(clips, monkeypatch):
    def broken(container, stream):
        raise av.error.MemoryError(12, "Cannot allocate memory")
        yield

    monkeypatch.setattr(probe, "read_packets", broken)
    with pytest.raises(MediaError, match=r"not one frame could be decoded \(Cannot allocate memory"):
        probe_video(clips.make())

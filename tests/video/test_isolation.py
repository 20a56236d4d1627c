"""What a hostile file does to the process that reads it ends that process alone, and is told by the file's name."""

import os
import pickle
import subprocess
import sys
import time
from contextlib import nullcontext
from fractions import Fraction
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
from av.filter import Graph

from atsal.errors import LostReaderError, MediaError
from atsal.jobs.supervised_workers import resident_bytes
from atsal.video import isolation
from atsal.video.image_reader import read_image
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from atsal.video.timed_frames import TimedFrame, read_pictures
from atsal.video.writer import VideoWriter
from fakes import decoders
from video.conftest import save_picture


@pytest.fixture
def isolated():
    with isolation.isolated_reading():
        yield


def test_all_is_as_without(clips):
    path, photo = clips.make(frames=20), save_picture(clips.folder / "a.png", clips.picture(3))
    expected = probe_video(path), [(f.index, f.timestamp_s, f.image) for f in read_frames(path)], read_image(photo)
    with isolation.isolated_reading():
        found = probe_video(path), [(f.index, f.timestamp_s, f.image) for f in read_frames(path)], read_image(photo)
    np.testing.assert_equal(found, expected)
    assert not isolation.is_isolated()


def test_decoded_pictures_can_be_sent(clips):
    """Also one whose rows lie in memory from bottom to top, as in some raw videos."""
    frame = next(read_pictures(clips.make(pix_fmt="yuv422p", frames=2)))
    graph = Graph()
    buffer = graph.add_buffer(width=128, height=64, format=frame.picture.format, time_base=Fraction(1, 30))
    graph.link_nodes(buffer, graph.add("vflip"), graph.add("buffersink")).configure()
    graph.vpush(frame.picture)
    flipped = TimedFrame(7, 0.5, graph.vpull())
    assert flipped.picture.planes[0].line_size < 0
    for sent in (frame, flipped):
        found = pickle.loads(pickle.dumps(sent))
        assert (found.index, found.timestamp_s) == (sent.index, sent.timestamp_s)
        rows = [picture.reformat(format="rgb24").to_ndarray() for picture in (sent.picture, found.picture)]
        np.testing.assert_array_equal(*rows)
        assert found.picture.color_range == sent.picture.color_range


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "aac"), ("a.ts", "aac"), ("a.mkv", "pcm_s16le"), ("a.mov", "alac")]
)
def test_sound_has_the_same_bytes(clips, tmp_path, name, codec):
    source, written = clips.make(name, frames=30, audio=codec, audio_seconds=1), []
    for number in range(2):
        with isolation.isolated_reading() if number else nullcontext():
            path = tmp_path / f"{number}.mp4"
            with VideoWriter(path, (64, 32), 30, audio_from=source, audio_start_s=0.3) as writer:
                for frame in read_frames(source, size=(64, 32), start_s=0.3):
                    writer.write(frame.image, frame.timestamp_s)
        written.append(path.read_bytes())
    assert written[0] == written[1]
    assert probe_video(tmp_path / "1.mp4").has_audio


def test_each_fault_is_an_error_with_the_name_of_the_file(isolated, monkeypatch):
    cases = (
        (decoders.crash, "a.mp4: the process that read it was ended by SIGSEGV; .*leave it out"),
        (decoders.gorge, r"a.mp4: cannot be read .needs more memory than there is"),
        (decoders.refuse, "a.mp4: is no picture"),
        (decoders.fail, r"a.mp4: cannot be read \(of another package\)"),
    )
    for read, message in cases:
        with pytest.raises(MediaError, match=message):
            read("a.mp4")
    monkeypatch.setattr(isolation, "MAX_SECONDS", 0.2)
    with pytest.raises(MediaError, match=r"a.mp4: the process that read it gave no answer for 0.2 s"):
        decoders.hang("a.mp4")


def test_a_process_that_is_killed_says_nothing_about_the_file(isolated):
    with pytest.raises(LostReaderError, match=r"a.mp4: the process that read it was ended by SIGKILL, perhaps"):
        decoders.be_killed("a.mp4")
    with pytest.raises(MediaError, match="is no picture"):
        decoders.refuse("a.mp4")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it stays until it returns from C")
def test_a_process_that_hangs_ends_with_the_one_that_started_it():
    code = "from fakes import decoders; decoders.hang_in_c('a.mp4')"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "ATSAL_ISOLATE": str(1 << 30)}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        assert resident_bytes(child)
        parent.kill()
    deadline_s = time.monotonic() + 10
    while resident_bytes(child) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert not resident_bytes(child)


def test_frames_before_a_crash_are_delivered_and_the_next_file_is_read(isolated):
    found = decoders.frames("a.mp4", 5, crash_at=2)
    assert [number for number, _ in (next(found), next(found))] == [0, 1]
    with pytest.raises(MediaError, match="SIGABRT"):
        next(found)
    assert [number for number, _ in decoders.frames("b.mp4", 3)] == [0, 1, 2]


def test_a_process_that_is_left_in_the_middle_answers_nobody_else(isolated):
    found = decoders.frames("a.mp4", 5)
    next(found)
    with pytest.raises(KeyboardInterrupt):
        found.throw(KeyboardInterrupt)
    assert [number for number, _ in decoders.frames("b.mp4", 2)] == [0, 1]


def test_processes_are_used_again_and_end_with_the_block():
    with isolation.isolated_reading():
        (_, first), *_ = decoders.frames("a.mp4", 2)
        half, other = decoders.frames("b.mp4", 10), decoders.frames("c.mp4", 10)
        assert next(half)[1] == first != os.getpid()
        assert next(other)[1] != first
        half.close()
        assert next(decoders.frames("d.mp4", 10))[1] == first
        other.close()
    assert not active_children()


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_decoders_of_files_that_were_read_do_not_add_up(clips):
    """The stacks of their threads would use up the memory that the process may take."""
    path, counts = clips.make(frames=2), []
    with isolation.isolated_reading():
        for _ in range(8):
            list(read_frames(path))
            (child,) = active_children()
            counts.append(len(list(Path(f"/proc/{child.pid}/task").iterdir())))
    assert max(counts) <= counts[0]

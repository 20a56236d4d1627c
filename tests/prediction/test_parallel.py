"""Runs in several processes give the results of one, and can be stopped anywhere."""

import os
import signal
import subprocess
import sys
import time

import av
import numpy as np
import pytest

from atsal.errors import MediaError, SetAsideError
from atsal.jobs.engine import Death, InThisProcess, ignore_report
from atsal.jobs.supervised_workers import Limits, SupervisedWorkers
from atsal.jobs.workers import init_worker
from atsal.prediction import chunked_run, chunks, tasks
from atsal.prediction.chunk_folder import predict_chunk
from atsal.prediction.chunked_run import ChunkedRun
from atsal.prediction.job import claim_results, predict_source
from atsal.prediction.model_choice import ModelChoice, load_once
from atsal.prediction.options import Options
from atsal.prediction.parallel import ParallelRun
from atsal.prediction.sources import Source, SourceFiles
from atsal.prediction.tasks import Job, RunTask
from atsal.prediction.unseen_source import UnseenSource
from atsal.video.isolation import isolated_reading
from atsal.video.reader import read_frames
from atsal.video.synthetic_scene import render_video
from fakes import decoders
from prediction.test_job import tree

join_videos = ChunkedRun._join_videos
MODEL = ModelChoice(runtime="torch")
BOTH = Options(formats=("npy", "video"))


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    """Chunks of 8 frames with a warm-up of 3: too short for equal maps, but not for equal bookkeeping."""
    monkeypatch.setattr(chunks, "MIN_CHUNK_FRAMES", 8)
    monkeypatch.setattr(chunks, "WARM_UPS_PER_CHUNK", 1)
    monkeypatch.setattr("atsal.prediction.chunked_run.warm_up_frames", lambda *_: 3)


def make_chunks_short(threads):
    """Do the same in a worker process."""
    chunks.MIN_CHUNK_FRAMES, chunks.WARM_UPS_PER_CHUNK = 8, 1
    chunked_run.warm_up_frames = lambda *_: 3
    init_worker(threads)


@pytest.fixture(scope="session")
def made_film(tmp_path_factory):
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    render_video(path, seconds=2, frame_rate=12, erp_height=64, seed=1)
    return path


@pytest.fixture
def film(made_film, tmp_path):
    """24 frames of 128x64: three chunks."""
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "film.mp4"
    path.write_bytes(made_film.read_bytes())
    return Source(path, "video")


@pytest.fixture
def model():
    return load_once(MODEL)


def run(sources, folder, options=BOTH, workers=1):
    """Run all in this process where `workers` is 1; chunks are the same."""
    job, task = Job(MODEL, folder, options), RunTask(SourceFiles(sources))
    several = SupervisedWorkers(task, workers, Limits(), prepare=make_chunks_short)
    with InThisProcess(task) if workers == 1 else several as engine:
        return dict(ParallelRun(engine).outcomes((source, job) for source in sources))


def times(path):
    return [frame.timestamp_s for frame in read_frames(path)]


def test_a_film_in_chunks_has_the_results_of_one_run(film, model, tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(chunks, "MIN_CHUNK_FRAMES", 16)
    monkeypatch.setattr(chunks, "WARM_UPS_PER_CHUNK", 0)
    monkeypatch.setattr("atsal.prediction.chunked_run.warm_up_frames", lambda *_: 13)
    predict_source(model, film, tmp_path / "whole", BOTH)
    outcome = run([film], tmp_path / "out")[film]
    assert (outcome.frames, outcome.done, outcome.problem) == (24, 24, None)
    whole, found = tree(tmp_path / "whole"), tree(tmp_path / "out")
    assert found.keys() == whole.keys()
    assert found["film.json"]["chunks"] == {"count": 2, "warm_up_frames": 13, "first_frames": [0, 13]}
    assert "chunks" not in whole["film.json"]
    for name in (name for name in whole if name.endswith(".npy")):
        a, b = np.load(tmp_path / "whole" / name), np.load(tmp_path / "out" / name)
        assert abs(a - b).max() <= 1e-2 * a.max()
    assert times(tmp_path / "out" / "film.mp4") == times(tmp_path / "whole" / "film.mp4")


def test_an_overlay_keeps_sound_and_times(film, model, tmp_path):
    from video.conftest import Clips

    source = Source(Clips(tmp_path / "in").make("loud.mp4", frames=20, audio="aac"), "video")
    predict_source(model, source, tmp_path / "whole", Options())
    run([source], tmp_path / "out", Options())
    with isolated_reading():
        run([source], tmp_path / "isolated", Options())
    assert tree(tmp_path / "isolated") == tree(tmp_path / "out")
    sound = []
    for folder in ("whole", "out"):
        path = tmp_path / folder / "loud.overlay.mp4"
        with av.open(str(path)) as container:
            sound.append([(p.pts, bytes(p)) for p in container.demux(container.streams.audio[0]) if p.size])
    assert sound[0] == sound[1] != []
    assert times(tmp_path / "out" / "loud.overlay.mp4") == times(tmp_path / "whole" / "loud.overlay.mp4")


@pytest.mark.parametrize("done", [0, 1, 3])
def test_a_stopped_run_goes_on_to_the_same_bytes(film, model, tmp_path, done, monkeypatch):
    run([film], tmp_path / "whole")
    stop_after(done, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run([film], tmp_path / "out")
    monkeypatch.setattr(tasks, "predict_chunk", predict_chunk)
    if done < 3:  # else joining had begun
        names = [path.name for path in (tmp_path / "out").glob("*")]
        assert sorted(names) == ([".film.chunks", ".film.progress"] if done else [])
    monkeypatch.setattr(ChunkedRun, "_join_videos", join_videos)
    outcome = run([film], tmp_path / "out")[film]
    assert (outcome.frames, outcome.done) == (24, 24 - 8 * done)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def stop_after(done, monkeypatch):
    left = iter(range(done))

    def interrupted(*arguments):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return predict_chunk(*arguments)

    monkeypatch.setattr(tasks, "predict_chunk", interrupted)
    if done == 3:
        monkeypatch.setattr(ChunkedRun, "_join_videos", interrupted)


def test_a_run_without_workers_goes_on_in_chunks(film, model, tmp_path, monkeypatch):
    run([film], tmp_path / "whole")
    stop_after(1, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run([film], tmp_path / "out")
    seen = []
    outcome = predict_source(model, film, tmp_path / "out", BOTH, seen.append)
    assert (outcome.frames, outcome.done) == (24, 16)
    assert seen == list(range(9, 25))
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    assert predict_source(model, film, tmp_path / "out", BOTH).skipped
    assert run([film], tmp_path / "out")[film].skipped


def test_a_run_in_one_piece_goes_on_in_one_piece(film, model, tmp_path):
    npy = Options(formats=("npy",))
    predict_source(model, film, tmp_path / "whole", npy)

    def stop(done):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_source(model, film, tmp_path / "out", npy, stop)
    assert run([film], tmp_path / "out", npy)[film].done == 20  # after a whole group of frames
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_chunks_of_other_settings_are_not_used(film, model, tmp_path, monkeypatch):
    stop_after(1, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run([film], tmp_path / "out")
    monkeypatch.setattr(tasks, "predict_chunk", predict_chunk)
    other = Options(formats=("npy",), height=40)
    assert "made with another format, size" in str(run([film], tmp_path / "out", other)[film])
    outcome = run([film], tmp_path / "out", Options(formats=("npy",), height=40, overwrite=True))[film]
    assert outcome.done == 24
    assert np.load(tmp_path / "out" / "film" / "000000.npy").shape == (40, 80)


def test_a_broken_film_keeps_its_good_part(film, model, tmp_path):
    film.path.write_bytes(film.path.read_bytes()[: int(film.path.stat().st_size * 0.85)])
    whole = predict_source(model, film, tmp_path / "whole", BOTH)
    found = run([film], tmp_path / "out")[film]
    assert found.problem == whole.problem is not None
    assert found.frames == whole.frames
    assert [p.name for p in (tmp_path / "out").rglob(".*")] == []


def test_a_film_whose_middle_is_damaged(film, model, tmp_path):
    data = bytearray(film.path.read_bytes())
    with av.open(str(film.path)) as container:
        hit = [p for p in container.demux(container.streams.video[0]) if p.size][14]
        data[hit.pos + 4 : hit.pos + hit.size] = bytes(hit.size - 4)
    film.path.write_bytes(data)
    whole = predict_source(model, film, tmp_path / "whole", BOTH)
    found = run([film], tmp_path / "out")[film]
    assert whole.problem is not None
    assert found.problem is not None
    assert whole.frames <= found.frames < 20
    assert len(times(tmp_path / "out" / "film.mp4")) == found.frames


def test_two_workers(film, tmp_path):
    """Films, short videos, stills and a broken file at once."""
    from PIL import Image

    from atsal.video.synthetic_scene import Scene

    folder = film.path.parent
    Image.fromarray(Scene(3).render(64, 0.0)).save(folder / "still.png")
    (folder / "empty.mp4").touch()
    sources = [film, Source(folder / "still.png", "image"), Source(folder / "empty.mp4", "video")]
    run(sources, tmp_path / "one")
    found = run(sources, tmp_path / "two", workers=2)
    assert found[film].frames == 24
    assert found[sources[1]].frames == 1
    assert isinstance(found[sources[2]], MediaError)
    assert tree(tmp_path / "two") == tree(tmp_path / "one")


def test_results_may_not_replace_an_input(film, tmp_path):
    """The rules are those of one process."""
    sources = [film]
    found = run(sources, film.path.parent, Options(formats=("video",)))[film]
    assert "is an input" in str(found)


def test_the_lock_is_held(film, model, tmp_path):
    with claim_results(model, film, tmp_path / "out", BOTH, SourceFiles([film])):
        assert "another run is writing" in str(run([film], tmp_path / "out")[film])


KILLED = """
import sys
from pathlib import Path
from prediction.test_parallel import BOTH, run
from atsal.prediction.sources import Source
if __name__ == "__main__":
    run([Source(Path(sys.argv[1]), "video")], Path(sys.argv[2]), BOTH, 2)
"""


@pytest.mark.slow
def test_kill_9_at_any_moment(film, tmp_path):
    """The main process or a worker is killed again and again; the results are those of an undisturbed run."""
    script = tmp_path / "run.py"
    script.write_text(KILLED)
    command = [sys.executable, str(script), str(film.path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, "tests"])}
    subprocess.run([*command, str(tmp_path / "whole")], check=True, env=environment)
    rng = np.random.default_rng(0)
    started = time.monotonic()
    for attempt in range(6):
        process = subprocess.Popen([*command, str(tmp_path / "out")], env=environment, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(3, 12))
        children = subprocess.run(
            ["pgrep", "-P", str(process.pid)], check=False, capture_output=True, text=True
        ).stdout.split()
        victim = int(children[-1]) if attempt % 2 and children else process.pid
        if process.poll() is None:
            os.kill(victim, signal.SIGKILL)
        process.wait(60)
        assert time.monotonic() - started < 300
    time.sleep(1)  # workers notice that the main process has gone
    subprocess.run([*command, str(tmp_path / "out")], check=True, env=environment)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


class Reading:
    def __init__(self, *marker):
        self._marker = marker

    def run(self, _inputs, _report):
        return decoders.be_killed("a.mp4", *self._marker)


def test_a_reader_that_is_killed_costs_a_retry(tmp_path):
    with isolated_reading():
        assert RunTask()(Reading(tmp_path / "once"), ignore_report) == "a.mp4"
        found = RunTask()(Reading(), ignore_report)
    assert isinstance(found, SetAsideError)
    assert str(found).endswith(
        "was ended by SIGKILL, perhaps because memory was short, at the second try; it is set aside"
    )


def test_a_source_that_is_set_aside_leaves_nothing_half_written(film, tmp_path):
    class Engine(InThisProcess):
        def results(self, report):
            while self._waiting:
                yield self._waiting.popleft(), Death("was ended by SIGKILL, at the second try")

    short = UnseenSource(film.path.parent / "short.mp4")
    render_video(short.path, seconds=0.5, frame_rate=8, erp_height=64, seed=1)
    out = tmp_path / "out"
    (out / ".film.chunks" / ".00001.0123abcd.atsal-part").mkdir(parents=True)
    (out / ".short.mp4.0123abcd.atsal-part").write_bytes(b"half")
    (out / ".short.progress").write_bytes(b"")
    job = Job(MODEL, out, BOTH)
    found = dict(ParallelRun(Engine(RunTask())).outcomes((source, job) for source in (film, short)))
    assert isinstance(found[film], SetAsideError)
    assert str(found[short]) == (
        f"{short.path}: the process that predicted it was ended by SIGKILL, at the second try; it is set aside"
    )
    assert list(out.rglob("*")) == []

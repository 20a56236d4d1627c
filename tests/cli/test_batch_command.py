"""`atsal batch`: each source ends named, and any run goes on where the last one stopped."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from atsal.batch.ledger import LEDGER, read_ledger
from atsal.cli import main
from atsal.jobs.engine import InThisProcess
from atsal.jobs.output_folder import lock_folder
from atsal.prediction.parallel import ParallelRun
from atsal.prediction.tasks import Begin
from atsal.video.synthetic_scene import Scene, render_video
from fakes import decoders
from prediction.test_job import tree

FAST = ("--format", "npy", "--runtime", "torch")


@pytest.fixture(scope="session")
def made_clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    render_video(folder / "a.mp4", seconds=0.5, frame_rate=8, erp_height=64, seed=1)
    Image.fromarray(Scene(2).render(64, 0.0)).save(folder / "b.png")
    (folder / "broken.mp4").write_bytes(b"no video")
    return folder


@pytest.fixture
def folder(made_clips, tmp_path, monkeypatch):
    """A working folder with two sources and a broken one in `in`; tasks run in this process."""
    shutil.copytree(made_clips, tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("atsal.jobs.supervised_workers.SupervisedWorkers", lambda job, *_: InThisProcess(job))
    return tmp_path


def run(*arguments, status=0, isolate="--no-isolate"):
    """Run it as it is by default with `isolate=None`, which takes a second more."""
    found = CliRunner().invoke(main, ["batch", *map(str, arguments), *([isolate] if isolate else [])])
    assert found.exit_code == status, found.output
    return found.output


def states(folder="out"):
    return {row.id: row.state for row in read_ledger(Path(folder) / LEDGER)}


def looked_at(monkeypatch):
    """Return a list of the sources that later runs look at."""
    seen, begin = [], ParallelRun._begin
    monkeypatch.setattr(ParallelRun, "_begin", lambda self, s, job: (seen.append(s.path.name), begin(self, s, job)))
    return seen


def test_results_are_those_of_predict(folder):
    said = run("in", "-o", "out", *FAST, status=3, isolate=None)
    assert "2 done, 1 failed" in said
    assert "in/broken.mp4: cannot be read as a video" in said
    CliRunner().invoke(main, ["predict", "in", "-o", "other", *FAST])
    mine, other = tree(folder / "out"), tree(folder / "other")
    for name in (LEDGER, "summary.csv", "summary.html"):
        del mine[name]
    assert mine == other
    assert not list((folder / "out").glob(".*"))


def test_a_file_that_crashes_its_decoder_fails_alone(folder, monkeypatch):
    monkeypatch.setattr("atsal.prediction.sources.read_image", decoders.crash)
    said = run("in", "-o", "out", *FAST, status=3, isolate=None)
    assert "in/b.png: the process that read it was ended by SIGSEGV" in said
    assert states() == {"a": "done", "b": "failed", "broken": "failed"}


def test_a_second_run_looks_only_at_what_is_new(folder, monkeypatch):
    run("in", "-o", "out", *FAST, status=3)
    seen = looked_at(monkeypatch)
    assert "1 source failed in an earlier run" in run("in", "-o", "out", *FAST, status=3)
    assert seen == []
    run("in", "-o", "out", *FAST, "--retry-failed", status=3)
    assert seen == ["broken.mp4"]
    shutil.copy(folder / "in" / "b.png", folder / "in" / "broken.mp4")  # repaired
    for name in ("b.json", "b.npy"):
        (folder / "out" / name).unlink()
    shutil.copy(folder / "in" / "b.png", folder / "in" / "c.png")
    run("in", "-o", "out", *FAST)
    assert seen[1:] == ["b.png", "broken.mp4", "c.png"]
    assert set(states().values()) == {"done"}


def test_a_lost_ledger_is_made_anew_from_the_results(folder, monkeypatch):
    run("in", "-o", "out", *FAST, status=3)
    (folder / "out" / LEDGER).write_bytes(b"damaged")
    said = run("--status", "-o", "out")
    assert "2 sources: 2 done" in said
    assert "5 frames" in said
    before = (folder / "out" / "a.json").read_bytes()
    run("in", "-o", "out", *FAST, status=3)
    assert states() == {"a": "done", "b": "done", "broken": "failed"}
    assert (folder / "out" / "a.json").read_bytes() == before


def test_results_that_vanish_during_a_run_are_missed(folder, monkeypatch):
    def take_away(self, *_):
        shutil.rmtree(folder / "out" / "a")
        return iter(())

    run("in/a.mp4", "-o", "out", *FAST)
    monkeypatch.setattr(ParallelRun, "outcomes", take_away)
    run("in/a.mp4", "-o", "out", *FAST, status=1)
    assert states() == {"a": "waiting"}


def test_what_ctrl_c_stops_waits_for_the_next_run(folder, monkeypatch):
    def stop(self, *_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Begin, "run", stop)
        assert "run the same command again" in run("in", "-o", "out", *FAST, status=130)
    assert set(states().values()) == {"waiting"}
    assert (folder / "out" / "summary.csv").is_file()
    run("in", "-o", "out", *FAST, status=3)
    assert states() == {"a": "done", "b": "done", "broken": "failed"}


def test_what_arrives_is_predicted_until_ctrl_c(folder, monkeypatch):
    def arrive(watched):
        yield [watched / "a.mp4", watched / "broken.mp4"]
        yield [watched / "b.png"]
        raise KeyboardInterrupt

    monkeypatch.setattr("atsal.batch.arrivals.steady_files", arrive)
    run("--watch", "in", "-o", "out", *FAST, status=130)
    assert states() == {"a": "done", "broken": "failed", "b": "done"}


def test_a_catalogue_gives_names_and_options(folder):
    rows = "path,id,max-frames,start\nin/a.mp4,one,1,\nin/a.mp4,two,2,0.2\nin/gone.mp4,three,,\n"
    (folder / "list.csv").write_text(rows)
    run("--catalogue", "list.csv", "-o", "out", *FAST, status=3)
    assert states() == {"one": "done", "two": "done", "three": "failed"}
    assert len(json.loads((folder / "out" / "two.json").read_text())["frames"]) == 2
    assert (folder / "out" / "one.npy").is_file()


def test_ten_thousand_sources_start_at_once(folder, monkeypatch):
    def stop(self, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Begin, "run", stop)
    rows = "".join(f"clips/{number:05d}.mp4\n" for number in range(10_000))
    (folder / "list.csv").write_text(f"path\n{rows}")
    started_s = time.monotonic()
    run("--catalogue", "list.csv", "-o", "out", *FAST, status=130)
    assert time.monotonic() - started_s < 5
    assert len(states()) == 10_000


def test_sources_of_one_name_fail_by_name(folder):
    shutil.copy(folder / "in" / "b.png", folder / "in" / "a.png")
    said = run("in/*.png", "in/a.mp4", "-o", "out", *FAST, status=3)
    assert "in/a.mp4: 2 sources would write results called a" in said
    assert states() == {"in/a.png": "failed", "in/a.mp4": "failed", "b": "done"}


def test_the_summary_counts_causes(folder):
    (folder / "in" / "also <b>.mp4").write_bytes(b"no video")
    run("in", "-o", "out", *FAST, status=3)
    with (folder / "out" / "summary.csv").open() as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert rows["a"]["frames"] == "4"
    assert rows["broken"]["reason"].startswith("in/broken.mp4: cannot be read")
    page = (folder / "out" / "summary.html").read_text()
    assert "<td>2</td><td>cannot be read as a video" in page
    assert "also &lt;b&gt;.mp4" in page
    assert "<b>" not in page


def test_wrong_use_is_named(folder):
    assert "SOURCES, --catalogue FILE or --watch FOLDER" in run("-o", "out", status=1)
    assert "exclude each other" in run("in", "--catalogue", "list.csv", "-o", "out", status=1)
    assert "no file matches" in run("in/*.mkv", "-o", "out", status=1)
    assert "holds sources" in run("in", "-o", "in", status=1)
    assert "has no ledger and no results" in run("--status", "-o", "nowhere", status=1)
    with lock_folder(folder / "out"):
        assert "another run is writing" in run("in", "-o", "out", *FAST, status=1)
    assert "did you mean 'lite'" in run("in", "-o", "out", "--model", "litre", status=1)
    assert not (folder / "out" / "a.json").exists()


class _Disturbed:
    """A batch in a process of its own, on 12 sources of which two are broken."""

    def __init__(self, folder):
        self.out = folder / "out"
        self.folder = folder
        self._command = [sys.executable, "-m", "atsal", "batch", "in", *FAST, "--workers", "2"]
        self._environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    def start(self, *more, out="out"):
        command = [*self._command, "-o", out, *more]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=self.folder, env=self._environment, **quiet)

    def kill_worker_at(self, process, name, times):
        """Kill the workers as often as the ledger says that the source is running."""
        while times and process.poll() is None:
            rows = read_ledger(self.out / LEDGER) or []
            if any(row.id == name and row.state == "running" for row in rows):
                for worker in children(process.pid):
                    os.kill(worker, signal.SIGKILL)
                times -= 1
                time.sleep(1)
            time.sleep(0.05)


def children(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], check=False, capture_output=True, text=True).stdout
    return [int(line) for line in found.split()]


@pytest.mark.slow
def test_kill_9_at_any_moment(tmp_path):
    """Workers and the main process are killed again and again; the results are those of an undisturbed run."""
    (tmp_path / "in").mkdir()
    for number in range(10):
        name = tmp_path / "in" / f"clip{number}.mp4"
        render_video(name, seconds=3 if number else 40, frame_rate=16, erp_height=64, seed=number)
    (tmp_path / "in" / "broken.mp4").write_bytes(b"no video")
    cut = (tmp_path / "in" / "clip1.mp4").read_bytes()
    (tmp_path / "in" / "cut.mp4").write_bytes(cut[: len(cut) // 3])
    batch = _Disturbed(tmp_path)
    assert batch.start(out="whole").wait() == 3
    seen, rng = set(), np.random.default_rng(0)
    for attempt in range(6):
        process = batch.start("--retry-failed")
        time.sleep(rng.uniform(2, 7))
        victims = [process.pid, *children(process.pid)]
        seen.update(victims)
        if process.poll() is None:
            os.kill(victims[attempt % len(victims)], signal.SIGKILL)
        if process.pid == victims[attempt % len(victims)]:
            process.wait()
        else:
            process.kill()
            process.wait()
    time.sleep(1)  # workers notice that the main process has gone
    (batch.out / "clip0.json").unlink(missing_ok=True)
    shutil.rmtree(batch.out / "clip0", ignore_errors=True)
    process = batch.start("--retry-failed")
    batch.kill_worker_at(process, "clip0", 2)
    process.wait()
    assert batch.start("--retry-failed").wait() == 3
    whole, found = tree(tmp_path / "whole"), tree(tmp_path / "out")
    for name in (LEDGER, "summary.csv", "summary.html"):
        del whole[name], found[name]
    assert found == whole
    assert not list(batch.out.rglob(".*"))
    bad = {row.id: row.state for row in read_ledger(batch.out / LEDGER) if row.is_bad}
    assert bad == {"broken": "failed", "cut": "failed"}
    assert not [pid for pid in seen if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
def test_a_source_that_needs_too_much_memory_is_set_aside(tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (12000, 6000)).save(tmp_path / "in" / "large.png")
    Image.new("RGB", (200, 100)).save(tmp_path / "in" / "small.png")
    batch = _Disturbed(tmp_path)
    assert batch.start("--memory", "0.7", "--no-isolate").wait() == 3
    rows = {row.id: row for row in read_ledger(batch.out / LEDGER)}
    assert rows["small"].state == "done"
    assert (rows["large"].state, rows["large"].reason) == (
        "set aside",
        "in/large.png: the process that predicted it took more than 0.7 GB of memory, at the second try; it is set "
        "aside",
    )

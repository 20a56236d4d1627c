"""`--engine ray` of `atsal batch` and `atsal benchmark` on a cluster of two nodes, of which one is lost."""

import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from atsal.batch.ledger import LEDGER, read_ledger
from atsal.errors import OutputError
from atsal.jobs.engine import Death, run_all
from atsal.jobs.ray_engine import RayEngine, RayResources
from atsal.video.synthetic_scene import render_video
from cli.test_batch_killed import await_ended, check_same, start
from fakes.avtrack360 import write_avtrack360
from fakes.catalogue import MEMORY_GB, write_catalogue
from prediction.test_job import tree

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def cluster(monkeypatch, tmp_path):
    """A head of one CPU, whose temporary files have a folder of their own; tests add nodes."""
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    from ray.cluster_utils import Cluster

    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("RAY_TMPDIR", tempfile.gettempdir())  # for Ray's sockets, whose paths may not be long
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))  # this and the next also for the workers
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    monkeypatch.setenv("RAY_ADDRESS", made.address)
    yield made
    made.shutdown()


def act(task, report):
    if task == "exit":
        os._exit(1)
    if task == "sleep":
        time.sleep(60)
    if task == "raise":
        raise ValueError("odd")
    if task == "full":
        raise OutputError("the disk is full")
    return task * 2


def test_tasks_come_back_or_are_set_aside(cluster):
    with RayEngine(act, 2, RayResources(cpus=0.5, standstill_s=8)) as engine:
        for task in (1, "exit", "raise", 2, "sleep"):
            engine.submit(task)
        found = dict(engine.results())
    assert (found[1], found[2]) == (2, 4)
    assert found["raise"] == Death("met an unexpected error, odd")
    assert found["exit"] == Death("ended unexpectedly, at the second try")
    assert found["sleep"] == Death("made no progress for 8 s, at the second try")
    with RayEngine(act, 1, RayResources(cpus=0.5)) as engine, pytest.raises(OutputError, match="disk is full"):
        dict(run_all(engine, ["full"]))


def test_a_lost_node_costs_a_retry(cluster, tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(6):
        render_video(tmp_path / "in" / f"{number}.mp4", seconds=6, frame_rate=16, erp_height=64, seed=number)
    command = [sys.executable, "-m", "atsal", "batch", "in", "--format", "npy", "--runtime", "torch", "--workers", "2"]
    subprocess.run([*command, "-o", "local"], cwd=tmp_path, check=True)
    ledger = tmp_path / "out" / LEDGER
    with subprocess.Popen([*command, "-o", "out", "--engine", "ray"], cwd=tmp_path) as process:
        await_done(ledger, 1, process)
        node = cluster.add_node(num_cpus=1)  # not earlier: the main process must not be on it
        await_done(ledger, 3, process)
        cluster.remove_node(node, allow_graceful=False)
        assert process.wait() == 0
    local, found = tree(tmp_path / "local"), tree(tmp_path / "out")
    assert found.keys() == local.keys()
    assert all(found[name] == local[name] for name in local if name.endswith(".npy"))
    assert not list((tmp_path / "out").rglob(".*"))


def test_lost_nodes_and_main_processes_change_nothing(cluster, tmp_path):
    """On the catalogue of `test_batch_killed.py`, with the results and the reasons of one machine."""
    write_catalogue(tmp_path / "in")
    limit, out = ("--memory", MEMORY_GB), tmp_path / "out"
    assert start(tmp_path, "whole", *limit).wait() == 3
    for count in (0, 16):  # sources that have ended
        process = start(tmp_path, "out", *limit, "--engine", "ray")
        await_ended(out, count + 2, process)
        node = cluster.add_node(num_cpus=1)  # not earlier: the main process must not be on it
        await_ended(out, count + 10, process)
        lose(cluster, node)
        await_ended(out, count + 14, process)
        assert process.poll() is None
        process.kill()
        process.wait()
    assert start(tmp_path, "out", *limit, "--engine", "ray").wait() == 3
    check_same(tmp_path)


def lose(cluster, node):
    """Kill the raylet of a node and its workers; what these have started has to end by itself."""
    (raylet,) = node.all_processes["raylet"]
    pid = raylet.process.pid
    below = subprocess.run(["pgrep", "-P", str(pid)], check=True, capture_output=True, text=True).stdout
    for victim in (pid, *map(int, below.split())):
        os.kill(victim, signal.SIGKILL)
    cluster.remove_node(node, allow_graceful=False)


def test_a_benchmark_has_the_bytes_of_one_machine(cluster, tmp_path):
    cluster.add_node(num_cpus=1)
    write_avtrack360(tmp_path / "raw", items=3, observers=4, stills=True)
    atsal = [sys.executable, "-m", "atsal"]
    subprocess.run([*atsal, "prepare", "avtrack360", "raw", "prepared", "--workers", "1"], cwd=tmp_path, check=True)
    (tmp_path / "stills.yaml").write_text(
        "title: stills\ndatasets:\n  - { prepared: prepared, protocol: avtrack360 }\n"
        "predictors:\n  - baseline: viewers\n  - baseline: uniform\n  - { model: lite, streams: [fused] }\n"
    )
    for out, *more in (["one", "--workers", "1"], ["two", "--workers", "2"], ["ray", "--engine", "ray"]):
        subprocess.run([*atsal, "benchmark", "stills.yaml", "-o", out, *more], cwd=tmp_path, check=True)
    one = tree(tmp_path / "one" / "prepared")
    assert sum(name.endswith(".npy") for name in one) == 6
    assert tree(tmp_path / "two" / "prepared") == tree(tmp_path / "ray" / "prepared") == one


def await_done(ledger, count, process):
    """Wait until so many sources are done."""
    while process.poll() is None:
        rows = read_ledger(ledger) or []
        if sum(row.state == "done" for row in rows) >= count:
            return
        time.sleep(0.2)
    raise AssertionError("the batch ended early")

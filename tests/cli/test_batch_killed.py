"""`atsal batch` on a catalogue of many codecs, killed again and again: the results are those of an undisturbed run."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from atsal.batch.ledger import LEDGER, read_ledger
from fakes.catalogue import BROKEN, MEMORY_GB, write_catalogue
from prediction.test_job import tree

pytestmark = pytest.mark.slow
KILLS = 10  # a process below the main one, and the main process, in turns
LOOK_S = 0.1


def start(folder, out, *more):
    """Start a batch in a process of its own, whose temporary files have a folder of their own."""
    command = [sys.executable, "-m", "atsal", "batch", "in", "-o", out, "--format", "npy", "--workers", "2", *more]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(folder / "tmp")}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def descendants(pid):
    """Return the processes below one, its children first."""
    found = subprocess.run(["pgrep", "-P", str(pid)], check=False, capture_output=True, text=True).stdout
    own = [int(line) for line in found.split()]
    return own + [below for child in own for below in descendants(child)]


def processes_in(folder):
    """Return the processes whose working folder this is."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found += [process.name] if (process / "cwd").readlink() == folder else []
    return found


def await_ended(out, count, process):
    """Wait until so many sources have ended, or the batch has."""
    while process.poll() is None:
        if sum(row.state not in ("waiting", "running") for row in read_ledger(out / LEDGER) or []) >= count:
            return
        time.sleep(LOOK_S)


def results(out):
    """Return the files without the ledger and the summary, which hold times."""
    return {name: content for name, content in tree(out).items() if name not in (LEDGER, "summary.csv", "summary.html")}


def kill_again_and_again(folder, seed, *options):
    """Kill at random moments, after every fourth source or so; return how many kills hit a batch that ran."""
    killed, rng = 0, np.random.default_rng(seed)
    process = start(folder, "out", *options)
    for attempt in range(KILLS):
        await_ended(folder / "out", 4 * attempt, process)
        time.sleep(rng.uniform(0, 1.5))
        below = descendants(process.pid)
        victim = int(rng.choice(below)) if attempt % 2 == 0 and below else process.pid
        killed += process.poll() is None
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        if victim == process.pid:
            process.wait()
            process = start(folder, "out", *options)
    assert process.wait() == 3
    return killed


@pytest.mark.parametrize(
    ("isolation", "hostile"),
    [("--isolate", "failed"), ("--no-isolate", "set aside")],  # a worker that reads exceeds the limit itself
)
def test_ten_kills(tmp_path, isolation, hostile):
    """With isolation, also processes that read for the workers are killed."""
    write_catalogue(tmp_path / "in")
    (tmp_path / "tmp").mkdir()
    options = ("--memory", MEMORY_GB, isolation)
    assert start(tmp_path, "whole", *options).wait() == 3
    assert kill_again_and_again(tmp_path, 0, *options) == KILLS
    check_same(tmp_path)
    assert {row.id: row.state for row in read_ledger(tmp_path / "out" / LEDGER)}["hostile"] == hostile


def check_same(folder):
    """Check the results, that the broken are named, and that no unfinished file and no process is left."""
    whole, out = folder / "whole", folder / "out"
    assert results(out) == results(whole)
    ended = [{row.id: (row.state, row.reason) for row in read_ledger(path / LEDGER)} for path in (whole, out)]
    assert ended[0] == ended[1]
    assert sorted(name for name, (state, _) in ended[1].items() if state != "done") == sorted(BROKEN)
    assert len(ended[1]) == 44
    assert all(ended[1][name][1].startswith(f"in/{name}") for name in BROKEN)
    assert not list(out.rglob(".*"))
    deadline_s = time.monotonic() + 60
    while processes_in(folder) and time.monotonic() < deadline_s:  # workers notice that the main process has gone
        time.sleep(LOOK_S)
    assert processes_in(folder) == []
    assert list((folder / "tmp").iterdir()) == []

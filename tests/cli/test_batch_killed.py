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
KILLS = 10  # a worker and the main process, in turns
LOOK_S = 0.1


def start(folder, out, *more):
    """Start a batch in a process of its own."""
    command = [sys.executable, "-m", "atsal", "batch", "in", "-o", out, "--format", "npy", "--workers", "2", *more]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
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


def test_ten_kills(tmp_path):
    """At random moments, after every fourth source or so."""
    write_catalogue(tmp_path / "in")
    out, limit = tmp_path / "out", ("--memory", MEMORY_GB, "--no-isolate")  # the worker itself reads, and exceeds it
    assert start(tmp_path, "whole", *limit).wait() == 3
    killed, rng = [], np.random.default_rng(0)
    process = start(tmp_path, "out", *limit)
    for attempt in range(KILLS):
        await_ended(out, 4 * attempt, process)
        time.sleep(rng.uniform(0, 1.5))
        below = descendants(process.pid)
        victim = int(rng.choice(below)) if attempt % 2 == 0 and below else process.pid
        killed += [victim] if process.poll() is None else []
        os.kill(victim, signal.SIGKILL)
        if victim == process.pid:
            process.wait()
            process = start(tmp_path, "out", *limit)
    assert process.wait() == 3
    assert len(killed) == KILLS
    check_same(tmp_path)
    deadline_s = time.monotonic() + 60
    while processes_in(tmp_path) and time.monotonic() < deadline_s:  # workers notice that the main process has gone
        time.sleep(LOOK_S)
    assert processes_in(tmp_path) == []


def check_same(folder):
    """Check the results, that the broken are named, and that nothing unfinished is left."""
    whole, out = folder / "whole", folder / "out"
    assert results(out) == results(whole)
    rows = {row.id: row for row in read_ledger(out / LEDGER)}
    assert {row.id: row.state for row in rows.values() if row.is_bad} == BROKEN
    assert all(rows[name].reason.startswith(f"in/{name}") for name in BROKEN)
    assert sum(row.state == "done" for row in rows.values()) == 40
    assert not list(out.rglob(".*"))

import ctypes
import os
import platform
import subprocess
import sys

import pytest

from atsal.jobs.memory import share_freed_memory

SCRIPT = """
import sys, threading, time
import numpy as np
from atsal.jobs.memory import share_freed_memory

def held_mb():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS"))

def make_and_drop(leave):
    pieces = [np.ones(100_000, np.uint8) for _ in range(200)]
    kept.append(pieces[-1])  # at the end of the heap: what lies before it cannot be given back
    del pieces
    dropped.release()
    leave.wait()

if sys.argv[1] == "shared":
    share_freed_memory()
kept, leave, dropped, before = [], threading.Event(), threading.Semaphore(0), held_mb()
for _ in range(8):
    threading.Thread(target=make_and_drop, args=(leave,)).start()
    dropped.acquire()
print(held_mb() - before)
leave.set()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left alone")
def test_what_one_thread_freed_serves_the_next():
    """Eight threads, one after the other, each with 20 MB."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    shared, apart = (
        float(subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, check=True, env=plain).stdout)
        for how in ("shared", "apart")
    )
    assert shared < 60 < apart


def test_without_a_c_library_nothing_happens(monkeypatch):
    def missing(_name):
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", missing)
    share_freed_memory()


FAULTS = """
import resource, sys
import numpy as np
from atsal.jobs.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        [np.ones(1 << 19) for _ in range(6)]  # 24 MiB, more than twice the largest block
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "kept":
    keep_freed_memory()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left alone")
def test_memory_that_is_kept_is_not_fetched_again():
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    kept, returned = (
        int(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, check=True, env=plain).stdout)
        for how in ("kept", "returned")
    )
    assert 10 * kept < returned

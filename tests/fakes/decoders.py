"""Readers that do what a decoder with a fault does to its process."""

import ctypes
import os
import signal
import time

from atsal.errors import MediaError
from atsal.video.isolation import isolatable


@isolatable
def crash(path, **options):
    os.kill(os.getpid(), signal.SIGSEGV)


@isolatable
def hang(path):
    time.sleep(1000)


@isolatable
def hang_in_c(path):
    """Holding the interpreter's lock, as a fault in a decoder may."""
    print(os.getpid(), flush=True)
    ctypes.PyDLL(None).sleep(1000)


@isolatable
def be_killed(path, marker=None):
    """Once, if there is a marker."""
    if marker is None or not marker.exists():
        if marker is not None:
            marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path


@isolatable
def gorge(path):
    return len(bytearray(1 << 36))


@isolatable
def refuse(path):
    raise MediaError(f"{path}: is no picture")


@isolatable
def fail(path):
    raise RuntimeError("of another package")


@isolatable
def frames(path, count, crash_at=None):
    for number in range(count):
        if number == crash_at:
            os.abort()
        yield number, os.getpid()

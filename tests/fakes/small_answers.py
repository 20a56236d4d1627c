"""What the processes of tests answer in place of a model. It is pickled, so it is in a module of its own."""

import os
import signal
import time
from pathlib import Path

from atsal.errors import ConfigError, MediaError


def prepare():
    return answer


def prepare_badly():
    raise ConfigError("no such device")


def answer(question):
    """Return the question in capitals, or do what it says."""
    if question == "bad":
        raise MediaError("photo: is bad")
    if question == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if question.startswith("crash once"):  # the rest is a file that says whether it has
        marker = Path(question.removeprefix("crash once "))
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if question == "stand still":
        time.sleep(60)
    if question == "grow":
        taken = bytearray(os.urandom(1 << 20) * 600)
        time.sleep(60)
        return taken
    if question == "fault":
        raise KeyError("secret")
    time.sleep(0.02)
    return question.upper()

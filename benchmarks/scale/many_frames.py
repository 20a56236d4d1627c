"""Measure what the table of frames of a long film takes: memory in MiB, core seconds, bytes in files.

    python benchmarks/scale/many_frames.py FOLDER [--frames 360000]

FOLDER gets a manifest and a journal. Linux only.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from atsal.prediction.frame_result import FrameResult
from atsal.prediction.run_record import Journal, read_manifest

RATE = 10
SETTINGS: dict[str, Any] = {"source": {}, "model": {}, "options": {}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=360_000)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    manifest = chosen.folder / "film.json"
    journal = Journal(chosen.folder / ".film.progress", SETTINGS)
    measure("fill the table", lambda: fill(journal, chosen.frames))
    measure("save the journal", journal.save)
    measure("read the journal", journal.read)
    measure("write the manifest", lambda: journal.frames.write(manifest, {"settings": SETTINGS}))
    measure("read the manifest", lambda: read_manifest(manifest))
    for path in (manifest, journal.path):
        print(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB")


def fill(journal: Journal, frames: int) -> None:
    """Add frames with one map each."""
    random = np.random.default_rng(0)
    for number in range(frames):
        maps = {"fused": random.random((1, 2), np.float32)}
        journal.add(FrameResult(number, number / RATE, maps, None), [f"film/{number:06d}.npy"], None, 1)


def measure(what: str, step: Callable[[], Any]) -> None:
    """Print what a step takes at most, what stays of it while its result lives, and its core seconds."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the most so far is forgotten
    before, started_s = status("VmRSS"), time.process_time()
    found = step()
    seconds = time.process_time() - started_s
    print(f"{what}: {status('VmHWM') - before:.0f} MiB at most, {status('VmRSS') - before:.0f} stay; {seconds:.1f} s")
    del found


def status(name: str) -> float:
    """Return a value of this process in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


if __name__ == "__main__":
    main()

"""Predict a film of ten hours: memory is steady, times do not drift, and a killed run goes on to the same bytes.

    python benchmarks/scale/endurance.py OUT [--hours 10] [--fps 0.2]

The film is ten seconds of a made-up scene, 128 x 64 at 10 frames a second, whose packets are written again and again
with rising times; nothing is encoded. `predict` and `batch --workers 2` read all of it and predict `--fps` frames a
second, once undisturbed and once killed on the way. Then both write them as a map video.
OUT is an empty folder for the results (1 GB for ten hours). Linux only.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from looped_film import write_looped_film

from atsal.video.reader import read_frames

RATE, HEIGHT = 10, 64
MIB = 2**20
SAMPLE_S = 1.0
COMMANDS = {"predict": ["predict"], "batch": ["batch", "--workers", "2"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hours", type=float, default=10.0, help="length of the film")
    parser.add_argument("--fps", type=float, default=0.2, help="frames a second that are predicted of it")
    chosen = parser.parse_args()
    folder = chosen.folder
    folder.mkdir(parents=True, exist_ok=True)
    film = write_looped_film(folder / "film.mp4", chosen.hours * 3600, RATE, HEIGHT)
    options = ["--size", "80x40", "--fps", str(chosen.fps)]
    maps = ["--format", "npy", *options]
    count = round(chosen.hours * 3600 * chosen.fps)
    for name, words in COMMANDS.items():
        whole, stopped = folder / f"{name}-whole", folder / f"{name}-stopped"
        watch([*words, str(film), "-o", str(whole), *maps], whole)
        check_times(whole / "film.json", count)
        kills = [(round(0.3 * count), -1), (round(0.6 * count), 0)]  # the last worker, then the main process
        while kills:
            watch([*words, str(film), "-o", str(stopped), *maps], stopped, kills)
        watch([*words, str(film), "-o", str(stopped), *maps], stopped)
        check_same(whole, stopped)
    for name, words in COMMANDS.items():
        video = folder / f"{name}-video"
        watch([*words, str(film), "-o", str(video), "--format", "video", *options], video)
        check_times(video / "film.json", count)
        check_video(video / "film.mp4", count, chosen.fps)


def watch(words: list[str], out: Path, kills: list[tuple[int, int]] | None = None) -> None:
    """Run a command, sample the memory of its processes, and print how it changed.

    Of `kills`, each ends a process once there are so many maps: the main one, 0, or the last that it started, -1. Those
    that came about are removed.
    """
    started_s, samples, before = time.monotonic(), [], count_maps(out)
    with subprocess.Popen([sys.executable, "-m", "atsal", *words, "--quiet"]) as process:
        while process.poll() is None:
            samples.append(sum(map(own_bytes, [process.pid, *descendants(process.pid)])) / MIB)
            if kills and count_maps(out) >= kills[0][0]:
                os.kill([process.pid, *children(process.pid)][kills.pop(0)[1]], signal.SIGKILL)
            time.sleep(SAMPLE_S)
    seconds = time.monotonic() - started_s
    fifth = -(-len(samples) // 5)
    early, late = median(samples[fifth : 2 * fifth] or samples), median(samples[-fifth:])
    print(
        f"{words[0]} {out.name}: exit {process.returncode}, {count_maps(out) - before} new maps in {seconds:.0f} s; "
        f"memory {early:.0f} MiB early, {late:.0f} MiB late, {max(samples):.0f} MiB at most",
        flush=True,
    )


def own_bytes(pid: int) -> int:
    """Return how much memory a process has in use; what N processes share counts as an Nth."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def children(pid: int) -> list[int]:
    """Return the processes that one started, the last of them last."""
    found = subprocess.run(["pgrep", "-P", str(pid)], check=False, capture_output=True, text=True).stdout
    return sorted(int(line) for line in found.split())


def descendants(pid: int) -> list[int]:
    """Return all processes below one."""
    return [below for child in children(pid) for below in (child, *descendants(child))]


def count_maps(out: Path) -> int:
    """Count the maps, also those in chunks; `os.walk` passes over folders that are renamed meanwhile."""
    return sum(name.endswith(".npy") for _, _, files in os.walk(out) for name in files)


def check_times(manifest: Path, count: int) -> None:
    """Check that each frame has the time of its number, to the end."""
    frames = json.loads(manifest.read_text(encoding="utf-8"))["frames"]
    drift_s = max(abs(frame["timestamp_s"] - frame["index"] / RATE) for frame in frames)
    ascending = all(a["index"] < b["index"] for a, b in pairwise(frames))
    is_right = len(frames) == count and drift_s == 0 and ascending
    say(f"{manifest.name}: {len(frames)} frames to {frames[-1]['timestamp_s']} s, {drift_s} s off at most", is_right)


def check_video(path: Path, count: int, fps: float) -> None:
    """Check the same of the frames of a video."""
    times_s = np.array([frame.timestamp_s for frame in read_frames(path)])
    drift_s = float(abs(times_s - np.arange(len(times_s)) / fps).max())
    say(
        f"{path.name}: {len(times_s)} frames to {times_s[-1]} s, {drift_s:.1e} s off at most",
        len(times_s) == count and drift_s < 1e-9,
    )


def check_same(whole: Path, stopped: Path) -> None:
    """Check that two folders hold the same results, and nothing hidden."""
    first, second = contents(whole), contents(stopped)
    different = [name for name in first.keys() | second.keys() if first.get(name) != second.get(name)]
    say(f"{stopped.name}: {len(second)} files, {len(different)} differ from {whole.name}", not different)


def contents(folder: Path) -> dict[str, Any]:
    """All files; manifests without their times, and without the ledger and the summary of a batch."""
    found: dict[str, Any] = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".json":
            document = json.loads(path.read_text(encoding="utf-8"))
            found[name] = {key: value for key, value in document.items() if key != "timing"}
        elif path.suffix == ".npy" or path.name.startswith("."):
            found[name] = path.read_bytes()
    return found


def say(found: str, is_right: bool) -> None:
    print(f"{'right' if is_right else 'WRONG'}: {found}", flush=True)
    if not is_right:
        sys.exit(1)


if __name__ == "__main__":
    main()

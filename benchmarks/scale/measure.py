"""Measure what the parts of a prediction cost on this machine, in core seconds, and write `measured.json`.

    nice -n 10 python benchmarks/scale/measure.py [NAME…]

A core second is a second of user or system time of a process, so other programs on the machine matter little. Wall
times are only taken where workers are compared. With names (functions of `MEASUREMENTS`), only these are measured
again. Everything computes on one thread for each process. Sources are made-up scenes with grain, 30 frames a second.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from looped_film import write_looped_film
from parts import MAPS_SIZE, RATE, RUNTIMES, core_s, decode, parts, rounded, write_clip

from atsal.jobs.engine import Report, run_all
from atsal.jobs.supervised_workers import local_engine
from atsal.prediction.chunk_folder import predict_chunk
from atsal.prediction.chunks import Chunk
from atsal.prediction.options import Options
from atsal.prediction.predictor import load_model
from atsal.prediction.sources import Source
from atsal.prediction.warm_up import warm_up_frames
from atsal.speed.machine import describe_machine

MEASURED = Path(__file__).parent / "measured.json"
SMALL_HEIGHT, FILM_FRAMES, CHUNK_FRAMES = 320, 600, (75, 150, 300, 600)
CLIPS, CLIP_FRAMES, PAIRS = 8, 90, 3  # what one and two workers predict
LONG_FILM_S, LONG_FILM_RATE, FILM_PAIRS = 600, 5, 1
TASKS = 2000  # that do nothing


def main() -> None:
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    document: dict[str, Any] = json.loads(MEASURED.read_text()) if MEASURED.is_file() else {}
    for name in sys.argv[1:] or MEASUREMENTS:
        with tempfile.TemporaryDirectory(prefix="atsal-scale-") as scratch:
            before = os.getloadavg()[0]
            found = MEASUREMENTS[name](Path(scratch))
        loads = [round(load, 1) for load in (before, os.getloadavg()[0])]
        document[name] = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "load_average": loads, **found}
        print(name, json.dumps(document[name], indent=2))
        machine = describe_machine(torch.device("cpu"))
        MEASURED.write_text(json.dumps({**document, "machine": machine}, indent=2) + "\n")


# --- start and coordination ------------------------------------------------------------------------------------------


def start(_scratch: Path) -> dict[str, Any]:
    """Measure a process until its model is loaded, and a task that does nothing, in core seconds."""
    load = {}
    for runtime in RUNTIMES:
        script = f"from atsal import load_model; load_model(runtime={runtime!r})"
        load[runtime] = min(run_alone([sys.executable, "-c", script], cores=1)[1] for _ in range(2))
    before = time.process_time()
    with local_engine(do_nothing, 2) as engine:
        for _ in run_all(engine, range(TASKS)):
            pass
    return {"load_core_s": rounded(load), "task_core_s": round((time.process_time() - before) / TASKS, 6)}


def do_nothing(task: int, _report: Report) -> int:
    return task


# --- chunks ----------------------------------------------------------------------------------------------------------


def chunks(scratch: Path) -> dict[str, Any]:
    """Predict a small film in chunks of several lengths, in core seconds a source second, and what theory says."""
    film = write_clip(scratch / "film.mp4", SMALL_HEIGHT, FILM_FRAMES)
    predictor, options = load_model(runtime="openvino"), Options(formats=("npy",))
    warm_up = warm_up_frames(predictor.network, options)
    costs = {}
    for length in sorted(CHUNK_FRAMES, reverse=True):
        cut = list(cut_film(length, warm_up))
        before = time.process_time()
        for chunk in cut:
            predict_chunk(predictor, Source(film, "video"), options, chunk, scratch / f"{length}-{chunk.number}")
        costs[length] = (time.process_time() - before) / (FILM_FRAMES / RATE)
    rows = [
        {
            "frames": length,
            "core_s_per_source_s": round(cost, 4),
            "overhead": round(cost / costs[FILM_FRAMES] - 1, 3),
            "theory": round((FILM_FRAMES // length - 1) * warm_up / FILM_FRAMES, 3),
        }
        for length, cost in costs.items()
    ]
    return {"warm_up_frames": warm_up, "lengths": rows}


def cut_film(length: int, warm_up: int) -> Iterator[Chunk]:
    for number, (first, end) in enumerate(pairwise(range(0, FILM_FRAMES + 1, length))):
        begin = max(0, first - warm_up)
        end_s = None if end == FILM_FRAMES else end / RATE
        yield Chunk(number, tuple(range(begin, end)), first - begin, begin / RATE, end_s)


def film(scratch: Path) -> dict[str, Any]:
    """Predict a film of ten minutes in one process and in two, which work on chunks, on the same cores, in turns."""
    path = write_looped_film(scratch / "film.mp4", LONG_FILM_S, LONG_FILM_RATE, SMALL_HEIGHT)
    runs = []
    for number in range(FILM_PAIRS):
        for count in (1, 2):
            out = scratch / f"film-{number}-{count}"
            command = [sys.executable, "-m", "atsal", "predict", str(path), "-o", str(out), "--size", "160x80"]
            command += ["--format", "npy", "--runtime", "openvino", "--workers", str(count), "--quiet"]
            wall_s, used_s = run_alone(command, cores=2)
            runs.append({"workers": count, "wall_s": round(wall_s, 1), "core_s": round(used_s, 1)})
    return {"seconds": LONG_FILM_S, "frames": LONG_FILM_S * LONG_FILM_RATE, "runs": runs}


# --- workers ---------------------------------------------------------------------------------------------------------


def workers(scratch: Path) -> dict[str, Any]:
    """Predict clips with one worker on one core and with two on two, in turns."""
    folder = scratch / "clips"
    folder.mkdir()
    for number in range(CLIPS):
        write_clip(folder / f"{number}.mp4", SMALL_HEIGHT, CLIP_FRAMES, seed=number)
    decoded = core_s(lambda: decode(folder / "0.mp4", MAPS_SIZE)) / (CLIP_FRAMES / RATE)
    runs = []
    for number in range(PAIRS):
        for count in (1, 2):
            command = [sys.executable, "-m", "atsal", "predict", str(folder), "-o", str(scratch / f"{number}-{count}")]
            command += ["--format", "npy", "--runtime", "openvino", "--workers", str(count), "--quiet"]
            wall_s, used_s = run_alone(command, cores=count)
            runs.append({"workers": count, "wall_s": round(wall_s, 1), "core_s": round(used_s, 1)})
    return {
        "clips": CLIPS,
        "clip_s": CLIP_FRAMES / RATE,
        "decode_core_s_per_source_s": round(decoded, 4),
        "runs": runs,
    }


def run_alone(command: list[str], cores: int) -> tuple[float, float]:
    """Run a command on so many cores. Return its wall seconds and its core seconds, those of its processes included."""
    own = sorted(os.sched_getaffinity(0))
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    os.sched_setaffinity(0, own[:cores])  # the command inherits it
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    finally:
        os.sched_setaffinity(0, own)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - started, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


MEASUREMENTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    measure.__name__: measure for measure in (parts, start, chunks, film, workers)
}


if __name__ == "__main__":
    main()

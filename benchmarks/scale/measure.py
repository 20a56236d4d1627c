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
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atsal.jobs.workers import run_each
from atsal.prediction.chunk_folder import predict_chunk
from atsal.prediction.chunks import Chunk
from atsal.prediction.options import Options
from atsal.prediction.overlay import DEFAULT_OVERLAY
from atsal.prediction.predictor import load_model
from atsal.prediction.sources import Source
from atsal.prediction.warm_up import warm_up_frames
from atsal.speed.machine import describe_machine
from atsal.video.image_writer import write_map_npy
from atsal.video.join_videos import join_videos
from atsal.video.reader import read_frames
from atsal.video.synthetic_scene import Scene
from atsal.video.timed_frames import index_frames
from atsal.video.writer import VideoWriter

MEASURED = Path(__file__).parent / "measured.json"
RATE = 30  # frames a second of every source
HEIGHTS = {"2k": 1080, "4k": 1920}  # 2160 x 1080 and 3840 x 1920
FRAMES = 60  # of the clips of these
SECONDS = FRAMES / RATE
MAPS_SIZE = (320, 160)  # of the network
OVERLAY_SIZE = (1920, 960)  # the largest that `atsal predict` draws
GRAIN = 3.0  # standard deviation, of 255 levels
SMALL_HEIGHT, FILM_FRAMES, CHUNK_FRAMES = 320, 600, (75, 150, 300, 600)
CLIPS, CLIP_FRAMES, PAIRS = 8, 90, 2  # what one and two workers predict
TASKS = 2000  # that do nothing
RUNTIMES = ("openvino", "torch")


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


# --- parts -----------------------------------------------------------------------------------------------------------


def parts(scratch: Path) -> dict[str, Any]:
    """Measure each part of a prediction alone."""
    reading, sources = measure_reading(scratch)
    frames = list(read_frames(scratch / "2k.mp4", size=OVERLAY_SIZE))
    results = [result for result, _ in load_model(runtime="torch").run(frames, streams=("fused",), group=1)]
    maps = [result.map("fused") for result in results]
    overlay = scratch / "overlay.mp4"
    drawn = [DEFAULT_OVERLAY.draw(r.image, m, float(m.max())) for r, m in zip(results, maps, strict=True)]
    writing = {
        "draw": lambda: [DEFAULT_OVERLAY.draw(r.image, m, 1.0) for r, m in zip(results, maps, strict=True)],
        "encode": lambda: encode(overlay, drawn),
        "write_maps": lambda: [write_map_npy(scratch / f"{number}.npy", m) for number, m in enumerate(maps)],
    }
    core = (
        reading | measure_network(scratch / "2k.mp4") | {name: core_s(work) / SECONDS for name, work in writing.items()}
    )
    written = {"overlay": overlay.stat().st_size, "maps": sum(file.stat().st_size for file in scratch.glob("*.npy"))}
    size = {name: round(count / SECONDS) for name, count in (sources | written).items()}
    return {
        "core_s_per_source_s": rounded(core),
        "bytes_per_source_s": size,
        "join": measure_joining(scratch, overlay),
        "index": measure_index(overlay, scratch / "joined.mp4"),
    }


def measure_reading(scratch: Path) -> tuple[dict[str, float], dict[str, int]]:
    core, sizes = {}, {}
    for name, height in HEIGHTS.items():
        clip = write_clip(scratch / f"{name}.mp4", height, FRAMES)
        sizes[f"source_{name}"] = clip.stat().st_size
        for target, pixels in (("maps", MAPS_SIZE), ("overlay", OVERLAY_SIZE)):
            core[f"decode_{name}_for_{target}"] = core_s(partial(decode, clip, pixels)) / SECONDS
    return core, sizes


def measure_network(clip: Path) -> dict[str, float]:
    """Measure as the pipeline runs it: on frames of the size of overlays one by one, scaling included."""
    core = {}
    for runtime in RUNTIMES:
        predictor = load_model(runtime=runtime)
        for target, pixels, group in (("maps", MAPS_SIZE, None), ("overlay", OVERLAY_SIZE, 1)):
            frames = list(read_frames(clip, size=pixels))
            run = partial(predictor.run, frames, streams=("fused",), group=group)
            core[f"network_{runtime}_for_{target}"] = core_s(lambda run=run: list(run())) / SECONDS
    return core


def measure_joining(scratch: Path, part: Path) -> dict[str, float]:
    """Join ten parts, and ten parts ten times as long: what a part costs, and a second of the result."""
    found = []
    for name, length in (("joined.mp4", FRAMES), ("long.mp4", 10 * FRAMES)):
        times_s = [number / RATE for number in range(10 * length)]
        found.append(core_s(partial(join_videos, [part] * 10, times_s, RATE, scratch / name)))
        part = scratch / name
    each_s, per_s = line((10 * SECONDS, found[0]), (100 * SECONDS, found[1]))
    return {"core_s_per_part": round(each_s / 10, 5), "core_s_per_source_s": round(per_s, 6)}


def measure_index(short: Path, long: Path) -> dict[str, float]:
    """List the frames of a video, and of one ten times as long, before they are cut into chunks."""
    costs = [core_s(partial(index_frames, path)) for path in (short, long)]
    each_s, per_s = line((SECONDS, costs[0]), (10 * SECONDS, costs[1]))
    return {"core_s_per_film": round(each_s, 5), "core_s_per_source_s": round(per_s, 6)}


def line(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    """Return where the line through two points begins, at 0 or above, and its slope."""
    slope = (second[1] - first[1]) / (second[0] - first[0])
    return max(0.0, first[1] - slope * first[0]), slope


def decode(clip: Path, size: tuple[int, int]) -> None:
    for _ in read_frames(clip, size=size):
        pass


def encode(path: Path, pictures: list[np.ndarray]) -> None:
    with VideoWriter(path, (pictures[0].shape[1], pictures[0].shape[0]), RATE) as writer:
        for number, picture in enumerate(pictures):
            writer.write(picture, number / RATE)


# --- start and coordination ------------------------------------------------------------------------------------------


def start(_scratch: Path) -> dict[str, Any]:
    """Measure a process until its model is loaded, and a task that does nothing, in core seconds."""
    load = {}
    for runtime in RUNTIMES:
        script = f"from atsal import load_model; load_model(runtime={runtime!r})"
        load[runtime] = min(run_alone([sys.executable, "-c", script], cores=1)[1] for _ in range(2))
    before = time.process_time()
    for _ in run_each(do_nothing, range(TASKS), 2):
        pass
    return {"load_core_s": rounded(load), "task_core_s": round((time.process_time() - before) / TASKS, 6)}


def do_nothing(item: int) -> int:
    return item


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


# --- shared ----------------------------------------------------------------------------------------------------------


def core_s(work: Callable[[], Any]) -> float:
    """Return the core seconds of this process for a piece of work: the less of two runs."""
    found = []
    for _ in range(2):
        before = time.process_time()
        work()
        found.append(time.process_time() - before)
    return min(found)


def write_clip(path: Path, height: int, frames: int, seed: int = 1) -> Path:
    """Write a scene with grain, which costs bits and time in the decoder as in a recording."""
    scene, rng = Scene(seed), np.random.default_rng(seed)
    grain = rng.normal(0, GRAIN, (2 * height, 2 * height, 1)).astype(np.int16)
    with VideoWriter(path, (2 * height, height), Fraction(RATE)) as writer:
        for number in range(frames):
            top = int(rng.integers(height))
            noisy = scene.render(height, number / RATE) + grain[top : top + height]
            writer.write(np.clip(noisy, 0, 255).astype(np.uint8), number / RATE)
    return path


def rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


MEASUREMENTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    measure.__name__: measure for measure in (parts, start, chunks, workers)
}


if __name__ == "__main__":
    main()

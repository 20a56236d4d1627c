"""Measure each part of a prediction alone, in core seconds: user and system time of this process."""

import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from atsal.prediction.overlay import DEFAULT_OVERLAY
from atsal.prediction.predictor import load_model
from atsal.video.image_writer import write_map_npy
from atsal.video.join_videos import join_videos
from atsal.video.reader import read_frames
from atsal.video.synthetic_scene import Scene
from atsal.video.timed_frames import index_frames
from atsal.video.writer import VideoWriter

RATE = 30  # frames a second of every source
HEIGHTS = {"2k": 1080, "4k": 1920}  # 2160 x 1080 and 3840 x 1920
FRAMES = 60  # of the clips of these
SECONDS = FRAMES / RATE
MAPS_SIZE = (320, 160)  # of the network
OVERLAY_SIZE = (1920, 960)  # the largest that `atsal predict` draws
GRAIN = 3.0  # standard deviation, of 255 levels
RUNTIMES = ("openvino", "torch")


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

"""The speed of the network and its projections, on frames in memory.

Everything that is compared is measured in turns, and the best round counts: other programs only ever slow it down.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.models.two_stream import ATSal
from atsal.prediction.frame_result import Floats
from atsal.prediction.runtimes.session import Session
from atsal.prediction.streams import FUSED, finish_maps
from atsal.speed.machine import convolution_rate, matrix_rate, timed_seconds
from atsal.speed.published_procedure import PublishedProcedure
from atsal.video.reader import Frame

FRAME_RATE = 30  # of the frames in memory
STREAMS = (FUSED.name,)
Times = dict[str, list[float]]  # seconds, one of each round


def measure_network(
    sessions: Mapping[str, Session],
    published: PublishedProcedure | None,
    network: ATSal,
    frames: Sequence[Frame],
    gflop: float,
    rounds: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Measure sessions, the published procedure and the machine's ceilings in turns; return JSON values.

    `frames` are consecutive and of the network's size. The published procedure is slow and runs on the first one only.
    All maps are compared with those of `network`, the plain layers. `gflop` is the operations of a frame, in 10⁹.
    """
    images = np.stack([frame.image for frame in frames])
    device = next(iter(sessions.values())).device
    jobs: dict[str, tuple[int, Callable[[], Floats]]] = {
        name: (len(images), lambda session=session: _run(session, images))  # type: ignore[misc]
        for name, session in sessions.items()
    }
    if published is not None:
        jobs["published"] = (1, lambda: _run_published(published, images[:1]))
    times: Times = {name: [] for name in jobs}
    ceilings: dict[str, list[float]] = {"matrix": [], "convolution": []}
    maps: dict[str, Floats] = {}
    for number in range(rounds + 1):
        say("network and projections, " + (f"round {number} of {rounds}" if number else "warming up"))
        if number:  # the first round compiles and warms up
            ceilings["matrix"].append(matrix_rate(device))
            ceilings["convolution"].append(convolution_rate(device))
        for name, (count, job) in jobs.items():
            seconds, maps[name] = timed_seconds(job, device)
            if number:
                times[name].append(seconds / count)
    expected = _plain_maps(network, images)
    floor = gflop / max(ceilings["convolution"])
    document: dict[str, Any] = {
        "matrix_gflops": max(ceilings["matrix"]),
        "convolution_gflops": max(ceilings["convolution"]),
        "floor_ms": floor * 1e3,
    }
    for name, taken in times.items():
        document[name] = _describe_times(taken, floor) | _difference(maps[name], expected[: len(maps[name])])
        if published is not None:
            document[name]["times_published"] = min(times["published"]) / min(taken)
    return document


def _describe_times(seconds: list[float], floor: float) -> dict[str, Any]:
    best = min(seconds)
    return {
        "ms": best * 1e3,
        "frames_per_s": 1 / best,
        "share_of_floor": floor / best,
        "rounds_ms": [taken * 1e3 for taken in seconds],
    }


def _difference(found: Floats, expected: Floats) -> dict[str, float]:
    """Return the largest difference from the plain layers, as a share of the highest peak, and a frame's lowest CC."""
    pairs = zip(found, expected, strict=True)
    lowest = min(float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) for one, other in pairs)
    return {"largest_difference": float(np.abs(found - expected).max() / expected.max()), "lowest_cc": lowest}


@torch.inference_mode()
def _plain_maps(network: ATSal, images: NDArray[np.uint8]) -> Floats:
    """Return the fused maps of consecutive frames as the plain layers give them."""
    state, found = None, []
    for image, seconds in zip(images, torch.from_numpy(_times(len(images))), strict=True):
        raw = network(torch.from_numpy(image).permute(2, 0, 1)[None].float(), state)
        state = raw.state
        maps = finish_maps(network, {"attention": raw.attention, "experts": raw.experts}, STREAMS, seconds[None])
        found.append(maps[FUSED.name][0, 0].numpy())
    return np.stack(found)


def _times(count: int) -> Floats:
    """Return the times of so many frames, in seconds since the start of the video."""
    return (np.arange(count) / FRAME_RATE).astype(np.float32)


def _run(session: Session, images: NDArray[np.uint8]) -> Floats:
    state: Floats | None = None
    maps, times = [], _times(len(images))
    for first in range(0, len(images), session.frames):
        group = slice(first, first + session.frames)
        found, states = session.run(images[group], state, STREAMS, session.config.map_height, times[group])
        state = None if states is None else states[-1]
        maps.append(found[FUSED.name])
    return np.concatenate(maps)


def _run_published(published: PublishedProcedure, images: NDArray[np.uint8]) -> Floats:
    states = published.new_states()
    maps = []
    for image, seconds in zip(images, _times(len(images)).tolist(), strict=True):
        maps.append(published.fuse(published.run_attention(image), published.run_experts(image, states), seconds))
    return np.stack(maps)


@torch.inference_mode()
def measure_stages(network: ATSal, image: NDArray[np.uint8], rounds: int) -> dict[str, float]:
    """Return the milliseconds of each stage of a frame in PyTorch on the CPU, one stage after the other."""
    erp = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    faces = network.cut(erp)
    maps, state = network.run_faces(faces)
    raw = {"attention": network.run_attention(erp)[0], "experts": network.run_experts(erp)[0]}
    start = torch.zeros(1)
    stages: dict[str, Callable[[], object]] = {
        "cut the faces": lambda: network.cut(erp),
        "attention stream": lambda: network.run_attention(erp),
        "experts": lambda: network.run_faces(faces, state),
        "stitch the faces": lambda: network.stitcher(maps.shape[-1])(maps),
        "fuse and finish": lambda: finish_maps(network, raw, STREAMS, start),
    }
    cpu = torch.device("cpu")
    times: Times = {name: [] for name in stages}
    for number in range(rounds + 1):
        for name, stage in stages.items():
            seconds, _ = timed_seconds(stage, cpu)
            if number:  # the first round warms up
                times[name].append(seconds)
    return {name: min(seconds) * 1e3 for name, seconds in times.items()}

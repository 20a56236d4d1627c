"""`atsal bench`: what each stage costs, frames a second, and how near that is to what the machine can do.

Whatever is compared is measured in turns, and the best round counts: other programs on the machine only ever slow it.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from atsal.device import choose_device
from atsal.errors import AtsalError, install_hint
from atsal.jobs.memory import share_freed_memory
from atsal.models.registry import build_network, find_bundle
from atsal.models.two_stream import ATSal
from atsal.models.weight_folder import Bundle
from atsal.prediction.items import Item, Reading
from atsal.prediction.runtimes import GRAPH_RUNTIMES, Precision, Runtime, make_runtime
from atsal.prediction.runtimes.base import Floats
from atsal.prediction.runtimes.in_torch import TorchRuntime
from atsal.prediction.streams import Stream, finished
from atsal.speed.machine import convolution_rate, describe_machine, matrix_rate, peak_memory_mib, timed_seconds
from atsal.speed.published import PublishedProcedure
from atsal.video.reader import Frame, probe_video, read_frames
from atsal.video.synthetic_scene import render_video

FORMAT = 1
HELD = {"lite": 32, "paper": 2}  # frames held to run the network on
SYNTHETIC_S, SYNTHETIC_ROWS = 10, 960
FRAME_RATE = 30  # of the frames held
Timed = dict[str, list[float]]  # seconds a frame, one of each round


@dataclass(frozen=True)
class Bench:
    """What to measure."""

    model: str | Path = "lite"
    video: Path | None = None  # None: a made-up scene
    runtimes: tuple[str, ...] = ()  # none: all that are installed
    device: str = "auto"
    precision: Precision = "float32"
    face_size: int | None = None
    rounds: int = 5
    published: bool = True  # also the released code's procedure, on a CPU
    end_to_end: bool = True


def bench(chosen: Bench, say: Callable[[str], None] = lambda _line: None) -> dict[str, Any]:
    """Measure, and return a document of JSON values; `say` is told what is being measured.

    Raises `MediaError` for a video that cannot be read, `MissingDependencyError` for a runtime asked for in vain.
    """
    device = choose_device(chosen.device)
    with tempfile.TemporaryDirectory(prefix="atsal-bench-") as folder:
        video = chosen.video or _made_up(Path(folder) / "scene.mp4", say)
        bundle = find_bundle(chosen.model)

        def network() -> ATSal:
            return build_network(bundle, face_size=chosen.face_size)

        size = (2 * bundle.config.erp_height, bundle.config.erp_height)
        frames = list(islice(read_frames(video, size=size), HELD[bundle.config.architecture]))
        gflop = gflop_a_frame(network())
        runtimes = {}
        for name in chosen.runtimes or _installed(device, chosen.precision):
            runtimes[name] = make_runtime(name, network(), device, chosen.precision)
        rates = _network(runtimes, network, frames, chosen, say)
        say("stages")
        in_torch = runtimes.get("torch") if device.type == "cpu" else None
        stages = _stages((in_torch or TorchRuntime(network())).network, frames[0].image, chosen.rounds)
        document: dict[str, Any] = {
            "format": FORMAT,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": describe_machine(device),
            "model": _describe_model(chosen, bundle, gflop),
            "video": _describe_video(video),
            "rounds": chosen.rounds,
            "network": _judged(rates, gflop),
            "left_out": _left_out(chosen, device),
            "stages_ms": stages,
        }
        if chosen.end_to_end:
            document["file"] = _file(chosen, video, list(runtimes), size, say)
        return document


def _describe_model(chosen: Bench, bundle: Bundle, gflop: float) -> dict[str, Any]:
    return {
        "name": bundle.folder.name,
        "sha256": bundle.checksum,
        "face_size": chosen.face_size or bundle.config.face_size,
        "gflop_a_frame": gflop,
        "precision": chosen.precision,
    }


def _describe_video(video: Path) -> dict[str, Any]:
    info = probe_video(video)
    return {
        "name": video.name,
        "width": info.width,
        "height": info.height,
        "codec": info.codec,
        "frames": info.frame_count,
    }


def gflop_a_frame(network: ATSal) -> float:
    """Floating point operations of the layers for a frame, two per multiplication and addition, in units of 10⁹."""
    height = network.config.erp_height
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 3, height, 2 * height))
    return float(counter.get_total_flops() / 1e9)


def _made_up(path: Path, say: Callable[[str], None]) -> Path:
    say("rendering a scene")
    render_video(path, seconds=SYNTHETIC_S, frame_rate=30, erp_height=SYNTHETIC_ROWS, seed=0)
    return path


def _left_out(chosen: Bench, device: torch.device) -> list[str]:
    """What was not asked to be left out and was, with the remedy."""
    if device.type != "cpu":
        return []
    found = [
        f"runtime {name}: {install_hint(runtime.extra)}"
        for name, runtime in GRAPH_RUNTIMES.items()
        if not chosen.runtimes and not runtime.is_installed() and chosen.precision == "float32"
    ]
    if chosen.published and not PublishedProcedure.is_installed():
        found.append(PublishedProcedure.needs)
    return found


def _installed(device: torch.device, precision: Precision) -> list[str]:
    if device.type != "cpu":
        return ["torch"]
    if precision == "half":
        return ["openvino"]
    return ["torch", *(name for name, runtime in GRAPH_RUNTIMES.items() if runtime.is_installed())]


def _network(
    runtimes: dict[str, Runtime],
    network: Callable[[], ATSal],
    frames: Sequence[Frame],
    chosen: Bench,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Network and projections of frames in memory, in turns with the machine's ceilings and the published procedure."""
    images = np.stack([frame.image for frame in frames])
    device = next(iter(runtimes.values())).device
    published = None
    if chosen.published and device.type == "cpu" and PublishedProcedure.is_installed():
        plain = network().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        published = PublishedProcedure(plain)
    expected = _plain(network(), images)
    timed: Timed = {name: [] for name in runtimes}
    ceilings: dict[str, list[float]] = {"matrix": [], "convolution": []}
    maps: dict[str, Floats] = {}
    for number in range(chosen.rounds + 1):
        say("network and projections, " + (f"round {number} of {chosen.rounds}" if number else "warming up"))
        if number:  # the first round compiles and warms up
            ceilings["matrix"].append(matrix_rate(device))
            ceilings["convolution"].append(convolution_rate(device))
        for name, runtime in runtimes.items():
            took, maps[name] = timed_seconds(lambda: _run(runtime, images), device)  # noqa: B023 - used at once
            if number:
                timed[name].append(took / len(images))
        if published is not None:
            start = images[:1]  # one frame: it is slow
            took, maps["published"] = timed_seconds(lambda: _run_published(published, start), device)  # noqa: B023
            if number:
                timed.setdefault("published", []).append(took)
    differences = {name: _difference(found, expected[: len(found)]) for name, found in maps.items()}
    return {"timed": timed, "ceilings": ceilings, "differences": differences}


@torch.inference_mode()
def _plain(network: ATSal, images: NDArray[np.uint8]) -> Floats:
    """The fused maps of consecutive frames by the layers as they are, which all runtimes are compared with."""
    state, found = None, []
    for image, seconds in zip(images, torch.from_numpy(_times(len(images))), strict=True):
        raw = network(torch.from_numpy(image).permute(2, 0, 1)[None].float(), state)
        state = raw.state
        maps = finished(network, {"attention": raw.attention, "experts": raw.experts}, ("fused",), seconds[None])
        found.append(maps["fused"][0, 0].numpy())
    return np.stack(found)


def _times(count: int) -> Floats:
    """Seconds since the start of the video."""
    return (np.arange(count) / FRAME_RATE).astype(np.float32)


def _run(runtime: Runtime, images: NDArray[np.uint8]) -> Floats:
    state: Floats | None = None
    maps, times = [], _times(len(images))
    for at in range(0, len(images), runtime.frames):
        group = slice(at, at + runtime.frames)
        found, states = runtime.run(images[group], state, ("fused",), runtime.config.map_height, times[group])
        state = None if states is None else states[-1]
        maps.append(found["fused"])
    return np.concatenate(maps)


def _run_published(published: PublishedProcedure, images: NDArray[np.uint8]) -> Floats:
    states: list[torch.Tensor | None] = [None] * 6
    pairs = zip(images, _times(len(images)).tolist(), strict=True)
    return np.stack([published.fuse(published.attend(x), published.watch(x, states), time) for x, time in pairs])


def _difference(found: Floats, expected: Floats) -> dict[str, float]:
    """From the plain layers: the largest one, as a share of the highest peak, and the lowest CC of a frame."""
    pairs = zip(found, expected, strict=True)
    lowest = min(float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) for one, other in pairs)
    return {"largest_difference": float(np.abs(found - expected).max() / expected.max()), "lowest_cc": lowest}


def _judged(measured: dict[str, Any], gflop: float) -> dict[str, Any]:
    timed: Timed = measured["timed"]
    peaks = {name: max(rates) for name, rates in measured["ceilings"].items()}
    floor = gflop / peaks["convolution"]
    found: dict[str, Any] = {
        "matrix_gflops": peaks["matrix"],
        "convolution_gflops": peaks["convolution"],
        "floor_ms": floor * 1e3,
    }
    for name, took in timed.items():
        best = min(took)
        found[name] = {"ms": best * 1e3, "frames_per_s": 1 / best, "share_of_floor": floor / best}
        found[name] |= {"rounds_ms": [seconds * 1e3 for seconds in took]} | measured["differences"][name]
        if "published" in timed:
            found[name]["times_published"] = min(timed["published"]) / best
    return found


@torch.inference_mode()
def _stages(network: ATSal, image: NDArray[np.uint8], rounds: int) -> dict[str, float]:
    """Milliseconds of each stage of a frame in PyTorch on the CPU, one after the other."""
    erp = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    faces = network.cut(erp)
    maps, state = network.run_faces(faces)
    raw: dict[Stream, torch.Tensor] = {
        "attention": network.run_attention(erp)[0],
        "experts": network.run_experts(erp)[0],
    }
    start = torch.zeros(1)
    jobs: dict[str, Callable[[], object]] = {
        "cut the faces": lambda: network.cut(erp),
        "attention stream": lambda: network.run_attention(erp),
        "experts": lambda: network.run_faces(faces, state),
        "lay back": lambda: network.stitcher(maps.shape[-1])(maps),
        "fuse and finish": lambda: finished(network, raw, ("fused",), start),
    }
    cpu = torch.device("cpu")
    for job in jobs.values():
        job()
    times: Timed = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            times[name].append(timed_seconds(job, cpu)[0])
    return {name: min(took) * 1e3 for name, took in times.items()}


def _file(
    chosen: Bench, video: Path, runtimes: Sequence[str], size: tuple[int, int], say: Callable[[str], None]
) -> dict[str, Any]:
    """From the file to a video of maps, each in a process of its own, in turns with decoding and scaling alone."""
    rounds = 2 if chosen.rounds > 1 else 1
    decoding: list[float] = []
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in runtimes}
    for number in range(rounds):
        say(f"decoding and scaling alone, round {number + 1} of {rounds}")
        decoding.append(_alone(_decode, video, size)[0])
        for name in runtimes:
            say(f"from file to maps in {name}, round {number + 1} of {rounds}")
            found[name].append(_alone(_predict, chosen, video, name))
    best = max(decoding)
    document: dict[str, Any] = {"decode_and_scale_frames_per_s": best}
    for name, results in found.items():
        rate = max(rate for rate, _ in results)
        memory = max(memory for _, memory in results)
        document[name] = {"frames_per_s": rate, "share_of_decoding": rate / best, "peak_memory_mib": memory}
    return document


def _alone(job: Callable[..., tuple[float, float]], *arguments: Any) -> tuple[float, float]:
    """Run in a new process, where memory can be measured."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            return pool.submit(job, *arguments).result()
        except BrokenProcessPool as error:
            raise AtsalError("the process that was measured was ended; where memory is short, measure less") from error


def _decode(video: Path, size: tuple[int, int]) -> tuple[float, float]:
    start = time.perf_counter()
    count = sum(1 for _ in read_frames(video, size=size))
    return count / (time.perf_counter() - start), peak_memory_mib()


def _predict(chosen: Bench, video: Path, runtime: str) -> tuple[float, float]:
    share_freed_memory()  # as `atsal predict` does
    from atsal.prediction.job import Options, predict_item  # noqa: PLC0415 - in the new process
    from atsal.prediction.predictor import load_model  # noqa: PLC0415

    model = load_model(
        chosen.model,
        device=chosen.device,
        runtime=runtime,
        precision=chosen.precision,
        face_size=chosen.face_size,
    )
    with _working_folder() as folder:
        options = Options(("fused",), ("video",), Reading())
        outcome = predict_item(model, Item(video, "video"), folder, options)
    return outcome.frames / outcome.seconds, peak_memory_mib()


@contextmanager
def _working_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="atsal-bench-") as folder:
        yield Path(folder)

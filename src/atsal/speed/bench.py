"""`atsal bench`: the cost of each stage, frames a second, and how close that is to what the machine can do."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from atsal.device import choose_device
from atsal.errors import install_hint
from atsal.models.architecture import find_architecture
from atsal.models.loading import build_network, find_weights
from atsal.models.two_stream import ATSal
from atsal.models.weight_folder import WeightFolder
from atsal.prediction.runtimes import RUNTIMES, Precision, start_session
from atsal.speed.file_speed import measure_file
from atsal.speed.machine import describe_machine
from atsal.speed.network_speed import measure_network, measure_stages
from atsal.speed.published_procedure import PublishedProcedure
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from atsal.video.synthetic_scene import render_video

FORMAT = 1
SMALL_FRAMES, LARGE_FRAMES = 32, 2  # in memory, on which a small or a large network runs
SYNTHETIC_S, SYNTHETIC_ROWS = 10, 960


@dataclass(frozen=True)
class Bench:
    """What to measure."""

    model: str | Path = "lite"
    video: Path | None = None  # None: a synthetic scene
    runtimes: tuple[str, ...] = ()  # empty: all that are installed
    device: str = "auto"
    precision: Precision = "float32"
    face_size: int | None = None
    rounds: int = 5
    published: bool = True  # also the released code's procedure, on a CPU
    end_to_end: bool = True


def bench(chosen: Bench, say: Callable[[str], None] = lambda _line: None) -> dict[str, Any]:
    """Measure, and return a document of JSON values. `say` gets a line on what is being measured.

    Raise `MediaError` for a video that cannot be read, `MissingDependencyError` for a runtime that is not installed.
    """
    device = choose_device(chosen.device)
    with tempfile.TemporaryDirectory(prefix="atsal-bench-") as folder:
        video = chosen.video or _render_scene(Path(folder) / "scene.mp4", say)
        bundle = find_weights(chosen.model)

        def build() -> ATSal:
            return build_network(bundle, face_size=chosen.face_size)

        size = (2 * bundle.config.erp_height, bundle.config.erp_height)
        is_small = find_architecture(bundle.config.architecture).is_small
        frames = list(islice(read_frames(video, size=size), SMALL_FRAMES if is_small else LARGE_FRAMES))
        gflop = gflop_per_frame(build())
        names = chosen.runtimes or _installed(device, chosen.precision)
        sessions = {name: start_session(name, build(), device, chosen.precision) for name in names}
        has_published = chosen.published and device.type == "cpu" and PublishedProcedure.is_installed()
        published = PublishedProcedure(build()) if has_published else None
        network = measure_network(sessions, published, build(), frames, gflop, chosen.rounds, say)
        say("stages")
        in_torch = sessions.get("torch") if device.type == "cpu" else None
        in_torch = in_torch or start_session("torch", build(), torch.device("cpu"))
        document: dict[str, Any] = {
            "format": FORMAT,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": describe_machine(device),
            "model": _describe_model(chosen, bundle, gflop),
            "video": _describe_video(video),
            "rounds": chosen.rounds,
            "network": network,
            "left_out": _left_out(chosen, device),
            "stages_ms": measure_stages(in_torch.network, frames[0].image, chosen.rounds),
        }
        if chosen.end_to_end:
            settings = {name: getattr(chosen, name) for name in ("device", "precision", "face_size")}
            document["file"] = measure_file(video, chosen.model, settings, list(names), size, chosen.rounds, say)
        return document


def _describe_model(chosen: Bench, bundle: WeightFolder, gflop: float) -> dict[str, Any]:
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


def gflop_per_frame(network: ATSal) -> float:
    """Return the floating point operations of the layers for a frame, in 10⁹; a multiplication and addition is two."""
    height = network.config.erp_height
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 3, height, 2 * height))
    return float(counter.get_total_flops() / 1e9)


def _render_scene(path: Path, say: Callable[[str], None]) -> Path:
    say("rendering a scene")
    render_video(path, seconds=SYNTHETIC_S, frame_rate=30, erp_height=SYNTHETIC_ROWS, seed=0)
    return path


def _installed(device: torch.device, precision: Precision) -> list[str]:
    """Return the installed runtimes that compute on this device in this precision."""
    if device.type != "cpu":
        return [name for name, runtime in RUNTIMES.items() if runtime.runs_on_gpu]
    able = [runtime for runtime in RUNTIMES.values() if precision == "float32" or runtime.half_on_cpu]
    return [runtime.name for runtime in able if runtime.is_installed() or precision == "half"]


def _left_out(chosen: Bench, device: torch.device) -> list[str]:
    """Return what is missing although nobody asked to leave it out, with the remedy."""
    if device.type != "cpu":
        return []
    missing = [
        f"runtime {name}: {install_hint(runtime.extra)}"
        for name, runtime in RUNTIMES.items()
        if not chosen.runtimes and not runtime.is_installed() and chosen.precision == "float32"
    ]
    if chosen.published and not PublishedProcedure.is_installed():
        missing.append(PublishedProcedure.needs)
    return missing

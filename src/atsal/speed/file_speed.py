"""The speed from a video file to a video of maps, compared with decoding and scaling alone."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from atsal.errors import AtsalError
from atsal.jobs.memory import share_freed_memory
from atsal.speed.machine import peak_memory_mib
from atsal.video.reader import read_frames


def measure_file(
    video: Path,
    model: str | Path,
    settings: Mapping[str, Any],
    runtimes: Sequence[str],
    size: tuple[int, int],
    rounds: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Measure each runtime in a process of its own, in turns with decoding and scaling to `size` alone.

    `settings` are arguments of `load_model`. Return JSON values: frames a second, and the peak memory of a runtime.
    """
    rounds = min(rounds, 2)
    decoding: list[float] = []
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in runtimes}
    for number in range(1, rounds + 1):
        say(f"decoding and scaling alone, round {number} of {rounds}")
        decoding.append(run_in_process(_decode, video, size)[0])
        for name in runtimes:
            say(f"from file to maps in {name}, round {number} of {rounds}")
            found[name].append(run_in_process(_predict, video, model, {**settings, "runtime": name}))
    document: dict[str, Any] = {"decode_and_scale_frames_per_s": max(decoding)}
    for name, results in found.items():
        rates, memory = zip(*results, strict=True)
        document[name] = {
            "frames_per_s": max(rates),
            "share_of_decoding": max(rates) / max(decoding),
            "peak_memory_mib": max(memory),
        }
    return document


def run_in_process(job: Callable[..., tuple[float, float]], *arguments: Any) -> tuple[float, float]:
    """Run a job in a new process, whose peak memory is its own; raise `AtsalError` where the process is killed."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            return pool.submit(job, *arguments).result()
        except BrokenProcessPool as error:
            raise AtsalError(
                "the process that was measured was ended, perhaps for lack of memory; measure less"
            ) from error


def _decode(video: Path, size: tuple[int, int]) -> tuple[float, float]:
    start = time.perf_counter()
    count = sum(1 for _ in read_frames(video, size=size))
    return count / (time.perf_counter() - start), peak_memory_mib()


def _predict(video: Path, model: str | Path, settings: dict[str, Any]) -> tuple[float, float]:
    share_freed_memory()  # as `atsal predict` does
    from atsal.prediction.job import predict_source  # noqa: PLC0415 - in the new process
    from atsal.prediction.options import Options  # noqa: PLC0415
    from atsal.prediction.predictor import load_model  # noqa: PLC0415
    from atsal.prediction.sources import Source  # noqa: PLC0415

    predictor = load_model(model, **settings)
    with tempfile.TemporaryDirectory(prefix="atsal-bench-") as folder:
        outcome = predict_source(predictor, Source(video, "video"), Path(folder), Options(formats=("video",)))
    return outcome.frames / outcome.seconds, peak_memory_mib()

"""How the prediction of a source ended, and the manifest that says so."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from atsal.jobs.output_folder import require_files
from atsal.models.loading import weights_place
from atsal.prediction.frame_table import FrameTable
from atsal.prediction.outputs import Outputs
from atsal.prediction.predictor import Predictor
from atsal.version import __version__, versions


@dataclass(frozen=True)
class Outcome:
    """How the prediction of a source ended."""

    manifest: Path
    frames: int
    seconds: float
    skipped: bool = False  # an earlier run had finished it
    done: int = 0  # frames of this run
    rate: float | None = None  # frames per second of this run, the runtime's start included
    problem: str | None = None  # what is wrong with a source that breaks half way; the frames before it are written
    results: tuple[Path, ...] = ()  # files, and folders with one file for each frame


@dataclass(frozen=True)
class Ending:
    """What a run that ends has to say."""

    frames: FrameTable  # all of them, those of earlier runs included
    done: int  # how many of them this run predicted
    seconds: float
    problem: str | None
    chunks: dict[str, Any] | None = None  # how the video was cut; None: not at all


def finish(predictor: Predictor, outputs: Outputs, ending: Ending) -> Outcome:
    """Write the manifest, which makes the results complete, and return the outcome.

    Raises `OutputError` if a result is missing.
    """
    rate = ending.done / ending.seconds if ending.seconds else None
    require_files(outputs.folder, chain(outputs.single_files(), ending.frames.files()))
    timing = {
        "seconds": round(ending.seconds, 3),
        "frames": ending.done,
        "frames_per_s": rate and round(rate, 2),
    }
    document = {
        "atsal": __version__,
        "settings": outputs.journal.settings,
        "weights": weights_place(predictor.bundle.folder),
        "runtime": predictor.runtime.name,
        "versions": versions(predictor.runtime.versions_of),
        "timing": timing,
        "problem": ending.problem,
        "map_value": "proportional to the density of gaze per unit of solid angle; >= 0",
        "png_value": "map / peak * full scale; each file's peak is in the frame table",
        **({} if ending.chunks is None else {"chunks": ending.chunks}),
    }
    ending.frames.write(outputs.manifest, document)
    return Outcome(
        outputs.manifest,
        len(ending.frames),
        ending.seconds,
        done=ending.done,
        rate=rate,
        problem=ending.problem,
        results=outputs.result_files(),
    )


def already_done(outputs: Outputs, *, overwrite: bool) -> Outcome | None:
    """Return the outcome of an earlier run that finished, if its results are all there and stay."""
    finished = outputs.finished
    if finished is None or overwrite or not outputs.is_complete:
        return None
    outputs.remove_progress()
    return Outcome(
        outputs.manifest,
        len(finished.frames),
        0.0,
        skipped=True,
        problem=finished.problem,
        results=outputs.result_files(),
    )

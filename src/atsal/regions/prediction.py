"""The regions of a source: of the maps that a model predicts, or of maps that `atsal predict --format npy` wrote."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError, TruncatedMediaError
from atsal.prediction.options import STILL_AT, ReadOptions, Seconds
from atsal.prediction.predictor import Predictor
from atsal.prediction.prefetch import map_closing, prefetch
from atsal.prediction.run_record import EarlierRun
from atsal.prediction.sources import Source
from atsal.prediction.streams import file_stem
from atsal.regions.finding import find_regions
from atsal.regions.region import FrameRegions, Regions
from atsal.regions.tracking import RegionTracker
from atsal.untrusted.arrays import open_npy
from atsal.untrusted.files import ErrorFactory, is_inside
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import error_reason, short_repr


def predict_regions(
    predictor: Predictor,
    source: Source,
    reading: ReadOptions,
    *,
    stream: str = "fused",
    still_at_s: Seconds = None,
    progress: Callable[[int], None] = lambda _done: None,
    **limits: Any,
) -> tuple[Regions, str | None]:
    """Predict the maps of a source, and return its regions.

    `limits` are those of `find_regions`. The second value says what is wrong with a source that is damaged in the
    middle; the regions of the frames before are returned.
    """
    predictor.check_time_matters(still_at_s, STILL_AT)
    source.check_still_time(still_at_s)
    frames = source.frames(reading, predictor.frame_size if source.kind != "image" else None)
    pairs = predictor.run(
        prefetch(frames, predictor.session.frames), streams=(stream,), seconds=source.shown_at(still_at_s)
    )
    results = map_closing(lambda pair: pair[0], prefetch(pairs, 1))
    maps = ((result.frame_index, result.timestamp_s, result.map(stream)) for result in results)
    settings = {
        "model": predictor.bundle.folder.name,
        "sha256": predictor.bundle.checksum,
        "direction": predictor.network.direction,
        "front_deg": predictor.network.front_deg,
        "stream": stream,
    }
    found, problem = [], None
    try:
        for frame in _track(maps, limits):
            found.append(frame)
            progress(len(found))
    except TruncatedMediaError as error:
        problem = str(error)
    return Regions(tuple(found), source.path.name, settings | limits), problem


def regions_of_maps(manifest: Path, stream: str = "fused", **limits: Any) -> Regions:
    """Return the regions of maps that `atsal predict --format npy` wrote; `manifest` is the JSON file beside them.

    Raises `DataError` for another file, for a manifest without such maps, and for a map that is missing or damaged.
    """
    make_error = ErrorFactory(DataError, manifest, "expected the manifest of a finished `atsal predict --format npy`")
    try:
        run = EarlierRun.from_json(manifest, read_object(manifest, make_error))
        source, streams = (
            str(run.settings["source"]["path"]),
            [str(name) for name in run.settings["options"]["streams"]],
        )
        times = [float(frame["timestamp_s"]) for frame in run.frames]
    except (KeyError, TypeError, ValueError) as error:
        raise make_error(f"lacks {error_reason(error)}") from error
    if stream not in streams:
        raise make_error(f"has maps of {', '.join(streams)}, not of {stream}")
    stem = file_stem(manifest.stem, stream, len(streams))
    maps = (
        (frame["index"], time_s, _read_map(manifest, frame["files"], stem, make_error))
        for frame, time_s in zip(run.frames, times, strict=True)
    )
    found = tuple(_track(maps, limits))
    return Regions(found, Path(source).name, {"manifest": manifest.name, "stream": stream} | limits)


def _read_map(manifest: Path, files: list[str], stem: str, make_error: ErrorFactory) -> NDArray[np.floating[Any]]:
    names = [name for name in files if name.endswith(".npy") and Path(name).parts[0].removesuffix(".npy") == stem]
    if len(names) != 1 or not is_inside(names[0]):
        raise make_error(f"lists no .npy map among {short_repr(files)}")
    path = manifest.parent / names[0]
    values = open_npy(path, ErrorFactory(DataError, path, "write the maps again"))
    if values.dtype.kind != "f":
        raise DataError(f"{path}: holds {values.dtype}; expected a map of floating-point numbers; write the maps again")
    return values


def _track(
    maps: Iterator[tuple[int, float, NDArray[np.floating[Any]]]], limits: dict[str, Any]
) -> Iterator[FrameRegions]:
    tracker = RegionTracker()
    for index, time_s, saliency in maps:
        yield tracker.update(FrameRegions(index, time_s, find_regions(saliency, **limits)))

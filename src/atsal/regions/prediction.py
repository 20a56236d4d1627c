"""The regions of a source: of the maps that a model predicts, or of maps that `atsal predict --format npy` wrote."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.errors import TruncatedMediaError
from atsal.prediction.options import ReadOptions, Seconds
from atsal.prediction.predictor import Predictor
from atsal.prediction.saved_maps import SavedMaps
from atsal.prediction.source_maps import describe_maps, predict_maps
from atsal.prediction.sources import Source
from atsal.regions.finding import find_regions
from atsal.regions.region import FrameRegions, Regions
from atsal.regions.tracking import RegionTracker


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
    results = predict_maps(predictor, source, reading, (stream,), still_at_s)
    maps = ((result.frame_index, result.timestamp_s, result.map(stream)) for result in results)
    settings = describe_maps(predictor) | {"stream": stream}
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
    maps = SavedMaps(manifest, stream)
    found = tuple(_track(iter(maps), limits))
    return Regions(found, maps.source_name, {"manifest": manifest.name, "stream": stream} | limits)


def _track(
    maps: Iterator[tuple[int, float, NDArray[np.floating[Any]]]], limits: dict[str, Any]
) -> Iterator[FrameRegions]:
    tracker = RegionTracker()
    for index, time_s, saliency in maps:
        yield tracker.update(FrameRegions(index, time_s, find_regions(saliency, **limits)))

"""The maps of a source, frame by frame: from the files of a run, or predicted now."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from atsal.prediction.options import ReadOptions, Seconds
from atsal.prediction.predictor import Predictor
from atsal.prediction.source_maps import predict_maps
from atsal.prediction.sources import Source
from atsal.prediction.streams import STREAMS


class FrameMaps(NamedTuple):
    """The maps (h, 2h) >= 0 of one frame, by stream."""

    frame_index: int
    timestamp_s: float
    maps: dict[str, NDArray[np.floating]]


def predict_frame_maps(
    predictor: Predictor, source: Source, reading: ReadOptions, still_at_s: Seconds = None
) -> Iterator[FrameMaps]:
    """Predict the maps of all streams, as `prediction.source_maps.predict_maps` does, which names the errors."""
    results = predict_maps(predictor, source, reading, tuple(STREAMS), still_at_s)
    return (FrameMaps(result.frame_index, result.timestamp_s, dict(result.maps)) for result in results)

"""The maps of a source, frame by frame: from the files of a run, or predicted now."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from atsal.prediction.options import STILL_AT, ReadOptions, Seconds
from atsal.prediction.predictor import Predictor
from atsal.prediction.prefetch import map_closing, prefetch
from atsal.prediction.sources import Source
from atsal.prediction.streams import STREAMS


class FrameMaps(NamedTuple):
    """The maps (h, 2h) >= 0 of one frame, by stream."""

    frame_index: int
    timestamp_s: float
    maps: dict[str, NDArray[np.floating]]


def predict_maps(
    predictor: Predictor, source: Source, reading: ReadOptions, still_at_s: Seconds = None
) -> Iterator[FrameMaps]:
    """Predict the maps of all streams. Raises what reading and predicting raise.

    `TruncatedMediaError`, for a video that is damaged in the middle, comes after the good frames.
    """
    predictor.check_time_matters(still_at_s, STILL_AT)
    source.check_still_time(still_at_s)
    frames = source.frames(reading, predictor.frame_size if source.kind != "image" else None)
    seconds = source.shown_at(still_at_s)
    pairs = predictor.run(prefetch(frames, predictor.session.frames), streams=tuple(STREAMS), seconds=seconds)
    results = map_closing(lambda pair: pair[0], prefetch(pairs, 1))
    return (FrameMaps(result.frame_index, result.timestamp_s, dict(result.maps)) for result in results)

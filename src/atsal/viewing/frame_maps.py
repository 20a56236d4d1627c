"""The maps of a source, frame by frame: from the files of a run, or predicted now."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from atsal.directing.scene_cuts import FrameWatch
from atsal.prediction.options import ReadOptions, Seconds
from atsal.prediction.predictor import Predictor
from atsal.prediction.source_maps import predict_maps
from atsal.prediction.sources import Source
from atsal.prediction.streams import STREAMS, other_direction
from atsal.video.render import Picture


class FrameMaps(NamedTuple):
    """The maps (h, 2h) >= 0 of one frame, by stream."""

    frame_index: int
    timestamp_s: float
    maps: dict[str, NDArray[np.floating]]
    image: Picture | None = None  # the frame, where it is at hand


def predict_frame_maps(
    predictor: Predictor, source: Source, reading: ReadOptions, still_at_s: Seconds = None, *, watch: FrameWatch
) -> Iterator[FrameMaps]:
    """Predict the maps of `predicted_streams`; `prediction.source_maps.predict_maps` names the errors.

    `watch` sees the frames and notes where the source cuts.
    """
    results = predict_maps(predictor, source, reading, predicted_streams(predictor), still_at_s, watch.watch)
    return (FrameMaps(found.frame_index, found.timestamp_s, dict(found.maps), found.image) for found in results)


def predicted_streams(predictor: Predictor) -> tuple[str, ...]:
    """Return all streams of a model, and where it has directions, those in the other direction after them."""
    has_directions = predictor.config.directions is not None
    return (*STREAMS, *(other_direction(predictor.network.direction) if has_directions else ()))

"""The quality of 360° videos on the sphere, weighted by where people look."""

from atsal.quality.measure import Quality, measure_quality
from atsal.quality.viewports import HeadTrace, read_head_trace
from atsal.quality.weighting import GazeWeighting, MapWeighting, TrackWeighting, Weighting

__all__ = [
    "GazeWeighting",
    "HeadTrace",
    "MapWeighting",
    "Quality",
    "TrackWeighting",
    "Weighting",
    "measure_quality",
    "read_head_trace",
]

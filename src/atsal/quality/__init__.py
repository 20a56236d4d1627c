"""The quality of 360° videos on the sphere, weighted by where people look."""

from atsal.quality.measure import Quality, measure_quality
from atsal.quality.weighting import GazeWeighting, MapWeighting, TrackWeighting, Weighting

__all__ = [
    "GazeWeighting",
    "MapWeighting",
    "Quality",
    "TrackWeighting",
    "Weighting",
    "measure_quality",
]

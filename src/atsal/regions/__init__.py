"""Salient regions of maps: found frame by frame, followed over time, written to files."""

from atsal.regions.files import read_regions, write_regions
from atsal.regions.finding import Peak, find_regions, peaks
from atsal.regions.region import FrameRegions, Region, Regions
from atsal.regions.tracking import RegionTracker, track_regions

__all__ = [
    "FrameRegions",
    "Peak",
    "Region",
    "RegionTracker",
    "Regions",
    "find_regions",
    "peaks",
    "read_regions",
    "track_regions",
    "write_regions",
]

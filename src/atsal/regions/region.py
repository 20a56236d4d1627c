"""Salient regions on the sphere, frame by frame: what the other uses of saliency maps work with.

Directions are in degrees: yaw 0 at the centre of the frame, + to the right, in [-180, 180); pitch + up, in [-90, 90].
"""

import math
from dataclasses import dataclass, field
from typing import Any

from atsal.gaze.directions import Floats, angle_rad, lonlat_from_vectors, unit_vectors


@dataclass(frozen=True)
class Region:
    """One salient region of one frame.

    The region holds the pixels around a peak of the map whose density is at least half of the peak's.
    """

    yaw_deg: float  # of the centre: the mean direction of the gaze in the region
    pitch_deg: float
    width_deg: float  # extent to the left and right, and up and down, as seen by a viewer who faces the centre
    height_deg: float
    weight: float  # share of the frame's predicted gaze that falls in the region, in (0, 1]
    peak: float  # density at the peak, relative to gaze spread evenly over the sphere
    peak_yaw_deg: float
    peak_pitch_deg: float
    id: int = 0  # the same for one thing over time, from 1; 0 where regions were not tracked
    merged_ids: tuple[int, ...] = ()  # things that cannot be told apart from `id` in this frame

    @property
    def direction(self) -> Floats:
        """Unit vector (3,) of the centre: x right, y up, z forward."""
        return unit_vector(self.yaw_deg, self.pitch_deg)


@dataclass(frozen=True)
class FrameRegions:
    """The regions of one frame, the one with the largest weight first."""

    frame_index: int
    timestamp_s: float
    regions: tuple[Region, ...]


@dataclass(frozen=True)
class Regions:
    """The regions of a whole source, in the order of its frames."""

    frames: tuple[FrameRegions, ...]
    source: str = ""  # name of the file that the maps belong to
    settings: dict[str, Any] = field(default_factory=dict)  # what made the maps and the regions

    def track(self, region_id: int) -> list[tuple[FrameRegions, Region]]:
        """Return every frame in which a region has this identity, with the region."""
        return [(frame, region) for frame in self.frames for region in frame.regions if region.id == region_id]


def unit_vector(yaw_deg: float, pitch_deg: float) -> Floats:
    """Return the unit vector (3,) of a direction: x right, y up, z forward."""
    return unit_vectors(math.radians(yaw_deg), math.radians(pitch_deg))


def yaw_pitch_deg(vector: Floats) -> tuple[float, float]:
    """Return yaw in [-180, 180) and pitch in [-90, 90] of a vector (3,) of any length."""
    lon_rad, lat_rad = lonlat_from_vectors(vector)
    yaw = math.degrees(lon_rad)
    return (yaw if yaw < 180 else -180.0), math.degrees(lat_rad)


def angle_deg(first: Floats, second: Floats) -> float:
    """Return the angle between two unit vectors (3,) in degrees, exact for small angles too."""
    return math.degrees(angle_rad(first, second))

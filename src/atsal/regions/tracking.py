"""Identities of regions over time: a region keeps its number while it moves, passes others, or is lost for a moment.

Each track predicts where its region is next from its angular velocity (an alpha-beta filter on the sphere). Regions are
assigned to tracks so that the sum of the angles to the predictions is smallest. A track without a region of its own
that is predicted inside the region of another has merged with it. From then on both move on at their own velocities,
and their mean follows the common region. When the region splits, each part goes to the track that is predicted there.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError, MissingDependencyError, install_hint
from atsal.regions.region import FrameRegions, Region, angle_deg

GATE_DEG = 8.0  # a region this near to a prediction may be the track's
SPEED_DEG_S = 30.0  # and this much farther for each second since the track was seen
FOLLOW_S = 0.15  # time constant with which a track follows its region
LOST_S = 1.0  # a track without a region ends after this time
MERGED_S = 4.0  # a track that shares the region of another ends after this time

Vector = NDArray[np.float64]


@dataclass
class _Track:
    """What is known of one thing: where it is and how it moves."""

    id: int
    position: Vector  # unit vector
    velocity: Vector  # axis of the rotation times radians per second
    seen_s: float  # last time it had a region, its own or a common one
    alone_s: float  # last time it had a region of its own
    host: int | None = None  # the track whose region it shares


class RegionTracker:
    """Gives the regions of consecutive frames of one video their identities.

    Use one tracker per video and pass the frames in order. Needs SciPy (`pip install "atsal[regions]"`).
    """

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._last_id = 0
        self._time_s: float | None = None

    def update(self, frame: FrameRegions) -> FrameRegions:
        """Return the frame with the `id` and `merged_ids` of each region filled in.

        Raises `ConfigError` where the frame is not later than the one before.
        """
        elapsed_s = 0.0 if self._time_s is None else frame.timestamp_s - self._time_s
        if self._time_s is not None and not elapsed_s > 0:
            raise ConfigError(
                f"frame {frame.frame_index} at {frame.timestamp_s} s follows one at {self._time_s} s: "
                "expected frames in the order of time"
            )
        self._time_s = frame.timestamp_s
        for track in self._tracks:
            track.position = _rotate(track.position, track.velocity * elapsed_s)
        owners = self._assign(frame.regions, frame.timestamp_s)
        for index, region in enumerate(frame.regions):
            if index not in owners:
                self._last_id += 1
                still = np.zeros(3)
                track = _Track(self._last_id, region.direction, still, frame.timestamp_s, frame.timestamp_s)
                self._tracks.append(track)
                owners[index] = track
        self._merge(frame.regions, owners, frame.timestamp_s)
        groups = self._groups(owners)
        for index, group in groups.items():
            _follow(group, frame.regions[index].direction, elapsed_s, frame.timestamp_s)
        self._tracks = [track for track in self._tracks if self._is_alive(track)]
        return replace(
            frame,
            regions=tuple(
                replace(
                    region, id=owners[i].id, merged_ids=tuple(sorted(t.id for t in groups[i] if t is not owners[i]))
                )
                for i, region in enumerate(frame.regions)
            ),
        )

    def _assign(self, regions: tuple[Region, ...], time_s: float) -> dict[int, _Track]:
        """Return the track of each region (by its index) that has one."""
        if not regions or not self._tracks:
            return {}
        angles = np.array([[angle_deg(t.position, r.direction) for r in regions] for t in self._tracks])
        gates = np.array([[GATE_DEG + SPEED_DEG_S * min(time_s - t.alone_s, LOST_S)] for t in self._tracks])
        costs = np.where(angles <= gates, angles, 1000.0)  # any number of matches beats one outside a gate
        rows, columns = _linear_sum_assignment()(costs)
        return {int(j): self._tracks[i] for i, j in zip(rows, columns, strict=True) if angles[i, j] <= gates[i, 0]}

    def _merge(self, regions: tuple[Region, ...], owners: dict[int, _Track], time_s: float) -> None:
        """Let each track without a region share the region that it is predicted in, or shared before."""
        region_of = {track.id: index for index, track in owners.items()}
        for track in self._tracks:
            if track.id in region_of:
                track.host, track.alone_s = None, time_s
                continue
            inside = [i for i, region in enumerate(regions) if _is_inside(track.position, region)]
            if inside:
                nearest = min(inside, key=lambda i: angle_deg(track.position, regions[i].direction))
                track.host = owners[nearest].id
            elif track.host in region_of:  # it did not move on as predicted: it stays with the region
                host = owners[region_of[track.host]]
                track.position, track.velocity = regions[region_of[track.host]].direction, host.velocity.copy()
            else:
                track.host = None

    def _groups(self, owners: dict[int, _Track]) -> dict[int, list[_Track]]:
        """Return the tracks that share each region, its owner first."""
        return {i: [owner, *(t for t in self._tracks if t.host == owner.id)] for i, owner in owners.items()}

    def _is_alive(self, track: _Track) -> bool:
        now_s = self._time_s or 0.0
        return now_s - track.seen_s <= LOST_S and now_s - track.alone_s <= MERGED_S


def track_regions(frames: Iterable[FrameRegions]) -> Iterator[FrameRegions]:
    """Give the regions of the frames of one video their identities, frame by frame."""
    tracker = RegionTracker()
    return (tracker.update(frame) for frame in frames)


def _follow(group: list[_Track], measured: Vector, elapsed_s: float, time_s: float) -> None:
    """Correct the tracks of one region by the angle between their mean and where the region was measured."""
    mean = np.sum([track.position for track in group], axis=0)
    norm = float(np.linalg.norm(mean))
    offset = _rotation_between(mean / norm, measured) if norm > 0 else np.zeros(3)
    gain = 1 - math.exp(-elapsed_s / FOLLOW_S)
    for track in group:
        track.position = _rotate(track.position, offset * (gain if elapsed_s else 1.0))
        if elapsed_s and len(group) == 1:  # the velocity of one thing cannot be told from the region of two
            track.velocity = track.velocity + offset * gain**2 / (2 - gain) / elapsed_s
        track.seen_s = time_s


def _is_inside(position: Vector, region: Region) -> bool:
    return angle_deg(position, region.direction) <= max(region.width_deg, region.height_deg) / 2 + GATE_DEG / 2


def _rotate(vector: Vector, rotation: Vector) -> Vector:
    """Rotate a unit vector about an axis, by the length of the axis in radians (Rodrigues)."""
    angle = float(np.linalg.norm(rotation))
    if angle == 0:
        return vector
    axis = rotation / angle
    turned = (
        vector * math.cos(angle)
        + np.cross(axis, vector) * math.sin(angle)
        + axis * (axis @ vector) * (1 - math.cos(angle))
    )
    return np.asarray(turned / np.linalg.norm(turned))


def _rotation_between(start: Vector, end: Vector) -> Vector:
    """Return the shortest rotation from one unit vector to another: its axis times its angle in radians."""
    axis = np.cross(start, end)
    sine = float(np.linalg.norm(axis))
    return axis / sine * math.atan2(sine, float(start @ end)) if sine > 0 else np.zeros(3)


def _linear_sum_assignment() -> Any:
    try:
        from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingDependencyError(f"tracking regions needs SciPy: {install_hint('regions')}") from error
    return linear_sum_assignment

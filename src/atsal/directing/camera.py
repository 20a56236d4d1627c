"""The camera of a plan: keyframes, and where it looks at any time.

Between two keyframes the camera turns evenly, by the shorter way. Then its corners are rounded: the path is averaged
over `ROUNDING_S` with a positive weight (a Hann window). So the camera starts and stops gently, it never turns faster
than between two keyframes, and its acceleration is at most 4 * (speed / `ROUNDING_S`). At a cut the path ends and a new
one begins; nothing is averaged across it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from atsal.config import check_range
from atsal.directing.shot import MIN_CUT_S, Pose
from atsal.directing.taut_string import taut_string
from atsal.errors import ConfigError
from atsal.projection.perspective import MAX_FOV_DEG

ROUNDING_S = 2.0
MAX_SPEED_DEG_S = 60.0
LEAST_FOV_DEG = 1.0
LONGEST_TURN_DEG = 120.0  # between two planned keyframes
TUBE_DEG = 4.0  # how far the camera may be from the planned path, so that it need not follow each small turn
_BATCH = 512  # times that are computed together

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Keyframe:
    """Where the camera looks at one time; `cut` says that it jumps here instead of turning.

    Raises `ConfigError` for a value out of range.
    """

    timestamp_s: float
    yaw_deg: float  # in [-180, 180]; 0 is the centre of the frame, + to the right
    pitch_deg: float  # in [-90, 90], + up
    fov_deg: float  # along the longer side of the film
    cut: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range(
            self, timestamp_s=(0, 1e9), yaw_deg=(-180, 180), pitch_deg=(-90, 90), fov_deg=(LEAST_FOV_DEG, MAX_FOV_DEG)
        )


class Camera:
    """Where the camera looks at any time. The first keyframe begins the film, whatever its `cut` says.

    Raises `ConfigError` for keyframes that are not in the order of time, cuts within 2 s of each other, and a camera
    that would turn faster than 60°/s.
    """

    def __init__(self, keyframes: Sequence[Keyframe]) -> None:
        if not keyframes:
            raise ConfigError("a plan without keyframes: expected at least one")
        _check_order(keyframes)
        starts = [0, *(i for i, keyframe in enumerate(keyframes) if keyframe.cut and i > 0)]
        self._shots = [_unwrapped(keyframes[a:b]) for a, b in pairwise([*starts, len(keyframes)])]
        self._start_times = np.array([keyframes[start].timestamp_s for start in starts])

    def at(self, times_s: Floats) -> Floats:
        """Return yaw in [-180, 180), pitch and field of view in degrees at times (N,): (N, 3)."""
        times = np.asarray(times_s, np.float64)
        found = np.empty((len(times), 3))
        shots = np.maximum(np.searchsorted(self._start_times, times, "right") - 1, 0)
        for first in range(0, len(times), _BATCH):
            part = slice(first, first + _BATCH)
            for shot in np.unique(shots[part]):
                own = np.flatnonzero(shots[part] == shot) + first
                found[own] = _rounded(self._shots[shot], times[own])
        found[:, 0] = (found[:, 0] + 180) % 360 - 180
        return found


def keyframes_of_poses(poses: Sequence[Pose], end_s: float, fov_deg: float) -> list[Keyframe]:
    """Return a few keyframes whose camera stays within 4° of the planned poses, and turns no faster than they do.

    `end_s` is the time of the film's last frame, less than a step after the last pose.
    """
    cuts = [i for i, pose in enumerate(poses) if pose.is_cut or i == 0]
    found: list[Keyframe] = []
    for first, after in pairwise([*cuts, len(poses)]):
        found += _keyframes_of_shot(poses[first:after], fov_deg)
    if found[-1].cut:
        found.append(replace(found[-1], cut=False))
    return [*found[:-1], replace(found[-1], timestamp_s=end_s)] if end_s > found[-2].timestamp_s else found[:-1]


def sphere_speed_deg_s(directions: Floats, times_s: Floats) -> Floats:
    """Return the speed of the middle of the frame between consecutive (N, 2+) yaw and pitch in degrees, (N - 1,)."""
    yaw, pitch = np.radians(directions[:, 0]), np.radians(directions[:, 1])
    across = np.sin(np.diff(yaw) / 2) ** 2 * np.cos(pitch[1:]) * np.cos(pitch[:-1])
    angle = 2 * np.arcsin(np.sqrt(np.minimum(np.sin(np.diff(pitch) / 2) ** 2 + across, 1)))
    speed: Floats = np.degrees(angle) / np.diff(times_s)
    return speed


def _keyframes_of_shot(poses: Sequence[Pose], fov_deg: float) -> list[Keyframe]:
    times = np.array([pose.timestamp_s for pose in poses])
    yaw = taut_string(times, np.unwrap([pose.yaw_deg for pose in poses], period=360), TUBE_DEG)
    pitch = taut_string(times, np.array([pose.pitch_deg for pose in poses]), TUBE_DEG)
    yaws, pitches = _on_string(times, yaw), _on_string(times, pitch)
    found = [
        Keyframe(float(times[i]), _wrap(float(yaws[i])), round(float(pitches[i]), 2), fov_deg)
        for i in _with_turns_told(sorted({*yaw, *pitch}), yaws)
    ]
    return [replace(found[0], cut=True), *found[1:]]


def _with_turns_told(corners: list[int], yaws: Floats) -> list[int]:
    """Add indices between corners that are far apart, because keyframes are joined by the shorter way."""
    found = corners[:1]
    for before, after in pairwise(corners):
        parts = 1 + int(abs(yaws[after] - yaws[before]) / LONGEST_TURN_DEG)
        found += [before + (after - before) * part // parts for part in range(1, parts + 1)]
    return found


def _on_string(times: Floats, corners: dict[int, float]) -> Floats:
    order = sorted(corners)
    return np.interp(times, times[order], [corners[index] for index in order])


def _wrap(yaw_deg: float) -> float:
    wrapped = round((yaw_deg + 180) % 360 - 180, 2)
    return -180.0 if wrapped >= 180 else wrapped


def _unwrapped(keyframes: Sequence[Keyframe]) -> Floats:
    """Return (N, 4): time, and yaw, pitch and field of view, where yaw takes the shorter way."""
    rows = np.array([(k.timestamp_s, k.yaw_deg, k.pitch_deg, k.fov_deg) for k in keyframes], np.float64)
    rows[:, 1] = np.unwrap(rows[:, 1], period=360)
    return rows


def _rounded(shot: Floats, times_s: Floats) -> Floats:
    """Return yaw, pitch and field of view at times (N,): the straight lines, averaged over `ROUNDING_S`.

    The lines are a sum of ramps, one for each keyframe, that begin where the speed changes. The average of a sum is the
    sum of the averages, so it is enough to round a ramp.
    """
    knots_s, values = shot[:, 0], shot[:, 1:]
    rest = np.zeros((1, 3))
    speeds = np.concatenate([rest, np.diff(values, axis=0) / np.diff(knots_s)[:, None], rest])
    found: Floats = values[0] + _rounded_ramp(times_s[:, None] - knots_s) @ np.diff(speeds, axis=0)
    return found


def _rounded_ramp(time_s: Floats) -> Floats:
    """Return the average of max(0, t) around each time, weighted by a Hann window of `ROUNDING_S`."""
    half = ROUNDING_S / 2
    inside = np.clip(time_s, -half, half)
    frequency = 2 * np.pi / ROUNDING_S
    bend = ((inside + half) ** 2 / 2 - (1 + np.cos(frequency * inside)) / frequency**2) / ROUNDING_S
    ramp: Floats = np.where(time_s >= half, time_s, bend)
    return ramp


def _check_order(keyframes: Sequence[Keyframe]) -> None:
    last_cut_s = keyframes[0].timestamp_s
    for number, (before, after) in enumerate(pairwise(keyframes), start=1):
        elapsed_s = after.timestamp_s - before.timestamp_s
        where = f"keyframes[{number}] at {after.timestamp_s:g} s"
        if not elapsed_s > 0:
            raise ConfigError(
                f"{where} follows one at {before.timestamp_s:g} s: expected keyframes in the order of time"
            )
        if after.cut:
            if after.timestamp_s - last_cut_s < MIN_CUT_S - 1e-6:
                raise ConfigError(
                    f"{where} cuts {after.timestamp_s - last_cut_s:g} s after the cut before: expected at least "
                    f"{MIN_CUT_S:g} s between cuts (the start counts as one). Move it, or remove a cut"
                )
            last_cut_s = after.timestamp_s
            continue
        turn = abs((after.yaw_deg - before.yaw_deg + 180) % 360 - 180)
        speed = math.hypot(turn, after.pitch_deg - before.pitch_deg) / elapsed_s
        if speed > MAX_SPEED_DEG_S:
            raise ConfigError(
                f"{where}: the camera would turn at {speed:.0f}°/s from the keyframe before; expected at most "
                f"{MAX_SPEED_DEG_S:g}°/s. Move them apart in time, or set its cut to true"
            )

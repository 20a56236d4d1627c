"""From the maps of a video to the keyframes of a film, in one pass and in memory that hardly grows with its length."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.directing.camera import Keyframe, keyframes_of_poses
from atsal.directing.in_frame import GazeLog
from atsal.directing.reward import FrameReward
from atsal.directing.scene_cuts import FrameWatch
from atsal.directing.shot import MIN_CUT_S, STEP_S, Pose, ShotPlanner
from atsal.errors import DataError
from atsal.projection.perspective import Perspective
from atsal.video.reader import Frame

LARGEST_GAP_S = 1.0  # between two maps, where frames are close
Map = NDArray[np.floating[Any]]
TimedMap = tuple[int, float, Map]  # frame index, timestamp_s, (h, 2h)


def plan_film(
    maps: Iterable[TimedMap],
    watch: FrameWatch,
    perspective: Perspective,
    gaze: GazeLog,
    front_deg: float | None = 0.0,
) -> list[Keyframe]:
    """Plan the camera through the maps of a video, and log the gaze at each step.

    `watch` has looked at the frames up to that of the current map, or at all. Scene cuts of the source begin a new
    shot, unless the last cut is less than 2 s ago. Raises `DataError` for maps that do not cover the clip.
    """
    reward, planner = FrameReward(perspective), ShotPlanner(front_deg)
    poses: list[Pose] = []
    shot_start_s: float | None = None
    for time_s, saliency in _steps(maps, watch):
        scene_s = _next_scene(watch.scene_starts_s, shot_start_s, time_s)
        if shot_start_s is None or scene_s is not None:
            poses += _begin_at(planner.finish(), shot_start_s)
            planner = ShotPlanner(front_deg)
            shot_start_s = time_s if scene_s is None else scene_s
        planner.add(time_s, reward(saliency))
        gaze.add(time_s, saliency)
    poses += _begin_at(planner.finish(), shot_start_s)
    if not poses:
        raise DataError("no map in the part of the video that was asked for; expected maps from its start to its end")
    return keyframes_of_poses(poses, watch.last_s, perspective.fov_deg)


def thin(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Keep the first frame in each step of the plan: the camera needs no more maps than that."""
    next_s: float | None = None
    for frame in frames:
        if next_s is None or frame.timestamp_s >= next_s - 1e-6:
            next_s = frame.timestamp_s if next_s is None else next_s
            next_s += STEP_S * (1 + int((frame.timestamp_s - next_s + 1e-6) / STEP_S))
            yield frame


def _steps(maps: Iterable[TimedMap], watch: FrameWatch) -> Iterator[tuple[float, Map]]:
    """Yield the steps of the plan, `STEP_S` apart, each with the map whose time is nearest."""
    held: tuple[float, Map] | None = None
    step_s = 0.0
    for _, time_s, saliency in maps:
        if watch.first_s is not None and time_s < watch.first_s - 1e-6:
            continue
        if held is None:
            step_s = time_s if watch.first_s is None else watch.first_s
        _check_gap(step_s if held is None else held[0], time_s, watch)
        while held is not None and step_s < (held[0] + time_s) / 2:
            yield step_s, held[1]
            step_s += STEP_S
        held = time_s, saliency
        if watch.first_s is not None and time_s > watch.last_s + 1e-6:
            break
    if held is not None:
        _check_gap(held[0], watch.last_s, watch)
        while step_s <= watch.last_s + 1e-6:
            yield step_s, held[1]
            step_s += STEP_S


def _check_gap(before_s: float, after_s: float, watch: FrameWatch) -> None:
    if after_s - before_s > LARGEST_GAP_S + watch.longest_step_s:
        raise DataError(
            f"there is no map between {before_s:.2f} s and {after_s:.2f} s; expected at least one a second from the "
            "start to the end of the film. Predict the whole video, or choose a part with --start and --duration"
        )


def _next_scene(starts_s: Sequence[float], shot_start_s: float | None, time_s: float) -> float | None:
    """Return the first scene start since the shot began that is far enough from it, if it has been reached."""
    if shot_start_s is None:
        return None
    return next((start for start in starts_s if shot_start_s + MIN_CUT_S <= start <= time_s + 1e-6), None)


def _begin_at(poses: list[Pose], start_s: float | None) -> list[Pose]:
    """Return the poses of a shot; it begins with the scene, which may be a moment before the first step."""
    return [replace(poses[0], timestamp_s=start_s), *poses[1:]] if poses and start_s is not None else poses

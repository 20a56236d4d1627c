"""The path of the camera through one shot, by dynamic programming over the directions of `FrameReward`.

Every `STEP_S` the camera stays, turns to a near direction, or cuts to any other. The path with the largest sum of
rewards, less the costs below, is found exactly. A long shot is planned in windows that look ahead, so that memory does
not grow: the part of a window that is kept was planned with `LOOK_AHEAD_S` of what follows.

Rewards and costs are in shares of the gaze times seconds: 0.1 is a tenth of the gaze for one second.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atsal.directing.reward import CELL_DEG, PITCHES_DEG, YAWS_DEG, Floats

STEPS_PER_S = 4
STEP_S = 1 / STEPS_PER_S
MIN_CUT_S = 2.0  # between two cuts; after one, the camera holds still for as long
CUT_COST = 1.0  # a cut pays if it shows 20 points more of the gaze for 5 s
SPEED_COST = 0.3  # for each second at the highest speed; grows with its square, and small turns must pay, too
PITCH_COST = 0.05  # for each second at the highest or lowest pitch; keeps the horizon near the middle
FRONT_BONUS = 0.03  # for each second at the front: the camera leaves it only for a clear gain
FRONT_REACH_DEG = 12.0  # the angle from the front at which the bonus has fallen to 1 / e
WINDOW_S, LOOK_AHEAD_S = 60.0, 20.0

_HOLD = round(MIN_CUT_S / STEP_S)  # steps
_FASTEST = (1, 2)  # cells of pitch and of yaw in one step: 20°/s and 40°/s
_NEVER = -np.inf


@dataclass(frozen=True)
class Pose:
    """Where the camera looks at one step of the plan."""

    timestamp_s: float
    yaw_deg: float  # in [-180, 180)
    pitch_deg: float
    is_cut: bool = False  # the camera jumped here


class ShotPlanner:
    """Plans one shot: `add` the reward of each step in the order of time, then `finish`."""

    def __init__(self, front_deg: float | None = 0.0) -> None:
        """`front_deg` is the yaw of the front; None: the video has none."""
        self._bonus = _standing_reward(front_deg)
        self._times: list[float] = []
        self._rewards: list[Floats] = []
        self._poses: list[Pose] = []
        self._start: tuple[int, int] | None = None  # where the window begins: its first step is planned already

    def add(self, timestamp_s: float, reward: Floats) -> None:
        """Take the reward (pitches, yaws) of the next step."""
        self._times.append(timestamp_s)
        self._rewards.append(np.asarray(reward, np.float32))
        if len(self._rewards) * STEP_S >= WINDOW_S + LOOK_AHEAD_S:
            self._commit(round(WINDOW_S / STEP_S))

    def finish(self) -> list[Pose]:
        """Return the poses of all steps; the first is marked as a cut."""
        if self._rewards:
            self._commit(None)
        return self._poses

    def _commit(self, steps: int | None) -> None:
        """Plan the window, and keep its first `steps` steps; None: all."""
        cells, cuts = _best_path([(r + self._bonus) * STEP_S for r in self._rewards], self._start)
        if steps is not None:
            recent = [cut for cut in cuts if steps - _HOLD < cut < steps]
            steps = recent[0] if recent else steps  # a window does not begin in the still after a cut
        first = 0 if self._start is None else 1
        for index in range(first, len(cells) if steps is None else steps):
            pitch, yaw = cells[index]
            is_cut = index in cuts or (index == 0 and self._start is None)
            self._poses.append(Pose(self._times[index], YAWS_DEG[yaw], PITCHES_DEG[pitch], is_cut))
        if steps is not None:
            self._start = cells[steps - 1]
            del self._times[: steps - 1], self._rewards[: steps - 1]


def _standing_reward(front_deg: float | None) -> Floats:
    """Return what a direction is worth for every second besides the gaze that it shows, (pitches, yaws)."""
    pitch, yaw = np.meshgrid(PITCHES_DEG, YAWS_DEG, indexing="ij")
    worth: Floats = -PITCH_COST * (pitch / max(PITCHES_DEG)) ** 2
    if front_deg is not None:
        angle = np.hypot((yaw - CELL_DEG * round(front_deg / CELL_DEG) + 180) % 360 - 180, pitch)
        worth += FRONT_BONUS * np.exp(-angle / FRONT_REACH_DEG)
    return worth


def _best_path(rewards: list[Floats], start: tuple[int, int] | None) -> tuple[list[tuple[int, int]], set[int]]:
    """Return the best cell (pitch, yaw) of each step, and the steps at which the camera cuts.

    `start` is the cell of the first step; None: any, and then no cut for `MIN_CUT_S`.
    """
    values = [rewards[0].astype(np.float64)]
    if start is not None:
        values[0] = np.full_like(values[0], _NEVER)
        values[0][start] = 0.0
    earliest_cut = 1 if start is not None else _HOLD
    moves: list[NDArray[np.int8]] = [np.zeros(values[0].shape, np.int8)]
    held = rewards[0] * 0.0  # the sum of the last `_HOLD` rewards
    for step, reward in enumerate(rewards[1:], start=1):
        value, move = _best_turns(values[-1])
        value += reward
        held = held + reward - (rewards[step - _HOLD] if step > _HOLD else 0.0)
        if step - _HOLD + 1 >= earliest_cut and step < len(rewards) - 1:
            after_cut = float(values[step - _HOLD].max()) - CUT_COST + held
            move = np.where(after_cut > value, np.int8(_CUT), move)
            value = np.maximum(value, after_cut)
        values.append(value)
        moves.append(move)
    return _trace_back(values, moves)


def _trace_back(values: list[Floats], moves: list[NDArray[np.int8]]) -> tuple[list[tuple[int, int]], set[int]]:
    cell = _best_cell(values[-1])
    cells, cuts = [cell], set[int]()
    step = len(values) - 1
    while step > 0:
        move = int(moves[step][cell])
        if move == _CUT:  # the camera held still since the cut
            cells += [cell] * (_HOLD - 1)
            step -= _HOLD
            cuts.add(step + 1)
            cell = _best_cell(values[step])
        else:
            step -= 1
            up, right = _MOVES[move]
            cell = cell[0] - up, (cell[1] - right) % len(YAWS_DEG)
        cells.append(cell)
    return cells[::-1], cuts


def _best_cell(values: Floats) -> tuple[int, int]:
    pitch, yaw = np.unravel_index(int(values.argmax()), values.shape)
    return int(pitch), int(yaw)


def _best_turns(values: Floats) -> tuple[Floats, NDArray[np.int8]]:
    """Return the best value of each cell after one step without a cut, and the number of the turn that leads there."""
    best = np.full_like(values, _NEVER)
    chosen = np.zeros(values.shape, np.int8)
    for number, ((up, right), cost) in enumerate(zip(_MOVES, _MOVE_COSTS, strict=True)):
        moved = np.roll(values, right, axis=1) - cost
        if up:
            moved = np.roll(moved, up, axis=0)
            moved[0 if up > 0 else -1] = _NEVER
        better = moved > best
        best, chosen = np.where(better, moved, best), np.where(better, np.int8(number), chosen)
    return best, chosen


def _turns() -> tuple[list[tuple[int, int]], list[float]]:
    """Return the turns of one step in cells (up, right), the stay first, and what each costs."""
    most_up, most_right = _FASTEST
    ranges = range(-most_up, most_up + 1), range(-most_right, most_right + 1)
    found = sorted(itertools.product(*ranges), key=lambda move: move[0] ** 2 + move[1] ** 2)
    highest = most_up**2 + most_right**2
    return found, [SPEED_COST * STEP_S * (up**2 + right**2) / highest for up, right in found]


_MOVES, _MOVE_COSTS = _turns()
_CUT = len(_MOVES)

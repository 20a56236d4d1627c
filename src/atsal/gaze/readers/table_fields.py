"""What the columns of a table of gaze can hold. The name of each field states its unit, its sign and its origin."""

import math
from dataclasses import dataclass

from atsal.gaze.directions import Floats


@dataclass(frozen=True)
class Axis:
    """One coordinate of a position, as a share of the frame: from 0, left or top, to 1, right or bottom."""

    span: float | None  # the width or height of the frame in this unit; None: pixels
    zero: float = 0.0  # the share at which the value is 0
    sign: int = 1  # -1: the value grows to the left, or upwards
    turn: float | None = None  # a full turn in this unit, if the value may be any number of turns off

    def limits(self, span: float) -> tuple[float, float]:
        """Return the lowest and highest value on a frame that is `span` wide or high."""
        low, high = sorted((-self.sign * self.zero * span, self.sign * (1 - self.zero) * span))
        return low + 0.0, high + 0.0  # never -0.0, which messages would show

    def share(self, values: Floats, span: float) -> Floats:
        """Return the shares of the frame of values (N,)."""
        return self.zero + self.sign * values / span


UNITS_S = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_TURNS = {"deg": 360.0, "rad": 2 * math.pi}
_ANGLES = {  # name: part of a turn that the frame spans, share at 0, sign, whether it may be turns off
    "lon": (1.0, 0.5, 1, False),
    "yaw": (1.0, 0.5, 1, True),
    "yaw_left": (1.0, 0.5, -1, True),
    "from_left": (1.0, 0.0, 1, False),
    "lat": (0.5, 0.5, -1, False),
    "pitch": (0.5, 0.5, -1, True),
    "pitch_down": (0.5, 0.5, 1, True),
    "from_top": (0.5, 0.0, 1, False),
    "from_bottom": (0.5, 1.0, -1, False),
}


def _angles(part: float) -> dict[str, Axis]:
    return {
        f"{name}_{unit}": Axis(part * turn, zero, sign, turn if turns else None)
        for name, (own, zero, sign, turns) in _ANGLES.items()
        for unit, turn in _TURNS.items()
        if own == part
    }


HORIZONTAL = _angles(1.0) | {"u": Axis(1.0), "x_px": Axis(None)}
VERTICAL = _angles(0.5) | {
    "v": Axis(1.0),
    "v_up": Axis(1.0, 1.0, -1),
    "y_px": Axis(None),
    "y_up_px": Axis(None, 1.0, -1),
}
CLOCKS = {f"clock_{unit}": seconds for unit, seconds in UNITS_S.items()} | {"clock_iso": 1e-6}  # read as microseconds
ONSETS = {f"onset_{unit}": seconds for unit, seconds in UNITS_S.items()}
TIMES = {f"timestamp_{unit}": seconds for unit, seconds in UNITS_S.items()} | ONSETS | CLOCKS  # field: unit in seconds
DURATIONS = {f"duration_{unit}": seconds for unit, seconds in UNITS_S.items()}
FRAMES = {"frame_index": 0, "frame_number": 1}  # field: number of the first frame
VALIDITY = ("valid", "lost")
SIZES = {"width_px": ("x_px",), "height_px": ("y_px", "y_up_px")}  # numbers, not columns: for these fields
NAMES = ("observer", "item")
FIELDS = (*NAMES, *HORIZONTAL, *VERTICAL, *SIZES, *TIMES, *DURATIONS, *FRAMES, *VALIDITY)

MEANINGS = {  # for people: all fields, those of several units together
    "observer": "name of the viewer; without it, each table is the log of the viewer whose name it has",
    "item": "name of the stimulus; without it, each table is about the stimulus whose name it has",
    "lon_deg, lon_rad": "longitude within ± half a turn, + right, 0 at the centre of the frame",
    "yaw_deg, yaw_rad": "the same with any number of turns: 350° is -10°",
    "yaw_left_deg, yaw_left_rad": "+ left, 0 at the centre, any number of turns",
    "from_left_deg, from_left_rad": "0 at the left edge, a full turn at the right edge",
    "u": "0 at the left edge, 1 at the right edge",
    "x_px": "pixels from the left edge",
    "lat_deg, lat_rad": "latitude within ± a quarter turn, + up, 0 at the equator",
    "pitch_deg, pitch_rad": "the same with any number of turns: 350° is -10°",
    "pitch_down_deg, pitch_down_rad": "+ down, 0 at the equator, any number of turns",
    "from_top_deg, from_top_rad": "0 at the top edge, half a turn at the bottom edge",
    "from_bottom_deg, from_bottom_rad": "0 at the bottom edge, half a turn at the top edge",
    "v": "0 at the top edge, 1 at the bottom edge",
    "v_up": "0 at the bottom edge, 1 at the top edge",
    "y_px, y_up_px": "pixels from the top edge; from the bottom edge",
    "width_px, height_px": "numbers, not columns: the size of the frame of pixels; by default that of the stimulus",
    "timestamp_s, _ms, _us, _ns": "time of a sample since the start of the stimulus",
    "clock_s, _ms, _us, _ns": "any other clock: the first row of an observer on a stimulus is taken as its start",
    "clock_iso": "the same as text: 2024-05-31T14:05:01.250, or the time of day, 14:05:01.250",
    "frame_index, frame_number": "frame of a sample: the first is 0; the first is 1",
    "onset_s, _ms, _us, _ns": "start of a fixation since the start of the stimulus",
    "duration_s, _ms, _us, _ns": "duration of a fixation; with it, a row is a fixation whatever its time is called",
    "valid, lost": "1 or true where the gaze is valid; where it is lost",
}

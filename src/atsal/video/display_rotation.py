"""How a picture is turned before it is shown: by the display matrix of its file, in quarter turns and mirrored."""

import math
import struct
from dataclasses import dataclass
from pathlib import Path

from atsal.errors import MediaError

_MATRIX = struct.Struct("=9i")
_STRAIGHT = 0.01  # a share of an axis that is rounding


@dataclass(frozen=True)
class Turn:
    """`filters` are FFmpeg's, with their arguments; `swaps` is true where width and height change places."""

    filters: tuple[tuple[str, str | None], ...] = ()
    swaps: bool = False
    told: str = ""


UNTURNED = Turn()
# A display matrix (a, b, c, d) moves the picture's point (x, y) to (ax + cy, bx + dy), y down.
_TURNS = {
    (1, 0, 0, 1): UNTURNED,
    (0, 1, -1, 0): Turn((("transpose", "clock"),), True, "turned by 90° clockwise"),
    (-1, 0, 0, -1): Turn((("hflip", None), ("vflip", None)), False, "turned by 180°"),
    (0, -1, 1, 0): Turn((("transpose", "cclock"),), True, "turned by 90° counter-clockwise"),
    (-1, 0, 0, 1): Turn((("hflip", None),), False, "mirrored, left for right"),
    (1, 0, 0, -1): Turn((("vflip", None),), False, "mirrored, top for bottom"),
    (0, 1, 1, 0): Turn((("transpose", "cclock_flip"),), True, "mirrored along its diagonal"),
    (0, -1, -1, 0): Turn((("transpose", "clock_flip"),), True, "mirrored along its other diagonal"),
}


def display_turn(path: Path, matrix: bytes | None) -> Turn:
    """The turn that a display matrix (nine fixed-point numbers, as FFmpeg gives it) asks for.

    Raises `MediaError` for one that is no multiple of 90°.
    """
    if matrix is None:
        return UNTURNED
    a, b, _, c, d, *_ = _MATRIX.unpack_from(matrix)
    if math.hypot(a, b) == 0 or math.hypot(c, d) == 0:
        return UNTURNED  # it would show nothing
    first, second = ((x / math.hypot(x, y), y / math.hypot(x, y)) for x, y in ((a, b), (c, d)))
    nearest = tuple(round(value) for value in (*first, *second))
    is_straight = all(abs(value - whole) <= _STRAIGHT for value, whole in zip((*first, *second), nearest, strict=True))
    if not is_straight or nearest not in _TURNS:
        angle = math.degrees(math.atan2(first[1], first[0]))
        raise MediaError(
            f"{path}: is to be shown turned by {angle:.1f}° (its display matrix); expected a multiple of 90°. Turn the "
            "picture itself first, or write the file without this matrix."
        )
    return _TURNS[nearest]

"""The stereo layouts and the shapes they have, for videos and stills alike; `view` chooses among them.

An equirectangular view covers 360° by 180°, so it is 2:1. A stereo picture packs two of them; the left eye's view is
the one that is used::

    mono 2:1          top-bottom 1:1      left-right 4:1
    +--------+        +--------+          +--------+--------+
    |  view  |        |  left  |          |  left  | right  |
    +--------+        +--------+          +--------+--------+
                      | right  |
                      +--------+
"""

from pathlib import Path
from typing import Literal, get_args

from atsal.errors import ConfigError, MediaError

StereoLayout = Literal["mono", "top-bottom", "left-right"]
StereoChoice = Literal["auto", "mono", "top-bottom", "left-right"]

ASPECT_TOLERANCE = 0.02  # encoders round sizes to multiples of 2, 8 or 16 pixels
MIN_VIEW_HEIGHT = 16

SMALL_HEIGHT = 160  # of a view: below this, people are told
ASPECT: dict[StereoLayout, float] = {"mono": 2.0, "top-bottom": 1.0, "left-right": 4.0}


def fits(shape: float, aspect: float) -> bool:
    """Whether width by height is `aspect`, within 2 %."""
    return abs(shape / aspect - 1) <= ASPECT_TOLERANCE


def check_height(path: Path, width: int, height: int) -> None:
    """Raise MediaError for a view of less than 16 rows."""
    if height < MIN_VIEW_HEIGHT:
        raise MediaError(
            f"{path}: one view is only {width}x{height} pixels; at least {2 * MIN_VIEW_HEIGHT}x"
            f"{MIN_VIEW_HEIGHT} are needed. Use the original instead of a thumbnail."
        )


def check_stereo(stereo: str) -> None:
    """Raise ConfigError unless `stereo` is "auto" or a layout's name."""
    if stereo not in get_args(StereoChoice):
        raise ConfigError(f"stereo is {stereo!r}; expected one of {', '.join(get_args(StereoChoice))}")


def misfit_message(path: Path, width: int, height: int, stereo: str) -> str:
    """What to say of a picture that is of no shape of a 360° view, or not of the one that `stereo` needs."""
    fitting = [layout for layout, aspect in ASPECT.items() if fits(width / height, aspect)]
    found = f"{path}: the picture is {width}x{height} ({width / height:.2f}:1)"
    if stereo != "auto":
        needed = f"stereo={stereo!r} needs {ASPECT[stereo]:g}:1"  # type: ignore[index]
        remedy = f"This size fits stereo={fitting[0]!r}." if fitting else "No stereo layout fits this size."
        return f"{found}, but {needed} within {ASPECT_TOLERANCE:.0%}, so that a view is 2:1. {remedy}"
    return (
        f"{found}, which is not a 360° equirectangular view: expected 2:1 (mono), 1:1 (two views, top-bottom) or "
        f"4:1 (two views, left-right), each within {ASPECT_TOLERANCE:.0%}. Export it as a full 360°x180° "
        "equirectangular picture, or scale it to 2:1 if it is one stored in another shape."
    )

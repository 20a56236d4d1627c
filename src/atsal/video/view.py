"""The choice of the part of a picture that is one 360° view, and what is done with it: turned, cut, stretched to 2:1.

The layout of the views comes first from the option, if one is given, else from what the file says, else from the shape
in which the picture is shown. Views of another shape than 2:1 are taken where somebody says what they are::

    said                     frame shown     view
    nothing                  2:1, 1:1, 4:1   mono, top-bottom, left-right
    mono                     1:1             squeezed to half its width
    top-bottom               2:1             squeezed to half its height
    left-right               2:1             squeezed to half its width
    equirectangular, by the  any             stretched to 2:1: the picture covers the sphere whatever its shape
    file, and a layout
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from atsal.errors import MediaError
from atsal.video.display_rotation import Turn
from atsal.video.stereo import (
    ASPECT,
    StereoChoice,
    StereoLayout,
    check_height,
    check_stereo,
    fits,
    misfit_message,
)
from atsal.video.video_metadata import Stated

Source = Literal["option", "file", "shape"]

_SQUEEZED: dict[StereoLayout, float] = {"mono": 1.0, "top-bottom": 2.0, "left-right": 2.0}
_NARROWEST, _WIDEST = 0.5, 8.0  # views that are stretched because the file says that they cover the sphere
_SIDES = {"mono": (1, 1), "top-bottom": (1, 2), "left-right": (2, 1)}  # views across and down


@dataclass(frozen=True)
class View:
    """The left eye's view of a video or a photo.

    `crop` is (left, top, width, height) within the turned picture, `size` the 2:1 (width, height) that is made of it.
    `notes` are sentences for people: how the picture was taken, and on whose word.
    """

    stereo: StereoLayout
    source: Source
    turn: Turn
    crop: tuple[int, int, int, int]
    size: tuple[int, int]
    notes: tuple[str, ...] = ()

    @property
    def said_by(self) -> str:
        """On whose word the views are laid out so."""
        return {"option": "as asked for", "file": "as the file says", "shape": "by its shape"}[self.source]


def choose_view(
    path: Path, stored: tuple[int, int], pixel_shape: Fraction, stated: Stated, stereo: StereoChoice = "auto"
) -> View:
    """Choose the view to use of pictures stored as `stored`, (width, height), whose pixels are `pixel_shape` wide.

    "auto" takes the layout that the file states or, if it states none, the one that fits the shape within 2 %.

    Raises:
        ConfigError: `stereo` is not one of the layouts.
        MediaError: the pictures are of no shape of a 360° view, or the view is lower than 16 pixels.

    """
    check_stereo(stereo)
    width, height = stored[::-1] if stated.turn.swaps else stored
    pixels = 1 / pixel_shape if stated.turn.swaps else pixel_shape
    source: Source = "option" if stereo != "auto" else "file" if stated.stereo else "shape"
    said = stated.stereo if stereo == "auto" else stereo
    shapes = _shapes((width, height), pixels)
    layout = said or next((layout for shape in shapes for layout in ASPECT if fits(shape, ASPECT[layout])), None)
    across, down = _SIDES[layout or "mono"]
    crop_width, crop_height = width // across, height // down
    stretches = stated.sphere and _NARROWEST <= crop_width / max(1, crop_height) <= _WIDEST
    if layout is None or not (stretches or _may_be(layout, shapes, squeezed=said is not None)):
        shown = "" if pixels == 1 else f" Shown, it is {shapes[0]:.2f}:1: {_pixels(pixels)}."
        said_by = "" if source != "file" else f" The file says that it is {layout}."
        raise MediaError(misfit_message(path, width, height, stereo) + shown + said_by)
    check_height(path, crop_width, crop_height)
    second = stated.second_is_left and stated.stereo == layout
    left, top = (crop_width * (across - 1), crop_height * (down - 1)) if second else (0, 0)
    view = View(layout, source, stated.turn, (left, top, crop_width, crop_height), _size(crop_width, crop_height))
    return replace(view, notes=tuple(_notes(view, (width, height), pixels, stated)))


def _shapes(picture: tuple[int, int], pixels: Fraction) -> tuple[float, float]:
    """Width by height as shown, and as stored."""
    return float(picture[0] * pixels / picture[1]), picture[0] / picture[1]


def _pixels(shape: Fraction) -> str:
    return f"its pixels are {shape} times as wide as high"


def _may_be(layout: StereoLayout, shapes: tuple[float, float], *, squeezed: bool = False) -> bool:
    allowed = [ASPECT[layout], _SQUEEZED[layout]] if squeezed else [ASPECT[layout]]
    return any(fits(shape, aspect) for shape in shapes for aspect in allowed)


def _size(width: int, height: int) -> tuple[int, int]:
    """The size of the view: as it is stored where that is 2:1, else the smallest 2:1 that leaves out no pixel."""
    if fits(width / height, ASPECT["mono"]):
        return width, height
    rows = max(height, (width + 1) // 2)
    return 2 * rows, rows


def _notes(view: View, picture: tuple[int, int], pixels: Fraction, stated: Stated) -> Iterator[str]:
    is_second = view.crop[:2] != (0, 0)
    if stated.turn.told:
        yield f"{stated.turn.told}, as its display matrix says"
    if view.stereo != "mono" and (view.source != "option" or is_second):
        shape = f" {picture[0]}x{picture[1]}" if view.source == "shape" else ""
        second = ", which is the second" * is_second
        yield f"taken as two views, {view.stereo}, {view.said_by}{shape}; the left is used{second}"
    if view.stereo != "mono" and view.source == "shape":
        yield f"its map means nothing if this is no 360° picture (if it is: --stereo {view.stereo})"
    if stated.stereo not in (None, view.stereo):
        yield f"the file says {stated.stereo}, but {view.stereo} was asked for"
    if view.size != view.crop[2:]:
        why = f"; {_pixels(pixels)}" if pixels != 1 else f", being {view.stereo} {view.said_by}"
        yield f"the view is stored as {view.crop[2]}x{view.crop[3]} and stretched to {view.size[0]}x{view.size[1]}{why}"
    elif pixels != 1:
        yield f"marked as having pixels of shape {pixels}, but stored in the shape of a 360° view and used as it is"
    if view.stereo == "left-right" and not stated.sphere and not _may_be(view.stereo, _shapes(picture, pixels)):
        yield "whether it covers the whole sphere is not said: if it is VR180, its map means nothing"
    if any(stated.pose_deg):
        yaw, pitch, roll = stated.pose_deg
        yield (
            f"says that it was turned by yaw {yaw:g}°, pitch {pitch:g}°, roll {roll:g}°; this is not applied, and "
            "directions are those in the picture"
        )

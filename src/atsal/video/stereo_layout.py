"""Choose the part of a picture that is one 360° view, and how it is rotated, cropped and stretched to 2:1.

An equirectangular view covers 360° by 180°, so it is 2:1. A stereo picture holds two of them, of which the left eye's
is used::

    mono 2:1          top-bottom 1:1      left-right 4:1
    +--------+        +--------+          +--------+--------+
    |  view  |        |  left  |          |  left  | right  |
    +--------+        +--------+          +--------+--------+
                      | right  |
                      +--------+

The layout comes from the option, else from the file, else from the shape in which the picture is shown. A view of
another shape than 2:1 is accepted where the option or the file states what it is::

    stated layout                picture         view
    none                         2:1, 1:1, 4:1   mono, top-bottom, left-right
    mono                         1:1             squeezed to half its width
    top-bottom                   2:1             squeezed to half its height
    left-right                   2:1             squeezed to half its width
    any, and equirectangular     any             stretched: the picture covers the sphere whatever its shape
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

from atsal.errors import ConfigError, MediaError

StereoLayout = Literal["mono", "top-bottom", "left-right"]
StereoChoice = Literal["auto", "mono", "top-bottom", "left-right"]

ASPECT_TOLERANCE = 0.02  # encoders round sizes to multiples of 2, 8 or 16 pixels
MIN_VIEW_HEIGHT = 16
_SMALL_HEIGHT = 160  # most models work at more rows
_ASPECTS: dict[StereoLayout, float] = {"mono": 2.0, "top-bottom": 1.0, "left-right": 4.0}
_SQUEEZED_ASPECTS: dict[StereoLayout, float] = {"mono": 1.0, "top-bottom": 2.0, "left-right": 2.0}
_NARROWEST, _WIDEST = 0.5, 8.0  # width by height of a view that is stretched because the file states that it is 360°
_GRIDS = {"mono": (1, 1), "top-bottom": (1, 2), "left-right": (2, 1)}  # columns and rows of views


@dataclass(frozen=True)
class DisplayRotation:
    """How a picture is rotated or mirrored before it is shown.

    `filters` are FFmpeg's filters with their arguments. `swaps_sides` tells whether width and height are swapped.
    """

    filters: tuple[tuple[str, str | None], ...] = ()
    swaps_sides: bool = False
    description: str = ""


@dataclass(frozen=True)
class StatedLayout:
    """What a file states about its picture; None, False and zeros where it states nothing."""

    is_sphere: bool = False  # an equirectangular picture of the whole sphere
    stereo: StereoLayout | None = None
    left_is_second: bool = False  # the second view, below or to the right, is the left eye's
    pose_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)  # yaw, pitch, roll
    rotation: DisplayRotation = DisplayRotation()


@dataclass(frozen=True)
class View:
    """The left eye's view of a video or a photo.

    `crop` is (left, top, width, height) within the rotated picture. `size` is the 2:1 (width, height) that the crop is
    stretched to. `source` tells where the layout comes from. `notes` are sentences on how the picture is used.
    """

    stereo: StereoLayout
    source: Literal["option", "file", "shape"]
    rotation: DisplayRotation
    crop: tuple[int, int, int, int]
    size: tuple[int, int]
    notes: tuple[str, ...] = ()

    @property
    def source_text(self) -> str:
        """Where the layout comes from, as words that follow "top-bottom"."""
        return {"option": "as asked for", "file": "as the file says", "shape": "by its shape"}[self.source]

    def remarks(self) -> list[str]:
        """Return sentences on the view that matter less than `notes`."""
        width, height = self.size
        guess = (
            f"taken as one view (mono) by its shape {width}x{height}, since the file states no layout; if it holds two "
            "squeezed views, name their layout with --stereo"
        )
        found = [guess] if self.stereo == "mono" and self.source == "shape" else []
        if width != 2 * height:
            found.append(f"the view is {width}x{height}, not exactly 2:1")
        if height < _SMALL_HEIGHT:
            found.append(f"only {height} pixels high, lower than most models work at")
        return found


@dataclass(frozen=True)
class MediaInfo:
    """What videos and images have in common; sizes are in pixels.

    `view` is the view that is used. `remarks` are sentences for people; `notes` are those of them that tell how the
    picture is used and what may make its map wrong.
    """

    path: Path
    width: int  # as stored
    height: int
    view: View
    notes: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def stereo(self) -> StereoLayout:
        """The layout of the views."""
        return self.view.stereo

    @property
    def eye_size(self) -> tuple[int, int]:
        """(width, height) of the view that is used."""
        return self.view.size


def choose_view(
    path: Path, stored: tuple[int, int], pixel_aspect: Fraction, stated: StatedLayout, stereo: StereoChoice = "auto"
) -> View:
    """Choose the view of pictures that are stored as `stored`, (width, height), with pixels `pixel_aspect` wide.

    "auto" takes the layout that the file states or, if it states none, the one that fits the shape within 2 %. Raises
    ConfigError for an unknown `stereo`, and MediaError where the pictures have no shape of a 360° view, or the view is
    lower than 16 pixels.
    """
    if stereo not in get_args(StereoChoice):
        raise ConfigError(f"stereo is {stereo!r}; expected one of {', '.join(get_args(StereoChoice))}")
    width, height = stored[::-1] if stated.rotation.swaps_sides else stored
    pixel_aspect = 1 / pixel_aspect if stated.rotation.swaps_sides else pixel_aspect
    aspects = (float(width * pixel_aspect / height), width / height)  # as shown, and as stored
    known = stated.stereo if stereo == "auto" else stereo
    layout = known or _layout_of(aspects[0]) or _layout_of(aspects[1])
    columns, rows = _GRIDS[layout or "mono"]
    crop_width, crop_height = width // columns, height // rows
    stretches = stated.is_sphere and _NARROWEST <= crop_width / max(1, crop_height) <= _WIDEST
    if layout is None or not (stretches or _fits_layout(layout, aspects, squeezed=known is not None)):
        raise MediaError(_misfit_message(path, (width, height), pixel_aspect, stated, stereo))
    if crop_height < MIN_VIEW_HEIGHT:
        raise MediaError(
            f"{path}: one view is only {crop_width}x{crop_height} pixels; at least {2 * MIN_VIEW_HEIGHT}x"
            f"{MIN_VIEW_HEIGHT} are needed. Use the original instead of a thumbnail."
        )
    is_second = stated.left_is_second and stated.stereo == layout
    left, top = (crop_width * (columns - 1), crop_height * (rows - 1)) if is_second else (0, 0)
    view = View(
        layout,
        "option" if stereo != "auto" else "file" if stated.stereo else "shape",
        stated.rotation,
        (left, top, crop_width, crop_height),
        _stretched_size(crop_width, crop_height),
    )
    return replace(view, notes=tuple(_notes(view, (width, height), pixel_aspect, stated)))


def has_aspect(aspect: float, expected: float) -> bool:
    """Return whether width by height is as expected within 2 %."""
    return abs(aspect / expected - 1) <= ASPECT_TOLERANCE


def _layout_of(aspect: float) -> StereoLayout | None:
    return next((layout for layout, expected in _ASPECTS.items() if has_aspect(aspect, expected)), None)


def _fits_layout(layout: StereoLayout, aspects: tuple[float, float], *, squeezed: bool = False) -> bool:
    allowed = [_ASPECTS[layout], _SQUEEZED_ASPECTS[layout]] if squeezed else [_ASPECTS[layout]]
    return any(has_aspect(aspect, expected) for aspect in aspects for expected in allowed)


def _stretched_size(width: int, height: int) -> tuple[int, int]:
    """Return the size as it is stored where that is 2:1, else the smallest 2:1 size that loses no pixel."""
    if has_aspect(width / height, _ASPECTS["mono"]):
        return width, height
    rows = max(height, (width + 1) // 2)
    return 2 * rows, rows


def _notes(view: View, picture: tuple[int, int], pixel_aspect: Fraction, stated: StatedLayout) -> Iterator[str]:
    _, _, width, height = view.crop
    is_second = view.crop[:2] != (0, 0)
    if stated.rotation.description:
        yield f"{stated.rotation.description}, as its display matrix says"
    if view.stereo != "mono" and (view.source != "option" or is_second):
        shape = f" {picture[0]}x{picture[1]}" if view.source == "shape" else ""
        second = ", which is the second" * is_second
        yield f"taken as two views, {view.stereo}, {view.source_text}{shape}; the left is used{second}"
    if view.stereo != "mono" and view.source == "shape":
        yield f"its map means nothing if this is no 360° picture (if it is: --stereo {view.stereo})"
    if stated.stereo not in (None, view.stereo):
        yield f"the file says {stated.stereo}, but {view.stereo} was asked for"
    if view.size != (width, height):
        reason = f"; {_pixel_text(pixel_aspect)}" if pixel_aspect != 1 else f", being {view.stereo} {view.source_text}"
        yield f"the view is stored as {width}x{height} and stretched to {view.size[0]}x{view.size[1]}{reason}"
    elif pixel_aspect != 1:
        yield f"marked as having pixels of shape {pixel_aspect}, but stored as a 360° view and used as it is"
    aspects = (float(picture[0] * pixel_aspect / picture[1]), picture[0] / picture[1])
    if view.stereo == "left-right" and not stated.is_sphere and not _fits_layout(view.stereo, aspects):
        yield "the file does not say that it covers the whole sphere: if it is VR180, its map means nothing"
    if any(stated.pose_deg):
        yaw, pitch, roll = stated.pose_deg
        yield (
            f"says that it was turned by yaw {yaw:g}°, pitch {pitch:g}°, roll {roll:g}°; this is not applied, and "
            "directions are those in the picture"
        )


def _pixel_text(pixel_aspect: Fraction) -> str:
    return f"its pixels are {pixel_aspect} times as wide as high"


def _misfit_message(
    path: Path, picture: tuple[int, int], pixel_aspect: Fraction, stated: StatedLayout, stereo: StereoChoice
) -> str:
    aspect = picture[0] / picture[1]
    message = f"{path}: the picture is {picture[0]}x{picture[1]} ({aspect:.2f}:1)"
    if stereo == "auto":
        message += (
            ", which is not a 360° equirectangular view: expected 2:1 (mono), 1:1 (two views, top-bottom) or 4:1 (two "
            f"views, left-right), each within {ASPECT_TOLERANCE:.0%}. Export it as a full 360°x180° equirectangular "
            "picture, or scale it to 2:1 if it is one stored in another shape."
        )
    else:
        fitting = _layout_of(aspect)
        remedy = f"This size fits stereo={fitting!r}." if fitting else "No stereo layout fits this size."
        message += (
            f", but stereo={stereo!r} needs {_ASPECTS[stereo]:g}:1 within {ASPECT_TOLERANCE:.0%}, so that a view is "
            f"2:1. {remedy}"
        )
    if pixel_aspect != 1:
        message += f" Shown, it is {float(aspect * pixel_aspect):.2f}:1: {_pixel_text(pixel_aspect)}."
    if stereo == "auto" and stated.stereo:
        message += f" The file says that it is {stated.stereo}."
    return message

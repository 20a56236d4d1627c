"""A stimulus with its gaze over it, to see with one's own eyes whether a log was read the right way round.

A mirrored longitude or a flipped latitude shows in no statistics; it shows where fixations miss what people look at.
All pictures are (H, W, 3) uint8 RGB.
"""

import colorsys
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from atsal.errors import ConfigError, ShapeError
from atsal.gaze.directions import Floats, lonlat_from_vectors, unit_vectors
from atsal.gaze.records import Fixations, PlanarFixations
from atsal.untrusted.text import plural
from atsal.video.render import Picture, overlay, resize

Points = list[tuple[float, float]]  # (x, y) in pixels of the picture, its upper left corner at (0, 0)
Colour = tuple[int, int, int]

MOST_PATHS = 6  # more scanpaths in one picture cannot be told apart
_MOST_NUMBERS = 120
_FINE = 2  # drawn at twice the size and averaged, against jagged edges
_STEP_RAD = math.radians(1.0)  # of a scanpath's arc
_MERIDIANS, _PARALLELS = range(-180, 181, 45), range(-60, 61, 30)
_SIDES = {-90: " left", 90: " right"}
_EMPTY: Colour = (52, 56, 64)
_PAPER: Colour = (250, 250, 250)
_INK: Colour = (30, 30, 30)


def draw_item(
    picture: Picture | None,
    fixations: Fixations | PlanarFixations,
    saliency: NDArray[np.floating] | None = None,
    *,
    name: str,
    sigma_deg: float | None = None,
    events: Literal["fixations", "samples"] = "fixations",
    scanpaths: bool = False,
    width: int = 1280,
) -> Picture:
    """Draw the gaze on one stimulus over it, with a title and, on 360° items, a grid of longitudes and latitudes.

    Args:
        picture: (H, W, 3) uint8, ERP or flat photo; None where there is none: a plain one of 2:1.
        fixations: small discs, each observer in a colour of their own.
        saliency: (h, w) >= 0 of the same view, shown as colours that are the more opaque the higher the map.
        name: of the item, for the title.
        sigma_deg: of the saliency map, for the title.
        events: what `fixations` are, for the title: fixations, or samples that count as such.
        scanpaths: join the fixations of the first `MOST_PATHS` observers, in order, along great circles (on photos
            along straight lines), from pale to strong and numbered; the others are not shown. A ring marks the
            first fixation.
        width: of the picture in pixels; title and labels come on top.

    Raises `ShapeError` for a picture that is not (H, W, 3) uint8, for an ERP picture that is not about 2:1, and for a
    map that is not (h, w) or not finite; `ConfigError` for a width below 100.

    """
    flat = isinstance(fixations, PlanarFixations)
    shown = _checked(picture, width, flat=flat)
    if saliency is not None:
        shown = _with_saliency(shown, saliency, flat=flat)
    view = _View(shown.shape[1], shown.shape[0], flat)
    chosen = fixations.observers[:MOST_PATHS] if scanpaths else fixations.observers
    gaze = fixations.select(np.isin(fixations.observer, chosen))
    colours = dict(zip(chosen, observer_colours(len(chosen)), strict=True))
    layer = _Layer(view)
    if not flat:
        _draw_grid(layer)
    if scanpaths:
        _draw_scanpaths(layer, gaze, colours)
    else:
        _draw_discs(layer, gaze, colours, 5.0 if saliency is None else 3.0)
    title = _title(name, fixations, events, len(chosen) if scanpaths else None, sigma_deg)
    return _framed(layer.over(shown), view, title, colours if scanpaths else {})


def observer_colours(count: int) -> list[Colour]:
    """Colours that differ from their neighbours and stand out from most pictures."""
    golden = (math.sqrt(5) - 1) / 2
    shades = [(0.97 - 0.22 * (n % 3 == 1), 0.85 - 0.3 * (n % 3 == 2)) for n in range(count)]
    parts = [colorsys.hsv_to_rgb((0.52 + n * golden) % 1, s, v) for n, (v, s) in enumerate(shades)]
    return [(round(255 * r), round(255 * g), round(255 * b)) for r, g, b in parts]


def great_circle(start: Floats, end: Floats) -> Floats:
    """Unit vectors (N, 3) along the shorter great circle from `start` to `end` (3,), both included, 1° apart."""
    angle = math.atan2(float(np.linalg.norm(np.cross(start, end))), float(start @ end))
    across = end - (start @ end) * start
    if np.linalg.norm(across) < 1e-9:  # the same place, or opposite ones: any way round is as short
        across = np.cross(start, [1.0, 0, 0] if abs(start[0]) < 0.9 else [0, 1.0, 0])
    across = across / np.linalg.norm(across)
    steps = np.linspace(0, angle, max(2, math.ceil(angle / _STEP_RAD) + 1))[:, None]
    arc: Floats = np.cos(steps) * start + np.sin(steps) * across
    return arc


def erp_lines(arc: Floats, width: int) -> list[Points]:
    """Lines of (x, y) in an ERP picture that show unit vectors (N, 3); none of them crosses the frame.

    Where the arc leaves the frame at ±180°, its line is drawn to the border and goes on from the other one. Where it
    passes a pole, longitudes jump: the line ends there and goes on.
    """
    lon, lat = lonlat_from_vectors(arc)
    x, y = (lon / (2 * math.pi) + 0.5) * width, (0.5 - lat / math.pi) * width / 2
    lines: list[Points] = [[(float(x[0]), float(y[0]))]]
    for before, after in pairwise(zip(x.tolist(), y.tolist(), strict=True)):
        step = (after[0] - before[0] + width / 2) % width - width / 2  # the short way round
        if abs(step) > width / 4:
            lines.append([after])
        elif abs(after[0] - before[0]) > width / 2:
            border = width if before[0] > after[0] else 0
            share = (border - before[0]) / step if step else 0.0
            height = before[1] + (after[1] - before[1]) * share
            lines[-1].append((border, height))
            lines.append([(width - border, height), after])
        else:
            lines[-1].append(after)
    return lines


@dataclass(frozen=True)
class _View:
    """A picture's size, and where places are in it."""

    width: int
    height: int
    flat: bool

    def points(self, fixations: Fixations | PlanarFixations) -> Points:
        if isinstance(fixations, PlanarFixations):
            x, y = fixations.u * self.width, fixations.v * self.height
        else:
            x = (fixations.lon_rad / (2 * math.pi) + 0.5) * self.width
            y = (0.5 - fixations.lat_rad / math.pi) * self.height
        return list(zip(x.tolist(), y.tolist(), strict=True))

    def lines(self, fixations: Fixations | PlanarFixations) -> Iterator[list[Points]]:
        """From each fixation to the next."""
        if isinstance(fixations, PlanarFixations):
            yield from ([[before, after]] for before, after in pairwise(self.points(fixations)))
        else:
            vectors = unit_vectors(fixations.lon_rad, fixations.lat_rad)
            yield from (erp_lines(great_circle(before, after), self.width) for before, after in pairwise(vectors))


class _Layer:
    """A transparent sheet over a picture, drawn at `_FINE` times its size."""

    def __init__(self, view: _View) -> None:
        self.view = view
        self._image = Image.new("RGBA", (view.width * _FINE, view.height * _FINE), (128, 128, 128, 0))
        self._draw = ImageDraw.Draw(self._image)

    def line(self, points: Points, colour: Colour, alpha: float, thickness: float) -> None:
        fine = [(x * _FINE, y * _FINE) for x, y in points]
        self._draw.line(fine, (*colour, round(255 * alpha)), max(1, round(thickness * _FINE)), "curve")

    def disc(self, at: tuple[float, float], radius: float, colour: Colour, alpha: float = 1.0) -> None:
        for turn in (0,) if self.view.flat else (-self.view.width, 0, self.view.width):  # both sides of the border
            x, y = (at[0] + turn) * _FINE, at[1] * _FINE
            if -radius * _FINE < x < (self.view.width + radius) * _FINE:
                box = (x - radius * _FINE, y - radius * _FINE, x + radius * _FINE, y + radius * _FINE)
                self._draw.ellipse(box, (*colour, round(255 * alpha)))

    def text(self, at: tuple[float, float], text: str, size: float, colour: Colour) -> None:
        font = ImageFont.load_default(size * _FINE)
        self._draw.text((at[0] * _FINE, at[1] * _FINE), text, (*colour, 255), font, anchor="mm")

    def over(self, picture: Picture) -> Picture:
        layer = self._image.reduce(_FINE)
        return np.asarray(Image.alpha_composite(Image.fromarray(picture).convert("RGBA"), layer).convert("RGB"))


def _checked(picture: Picture | None, width: int, *, flat: bool) -> Picture:
    """The picture at `width`, or a plain one."""
    if width < 100:
        raise ConfigError(f"a drawing {width} pixels wide: expected at least 100")
    if picture is None:
        return np.full((width // 2, width, 3), _EMPTY, np.uint8)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ShapeError(f"a picture of shape {picture.shape}, {picture.dtype}; expected (H, W, 3) uint8")
    height = picture.shape[0] / picture.shape[1] * width
    if not flat and abs(height / width - 0.5) > 0.01:
        raise ShapeError(
            f"a picture of {picture.shape[1]}x{picture.shape[0]} pixels; expected an ERP picture, twice as wide as high"
        )
    return resize(picture, (width, max(1, round(height))))


def _with_saliency(picture: Picture, saliency: NDArray[np.floating], *, flat: bool) -> Picture:
    if saliency.ndim != 2 or not np.isfinite(saliency).all():
        raise ShapeError(f"a saliency map of shape {saliency.shape}; expected (h, w), finite")
    saliency = saliency.astype(np.float32)
    if flat:  # to its size here: `overlay` would join the left and the right border
        image = Image.fromarray(saliency)
        saliency = np.asarray(image.resize((picture.shape[1], picture.shape[0]), Image.Resampling.BILINEAR))
    shown = overlay(picture, saliency, float(saliency.max()))
    return ((picture + 2 * shown.astype(np.uint16)) // 3).astype(np.uint8)  # what is looked at must be seen too


def _draw_grid(layer: _Layer) -> None:
    width, height = layer.view.width, layer.view.height
    for degrees in _MERIDIANS:
        x = (degrees / 360 + 0.5) * width
        layer.line([(x, 0), (x, height)], (255, 255, 255), 0.55 if degrees == 0 else 0.25, 1)
    for degrees in _PARALLELS:
        y = (0.5 - degrees / 180) * height
        layer.line([(0, y), (width, y)], (255, 255, 255), 0.55 if degrees == 0 else 0.25, 1)


def _draw_discs(layer: _Layer, gaze: Fixations | PlanarFixations, colours: dict[str, Colour], largest: float) -> None:
    """The more there are, the smaller and the paler: the map and the picture must be seen through them."""
    radius = layer.view.width / 1280 * float(np.clip(70 / math.sqrt(max(len(gaze), 1)), 1.5, largest))
    points, alpha = layer.view.points(gaze), float(np.clip(30 / math.sqrt(max(len(gaze), 1)), 0.3, 0.9))
    # by turns, so that the last observer does not cover the others
    order = np.random.default_rng(0).permutation(len(points))
    for n in order.tolist():
        if radius > 2:
            layer.disc(points[n], radius + 1, _INK, 0.8)
        layer.disc(points[n], radius, colours[str(gaze.observer[n])], alpha)


def _draw_scanpaths(layer: _Layer, gaze: Fixations | PlanarFixations, colours: dict[str, Colour]) -> None:
    """Lines first, numbered discs over them, the first of a path in a ring."""
    scale, numbered = layer.view.width / 1280, len(gaze) <= _MOST_NUMBERS
    radius = (8.0 if numbered else 4.0) * scale
    paths = [(colours[name], gaze.select(gaze.observer == name)) for name in gaze.observers]
    for colour, path in paths:
        strengths = np.linspace(0.4, 1, max(1, len(path) - 1))
        for strength, lines in zip(strengths, layer.view.lines(path), strict=False):
            for line in lines:
                layer.line(line, _INK, 0.3, 4 * scale)  # a rim tells crossing lines apart
                layer.line(line, colour, float(strength), 2.2 * scale)
    for colour, path in paths:
        for number, point in enumerate(layer.view.points(path), 1):
            if number == 1:
                layer.disc(point, radius + 4 * scale, (255, 255, 255))
            layer.disc(point, radius + 1 * scale, _INK)
            layer.disc(point, radius, colour)
            if numbered:
                layer.text(point, str(number), 10 * scale, _INK)


def _title(
    name: str, fixations: Fixations | PlanarFixations, events: str, paths: int | None, sigma_deg: float | None
) -> str:
    observers = len(fixations.observers)
    parts = [name, f"{plural(len(fixations), events.removesuffix('s'))} of {plural(observers, 'observer')}"]
    if paths is not None:
        parts.append(f"scanpaths of {'all' if paths == observers else f'the first {paths}'}")
    if sigma_deg is not None:
        parts.append(f"sigma {sigma_deg:g}°")  # the font that comes with Pillow has no Greek
    return "  ·  ".join(parts)


def _framed(picture: Picture, view: _View, title: str, colours: dict[str, Colour]) -> Picture:
    """Title above, with the observers' colours; on 360° items, latitudes to the left and longitudes below."""
    size = max(10.0, view.width / 80)
    top, left, below = round(2.2 * size), (0, 0)[view.flat], 0
    if not view.flat:
        left, below = round(3.6 * size), round(1.8 * size)
    page = Image.new("RGB", (left + view.width + (left // 2), top + view.height + below), _PAPER)
    page.paste(Image.fromarray(picture), (left, top))
    draw = ImageDraw.Draw(page)
    _write_title(draw, (left + size / 2, top / 2, view.width - size), 1.2 * size, title, colours)
    if not view.flat:
        _write_degrees(draw, view, (left, top), size)
    return np.asarray(page)


def _write_title(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float, float],
    size: float,
    title: str,
    colours: dict[str, Colour],
) -> None:
    """Write the title, smaller if it is too long for the width, and as many observers as there is room for."""
    x, y, width = at
    most, end = width * (0.6 if colours else 1), x + width
    font = ImageFont.load_default(size)
    font = ImageFont.load_default(max(1.0, size * min(1.0, most / max(font.getlength(title), 1))))
    draw.text((x, y), title, _INK, font, "lm")
    x += font.getlength(title) + 1.5 * size
    for name, colour in colours.items():
        after = x + size + font.getlength(name)
        if after > end:
            break
        draw.ellipse((x, y - size / 3, x + size / 1.5, y + size / 3), colour, _INK)
        draw.text((x + size, y), name, _INK, font, "lm")
        x = after + size


def _write_degrees(draw: ImageDraw.ImageDraw, view: _View, corner: tuple[int, int], size: float) -> None:
    """Label the grid of a picture whose upper left corner is at `corner`."""
    font = ImageFont.load_default(size)
    for degrees in _MERIDIANS:
        x, y = corner[0] + (degrees / 360 + 0.5) * view.width, corner[1] + view.height + 0.9 * size
        draw.text((x, y), _degrees(degrees) + _SIDES.get(degrees, ""), _INK, font, "mm")
    for degrees in (90, *_PARALLELS, -90):
        y = corner[1] + (0.5 - degrees / 180) * view.height
        draw.text((corner[0] - size / 3, y), _degrees(degrees), _INK, font, {90: "rt", -90: "rb"}.get(degrees, "rm"))


def _degrees(degrees: int) -> str:
    return f"{degrees:+d}°" if degrees else "0°"

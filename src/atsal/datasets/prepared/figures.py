"""Draw an item with its gaze, to see whether a log was read correctly.

A mirrored longitude or a flipped latitude is invisible in statistics. In a drawing, fixations miss what people look at.
All pictures are (H, W, 3) uint8 RGB. Drawing needs matplotlib.
"""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from atsal.datasets.prepared.prepared_set import PreparedSet
from atsal.errors import ConfigError, MissingDependencyError, ShapeError, install_hint
from atsal.gaze.directions import Floats, lonlat_from_vectors, unit_vectors
from atsal.gaze.records import Fixations, PlanarFixations
from atsal.video.render import Picture, colour_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Gaze = Fixations | PlanarFixations

DPI = 100
MOST_PATHS = 6  # more scanpaths in one picture cannot be told apart
_MOST_NUMBERS = 120
_STEP_RAD = math.radians(1.0)  # of a scanpath's arc
_OPACITY = 0.5  # of the saliency map at its peak
_SIDES = {-90: " left", 90: " right"}
_INK = "#1e1e1e"


def draw_prepared_item(
    prepared: PreparedSet, item: str, *, frame_index: int | None = None, scanpaths: bool = False
) -> Picture:
    """Draw the gaze on an item over its stimulus and its saliency map.

    With `frame_index`, draw the gaze of the window of that frame over that frame; without, all gaze over the middle of
    a video. Without a stimulus the background is plain. Raises `DataError` for a frame past the end.
    """
    fixations, stimulus = prepared.fixations(item), prepared.stimulus(item)
    window = None if frame_index is None else prepared.window_at(item, frame_index)
    if window is not None and isinstance(fixations, Fixations):
        fixations = fixations.in_frames(window.first_frame, window.last_frame)
    shown_frame = (stimulus.frames or 1) // 2 if frame_index is None else frame_index
    return draw_item(
        None if stimulus.kind is None else prepared.picture(item, shown_frame),
        fixations,
        prepared.saliency_map(item, window, erp_height=256),
        name=item if frame_index is None else f"{item}, frame {frame_index}",
        sigma_deg=prepared.preparation.sigma_deg,
        events="samples" if prepared.preparation.events == "samples" else "fixations",
        scanpaths=scanpaths,
    )


def draw_item(
    picture: Picture | None,
    fixations: Gaze,
    saliency: NDArray[np.floating] | None = None,
    *,
    name: str,
    sigma_deg: float | None = None,
    events: Literal["fixations", "samples"] = "fixations",
    scanpaths: bool = False,
    width: int = 1280,
) -> Picture:
    """Draw gaze over its stimulus, with a title and, on 360° items, a grid of longitudes and latitudes.

    Args:
        picture: (H, W, 3) uint8, ERP or flat photo; None for a plain background of 2:1.
        fixations: drawn as discs, in one colour for each observer.
        saliency: (h, w) >= 0 of the same view, drawn in colours that are the more opaque the higher the map.
        name: of the item, for the title.
        sigma_deg: of the saliency map, for the title.
        events: what `fixations` are, for the title.
        scanpaths: join the fixations of the first `MOST_PATHS` observers along great circles (on photos along straight
            lines), from pale to strong, numbered, with a ring around the first; leave out the other observers.
        width: of the picture in pixels, without the margins for title and labels.

    Raises `ShapeError` for a picture that is not (H, W, 3) uint8, an ERP picture that is not about 2:1, and a map that
    is not (h, w) or not finite; `ConfigError` for a width below 100; `MissingDependencyError` without matplotlib.

    """
    flat = isinstance(fixations, PlanarFixations)
    height = _check_picture(picture, width, flat=flat)
    if saliency is not None and (saliency.ndim != 2 or not np.isfinite(saliency).all()):
        raise ShapeError(f"a saliency map of shape {saliency.shape}; expected (h, w), finite")
    figure, axes = _make_axes(width, height, flat=flat)
    observers = fixations.observers[:MOST_PATHS] if scanpaths else fixations.observers
    colours = dict(zip(observers, observer_colours(len(observers)), strict=True))
    gaze = fixations.select(np.isin(fixations.observer, observers))
    extent = (0, 1, 1, 0) if flat else (-180, 180, -90, 90)
    if picture is not None:
        axes.imshow(picture, extent=extent, aspect="auto", interpolation="bilinear")
    if saliency is not None and saliency.max() > 0:
        level = saliency / saliency.max()
        colours_of = {"cmap": saliency_colours(), "vmin": 0, "vmax": 1}
        axes.imshow(level, alpha=_OPACITY * level, extent=extent, aspect="auto", **colours_of)
    scale = width / 1280
    if scanpaths:
        _draw_scanpaths(axes, gaze, colours, scale)
    else:
        _draw_discs(axes, gaze, colours, scale, largest=5.0 if saliency is None else 3.0)
    axes.set_xlim(extent[:2])
    axes.set_ylim(extent[2:])
    parts = [name, f"{len(fixations)} {events} of {len(fixations.observers)} observers"]
    if scanpaths:
        all_drawn = len(observers) == len(fixations.observers)
        parts.append(f"scanpaths of {'all' if all_drawn else f'the first {len(observers)}'}")
    parts += [] if sigma_deg is None else [f"σ {sigma_deg:g}°"]
    _write_title(figure, "  ·  ".join(parts), colours if scanpaths else {}, width)
    return render(figure)


def make_figure(width: float, height: float) -> "Figure":
    """Return an empty figure of a size in pixels. Raises `MissingDependencyError` without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - an extra
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError(f"drawing needs matplotlib: {install_hint('data')}") from error
    figure = Figure((width / DPI, height / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)  # without pyplot, which would change the state of the program
    return figure


def render(figure: "Figure") -> Picture:
    """Return a figure as a picture."""
    canvas: Any = figure.canvas
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def saliency_colours() -> Any:
    """Return a colour map of matplotlib that differs from the colours of observers: evenly lighter, without green."""
    from matplotlib.colors import ListedColormap  # noqa: PLC0415

    return ListedColormap(colour_table("inferno") / 255.0)


def label_degrees(limit: int, step: int, names: Mapping[int, str] | None = None) -> tuple[list[int], list[str]]:
    """Return ticks from `-limit` to `limit` and their labels, with the `names` of some ticks behind them."""
    ticks = list(range(-limit, limit + 1, step))
    return ticks, [(f"{tick:+d}°" if tick else "0°") + (names or {}).get(tick, "") for tick in ticks]


def observer_colours(count: int) -> Floats:
    """Return colours (count, 3) in [0, 1] that differ from their neighbours and stand out from most pictures."""
    from matplotlib.colors import hsv_to_rgb  # noqa: PLC0415

    n, golden_ratio = np.arange(count), (math.sqrt(5) - 1) / 2
    hsv = [(0.52 + n * golden_ratio) % 1, 0.85 - 0.3 * (n % 3 == 2), 0.97 - 0.22 * (n % 3 == 1)]
    return np.asarray(hsv_to_rgb(np.stack(hsv, -1)))


def great_circle(start: Floats, end: Floats) -> Floats:
    """Return unit vectors (N, 3) along the shorter great circle from `start` to `end` (3,), inclusive, 1° apart."""
    angle = math.atan2(float(np.linalg.norm(np.cross(start, end))), float(start @ end))
    across = end - (start @ end) * start
    if np.linalg.norm(across) < 1e-9:  # the same place, or opposite ones: all great circles are as short
        across = np.cross(start, [1.0, 0, 0] if abs(start[0]) < 0.9 else [0, 1.0, 0])
    across = across / np.linalg.norm(across)
    steps = np.linspace(0, angle, max(2, math.ceil(angle / _STEP_RAD) + 1))[:, None]
    arc: Floats = np.cos(steps) * start + np.sin(steps) * across
    return arc


def unwrapped_lines(arc: Floats) -> list[Floats]:
    """Return lines (N, 2) of longitudes and latitudes in degrees that show unit vectors (M, 3).

    Longitudes run on past ±180°, so that a line crosses the border of the frame without a jump. A line ends where the
    arc passes a pole, and another one begins.
    """
    lon, lat = np.rad2deg(lonlat_from_vectors(arc))
    lon = np.unwrap(lon, period=360)
    jumps = np.flatnonzero(np.abs(np.diff(lon)) > 90) + 1
    return np.split(np.stack([lon, lat], 1), jumps)


def _check_picture(picture: Picture | None, width: int, *, flat: bool) -> int:
    """Return the height of the drawing in pixels."""
    if width < 100:
        raise ConfigError(f"a drawing {width} pixels wide: expected at least 100")
    if picture is None:
        return width // 2
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ShapeError(f"a picture of shape {picture.shape}, {picture.dtype}; expected (H, W, 3) uint8")
    ratio: float = picture.shape[0] / picture.shape[1]
    if not flat and abs(ratio - 0.5) > 0.01:
        raise ShapeError(
            f"a picture of {picture.shape[1]}x{picture.shape[0]} pixels; expected an ERP picture, twice as wide as high"
        )
    return max(1, round(ratio * width))


def _make_axes(width: int, height: int, *, flat: bool) -> "tuple[Figure, Axes]":
    """Return a figure and axes of a size in pixels, with margins for title and labels; labels on 360° items only."""
    size = max(10.0, width / 80)  # of the text, in pixels
    top, left, right, below = round(2.2 * size), 0, 0, 0
    if not flat:
        left, right, below = round(3.6 * size), round(1.8 * size), round(1.8 * size)
    page = left + width + right, top + height + below
    figure = make_figure(*page)
    axes = figure.add_axes((left / page[0], below / page[1], width / page[0], height / page[1]), facecolor="#343840")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=size * 72 / DPI, pad=0.2 * size, colors=_INK)
    axes.set_xticks([])
    axes.set_yticks([])
    if not flat:
        axes.set_xticks(*label_degrees(180, 45, _SIDES))
        axes.set_yticks(*label_degrees(90, 30))
        axes.get_yticklabels()[0].set_verticalalignment("bottom")  # away from the longitudes
        axes.get_yticklabels()[-1].set_verticalalignment("top")
        axes.grid(color="white", alpha=0.25, linewidth=72 / DPI)
        axes.axhline(0, color="white", alpha=0.4, linewidth=72 / DPI)
        axes.axvline(0, color="white", alpha=0.4, linewidth=72 / DPI)
    return figure, axes


def _points(gaze: Gaze) -> Floats:
    """Return (N, 2) positions in the coordinates of the axes."""
    if isinstance(gaze, PlanarFixations):
        return np.stack([gaze.u, gaze.v], 1)
    return np.rad2deg(np.stack([gaze.lon_rad, gaze.lat_rad], 1))


def _copies(points: Floats, gaze: Gaze) -> Iterator[Floats]:
    """Yield positions as they are and, on 360° items, one turn to either side: the axes cut off what is outside."""
    for turn in (0,) if isinstance(gaze, PlanarFixations) else (-360, 0, 360):
        yield np.add(points, (turn, 0))


def _draw_discs(axes: "Axes", gaze: Gaze, colours: Mapping[str, Floats], scale: float, *, largest: float) -> None:
    """Draw the fixations: the more there are, the smaller and the paler, so that map and picture stay visible."""
    if not len(gaze):
        return
    radius = scale * float(np.clip(70 / math.sqrt(len(gaze)), 1.5, largest))
    order = np.random.default_rng(0).permutation(len(gaze))  # so that the last observer does not cover the others
    colour = np.array([colours[name] for name in gaze.observer.tolist()])[order]
    style: dict[str, Any] = {"edgecolors": _INK, "linewidths": 72 / DPI} if radius > 2 else {"linewidths": 0}
    style |= {"s": _disc_area(radius), "c": colour, "zorder": 3}
    alpha = float(np.clip(20 / math.sqrt(len(gaze)), 0.15, 0.9))
    for points in _copies(_points(gaze)[order], gaze):
        axes.scatter(points[:, 0], points[:, 1], alpha=alpha, **style)


def _draw_scanpaths(axes: "Axes", gaze: Gaze, colours: Mapping[str, Floats], scale: float) -> None:
    """Draw all lines, then numbered discs over them, the first of a path in a ring."""
    from matplotlib.collections import LineCollection  # noqa: PLC0415

    numbered, pixel = len(gaze) <= _MOST_NUMBERS, scale * 72 / DPI
    radius = (8.0 if numbered else 4.0) * scale
    for name, colour in colours.items():
        path = gaze.select(gaze.observer == name)
        points, strengths = _points(path), np.linspace(0.4, 1, max(1, len(path) - 1))
        lines: list[Floats] = []
        shades: list[Any] = []
        for number, strength in enumerate(strengths[: len(path) - 1]):
            straight = [points[number : number + 2]]
            if isinstance(path, Fixations):
                vectors = unit_vectors(path.lon_rad[number : number + 2], path.lat_rad[number : number + 2])
                straight = unwrapped_lines(great_circle(*vectors))
            lines += [copy for line in straight for copy in _copies(line, path)]
            shades += [(*colour, strength)] * (len(lines) - len(shades))
        axes.add_collection(LineCollection(lines, colors=_INK, alpha=0.3, linewidths=4 * pixel, zorder=3))
        axes.add_collection(LineCollection(lines, colors=shades, linewidths=2.2 * pixel, zorder=3))
        rim: dict[str, Any] = {"edgecolors": _INK, "linewidths": pixel, "zorder": 4}
        label: dict[str, Any] = {"ha": "center", "va": "center_baseline", "clip_on": True, "zorder": 4}
        for copy in _copies(points, path):
            axes.scatter(copy[:1, 0], copy[:1, 1], s=_disc_area(radius + 4 * scale), color="white", zorder=4)
            axes.scatter(copy[:, 0], copy[:, 1], s=_disc_area(radius), color=[colour], **rim)
            for number, (x, y) in enumerate(copy.tolist() if numbered else (), 1):
                axes.text(x, y, str(number), fontsize=10 * pixel, color=_INK, **label)


def _disc_area(radius: float) -> float:
    """Return the size of a marker, in square points, of a radius in pixels."""
    return (2 * radius * 72 / DPI) ** 2


def _write_title(figure: "Figure", title: str, colours: Mapping[str, Floats], width: int) -> None:
    """Write the title, smaller if it is too long, and the names of the observers as far as there is room."""
    size, page = max(10.0, width / 80), figure.bbox  # all in pixels
    y = page.height - 1.1 * size
    style: dict[str, Any] = {"va": "center", "parse_math": False, "transform": None}
    left, room = figure.axes[0].bbox.x0 + size / 2, width - size
    text = figure.text(left, y, title, fontsize=1.2 * size * 72 / DPI, color=_INK, **style)
    shrink = room * (0.6 if colours else 1) / text.get_window_extent().width
    text.set_fontsize(1.2 * size * 72 / DPI * min(1.0, shrink))
    for name, colour in colours.items():
        x = text.get_window_extent().x1 + size
        text = figure.text(x, y, f"● {name}", fontsize=size * 72 / DPI, color=colour, **style)
        if text.get_window_extent().x1 > left + room:
            text.remove()
            break

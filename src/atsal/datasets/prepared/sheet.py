"""One page about a whole data set: how much gaze there is, where it lies, what was left out, what looks wrong."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from atsal.datasets.dataset import Dataset
from atsal.datasets.prepared.statistics import CELL_ROWS, SetStatistics
from atsal.errors import MissingDependencyError, install_hint
from atsal.gaze.directions import Floats
from atsal.gaze.records import Integers
from atsal.projection import SphericalGaussian
from atsal.projection.sphere import solid_angle_weights
from atsal.video.render import COLOURS, Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (1600, 1200)  # pixels
_DPI = 100
_MARGINS = {"left": 0.045, "right": 0.98, "top": 0.865, "bottom": 0.025}
_SMOOTH_DEG = 3.0
_BLUE, _ORANGE, _GREY, _RED = "#2b6ca3", "#e07b39", "#8a8f98", "#b3261e"
_CELL_DEG = 180 / CELL_ROWS
_MOST_NAMES = 40
_MOST_REASONS = 5
_MOST_RATES = 8
_MOST_TEXT = 10  # lines of warnings


def draw_sheet(statistics: SetStatistics, declaration: Dataset, warnings: Sequence[str]) -> Picture:
    """Draw the page, (1200, 1600, 3) uint8 RGB; `warnings` are those of `atsal.datasets.prepared.checks`.

    Raises `MissingDependencyError` without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError(f"drawing a sheet needs matplotlib: {install_hint('data')}") from error
    figure = Figure((SIZE[0] / _DPI, SIZE[1] / _DPI), dpi=_DPI, facecolor="white")
    canvas: Any = FigureCanvasAgg(figure)  # it has no types
    _head(figure, statistics, declaration)
    grid = figure.add_gridspec(4, 24, height_ratios=(1.6, 1.6, 1.0, 1.3), hspace=0.48, wspace=1.0, **_MARGINS)
    _coverage(figure.add_subplot(grid[:2, :16]), statistics)
    _rows(figure.add_subplot(grid[0, 17:]), statistics)
    _columns(figure.add_subplot(grid[1, 17:]), statistics)
    _items(figure.add_subplot(grid[2, :16]), statistics)
    _rates(figure.add_subplot(grid[2, 17:]), statistics)
    _drops(figure.add_subplot(grid[3, :8]), statistics)
    _warnings(figure.add_subplot(grid[3, 8:]), warnings)
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def _head(figure: "Figure", statistics: SetStatistics, declaration: Dataset) -> None:
    facts = [
        f"{_of(len(statistics.items), declaration.items)} {declaration.holds}",
        f"{len(statistics.observers)} observers (declared: {declaration.observers})",
        f"{statistics.total('fixations'):,} fixations",
        f"{statistics.total('samples'):,} samples" + _percent(", {} lost", statistics.lost_share),
        f"{statistics.total('dropped'):,} rows left out" + _percent(" ({})", statistics.dropped_share),
    ]
    declared = f"declared sampling: {declaration.sampling}   ·   licence: {declaration.licence}   ·   {declaration.url}"
    figure.text(0.045, 0.957, declaration.title, fontsize=20, weight="bold", parse_math=False)
    figure.text(0.045, 0.932, "   ·   ".join(facts), fontsize=11, color="#222222", parse_math=False)
    figure.text(0.045, 0.911, _short(declared, 210), fontsize=9, color=_GREY, parse_math=False)


def _coverage(axes: "Axes", statistics: SetStatistics) -> None:
    """All gaze of the set, and where observers started."""
    from matplotlib.colors import ListedColormap, PowerNorm  # noqa: PLC0415

    density, extent, label = _density(statistics), (-180, 180, -90, 90), "density; 1: gaze spread evenly"
    if statistics.flat:
        density, extent, label = statistics.gaze.astype(np.float64), (0, 1, 1, 0), "fixations in a cell"
    norm = PowerNorm(0.5, 0, max(float(density.max()), 1))  # a root, so that sparse gaze is seen
    image = axes.imshow(
        density, cmap=ListedColormap(COLOURS / 255.0), norm=norm, extent=extent, aspect="auto", interpolation="bilinear"
    )
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.018, pad=0.01)
    bar.set_label(label, fontsize=8.5)
    bar.ax.tick_params(labelsize=8)
    if statistics.flat:
        _title(axes, "all fixations, the photos laid over one another", "u, to the right", "v, down")
        return
    _title(axes, f"where all gaze lies (smoothed by {_SMOOTH_DEG:g}°); circles: where observers started")
    axes.set_xticks(*_degrees(180, 45))
    axes.set_yticks(*_degrees(90, 30))
    axes.grid(color="white", alpha=0.25, linewidth=0.6)
    rows, columns = np.nonzero(statistics.starts)
    sizes = 15 + 250 * statistics.starts[rows, columns] / max(int(statistics.starts.max()), 1)
    lon, lat = (columns + 0.5) * _CELL_DEG - 180, 90 - (rows + 0.5) * _CELL_DEG
    axes.scatter(lon, lat, sizes, facecolors="none", edgecolors="#7fd4ff", linewidths=1.0, alpha=0.9)


def _rows(axes: "Axes", statistics: SetStatistics) -> None:
    """Latitudes (rows of photos), with what evenly spread gaze would give."""
    at, size = 90 - (np.arange(CELL_ROWS) + 0.5) * _CELL_DEG, _CELL_DEG
    even = solid_angle_weights(CELL_ROWS).numpy()[:, 0] * 2 * CELL_ROWS / (4 * math.pi)
    if statistics.flat:
        at, size, even = 0.5 - at / 180, 1 / CELL_ROWS, np.full(CELL_ROWS, 1 / CELL_ROWS)
        _title(axes, "v", "% of the fixations in a 60th of the height", "down")
        axes.set_ylim(1, 0)
    else:
        mean = statistics.mean_latitude_deg()
        _title(
            axes, "latitude" + ("" if math.isnan(mean) else f" (mean {round(mean, 1) + 0.0:+.1f}°)"), "% of the gaze"
        )
        axes.set_ylim(-90, 90)
        axes.set_yticks(*_degrees(90, 30))
    axes.barh(at, _share(statistics.gaze.sum(1)) * 100, height=size, color=_BLUE)
    axes.plot(even * 100, at, color=_ORANGE, linewidth=1.5, linestyle="--", label="spread evenly")
    axes.legend(frameon=False, fontsize=8.5, loc="upper right")


def _columns(axes: "Axes", statistics: SetStatistics) -> None:
    """Longitudes (columns of photos), with what evenly spread gaze would give."""
    at, size = (np.arange(2 * CELL_ROWS) + 0.5) * _CELL_DEG - 180, _CELL_DEG
    if statistics.flat:
        at, size = at / 360 + 0.5, 0.5 / CELL_ROWS
        _title(axes, "u", "to the right", "% in a 120th of the width")
        axes.set_xlim(0, 1)
    else:
        _title(axes, "longitude", "", "% of the gaze")
        axes.set_xlim(-180, 180)
        axes.set_xticks(*_degrees(180, 90))
    axes.bar(at, _share(statistics.gaze.sum(0)) * 100, width=size, color=_BLUE)
    axes.axhline(50 / CELL_ROWS, color=_ORANGE, linewidth=1.5, linestyle="--")


def _items(axes: "Axes", statistics: SetStatistics) -> None:
    """How much gaze each item has, and of how many observers."""
    counts = list(statistics.items.values())
    what = "fixations" if statistics.total("fixations") else "valid_samples"
    at = np.arange(len(counts)) + 1
    _title(axes, f"{what.replace('_', ' ')} (bars) and observers (dots) of each item")
    axes.bar(at, [getattr(count, what) for count in counts], width=0.85 if len(at) < 100 else 1, color=_BLUE)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    if len(counts) <= _MOST_NAMES:
        names = [_short(name, 14) for name in statistics.items]
        long = max(map(len, names), default=0) > 4
        axes.set_xticks(at, names, rotation=25 if long else 0, ha="right" if long else "center", fontsize=8)
    axes.set_xlim(0.3, max(len(at), 1) + 0.7)
    right = axes.twinx()
    right.plot(at, [count.observers for count in counts], "o", color=_ORANGE, markersize=4 if len(at) < 100 else 2)
    right.set_ylim(0, 1.15 * max([1, *(count.observers for count in counts)]))
    right.tick_params(labelsize=8.5, colors=_ORANGE)
    right.spines[:].set_visible(False)


def _rates(axes: "Axes", statistics: SetStatistics) -> None:
    """Sampling rates of the logs."""
    rates = statistics.rates_hz
    _title(axes, "sampling rate of the logs", "Hz", "logs")
    if not rates:
        axes.text(0.5, 0.5, "no times of samples", ha="center", color=_GREY, transform=axes.transAxes)
        axes.set_axis_off()
    elif len(rates) <= _MOST_RATES:
        at = np.arange(len(rates))
        axes.bar(at, [rates[rate] for rate in sorted(rates)], width=0.6, color=_BLUE)
        axes.set_xticks(at, [f"{rate:g}" for rate in sorted(rates)])
        axes.set_xlim(-1, len(rates))
    else:
        axes.hist(list(rates), bins=30, weights=list(rates.values()), color=_BLUE)


def _drops(axes: "Axes", statistics: SetStatistics) -> None:
    """Rows left out, by reason, the most frequent first."""
    _title(axes, "rows left out, by reason")
    axes.set_axis_off()
    drops = _largest(statistics.drops)
    if not drops:
        axes.text(0, 0.97, "none", fontsize=9.5, va="top", transform=axes.transAxes)
        return
    at = np.arange(len(drops))
    axes.barh(at, list(drops.values()), height=0.4, color=_ORANGE)
    for row, (reason, count) in enumerate(drops.items()):
        text = f"{count:,}  {_short(reason, 62)}"
        axes.text(0, row - 0.27, text, fontsize=8, va="bottom", parse_math=False)
    axes.set_ylim(max(len(drops), 3) - 0.5, -0.8)


def _warnings(axes: "Axes", warnings: Sequence[str]) -> None:
    axes.set_axis_off()
    _title(axes, "what looks wrong", colour=_RED if warnings else "black")
    lines = [
        line for text in warnings for line in textwrap.wrap(text, 128, initial_indent="• ", subsequent_indent="   ")
    ]
    if len(lines) > _MOST_TEXT:
        lines = [*lines[: _MOST_TEXT - 1], f"… and {len(lines) - _MOST_TEXT + 1} lines more"]
    text = "\n".join(lines) or "nothing; a mirrored longitude does not show here: look at the drawings of the items"
    axes.text(0, 0.97, text, fontsize=9, va="top", linespacing=1.4, transform=axes.transAxes, parse_math=False)


def _title(axes: "Axes", title: str, x: str = "", y: str = "", *, colour: str = "black") -> None:
    axes.set_title(title, fontsize=11, weight="bold", loc="left", color=colour)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8.5)
    axes.spines[["top", "right"]].set_visible(False)


def _degrees(limit: int, step: int) -> tuple[list[int], list[str]]:
    """Ticks and their labels."""
    ticks = list(range(-limit, limit + 1, step))
    return ticks, [f"{tick:+d}°" if tick else "0°" for tick in ticks]


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _density(statistics: SetStatistics) -> Floats:
    """Gaze over solid angle, smoothed on the sphere, (60, 120); 1 where gaze is as dense as if spread evenly."""
    even = solid_angle_weights(CELL_ROWS).numpy() / (4 * math.pi)
    relative = torch.from_numpy(_share(statistics.gaze) / even)
    density: Floats = SphericalGaussian(CELL_ROWS, _SMOOTH_DEG)(relative[None, None])[0, 0].numpy()
    return density


def _share(counts: Integers) -> Floats:
    return counts / max(int(counts.sum()), 1)


def _largest(drops: Mapping[str, int]) -> dict[str, int]:
    """The most frequent reasons; the others as one."""
    ordered = sorted(drops.items(), key=lambda drop: -drop[1])
    shown = dict(ordered[:_MOST_REASONS])
    if len(ordered) > _MOST_REASONS:
        shown[f"{len(ordered) - _MOST_REASONS} other reasons"] = sum(count for _, count in ordered[_MOST_REASONS:])
    return shown


def _percent(form: str, share: float) -> str:
    return "" if math.isnan(share) else form.format(f"{share:.1%}")


def _of(found: int, declared: int) -> str:
    return f"{found} of {declared}" if declared else str(found)

"""Draw one page about a whole data set: how much gaze there is and where, dropped rows, warnings."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from atsal.datasets.dataset import Dataset
from atsal.datasets.prepared.checks import statistics_warnings
from atsal.datasets.prepared.figures import label_degrees, make_figure, render, saliency_colours
from atsal.datasets.prepared.prepared_set import PreparedSet
from atsal.datasets.prepared.statistics import CELL_ROWS, SetStatistics
from atsal.gaze.directions import Floats, Integers
from atsal.projection import SphericalGaussian
from atsal.projection.sphere import solid_angle_weights
from atsal.video.render import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (1600, 1200)  # pixels
_SMOOTH_DEG = 3.0
_BLUE, _ORANGE, _GREY, _RED = "#2b6ca3", "#e07b39", "#8a8f98", "#b3261e"
_CELL_DEG = 180 / CELL_ROWS
_MOST_NAMES = 40
_MOST_REASONS = 5
_MOST_RATES = 8
_MOST_LINES = 10  # of warnings


def draw_set(prepared: PreparedSet) -> Picture:
    """Draw the page of a prepared set, (1200, 1600, 3) uint8. Raises `MissingDependencyError` without matplotlib."""
    statistics = prepared.statistics()
    dataset = replace(prepared.dataset, title=set_title(prepared))
    return draw_sheet(statistics, dataset, statistics_warnings(statistics, dataset))


def set_title(prepared: PreparedSet) -> str:
    """Return the name of a published set; for data of one's own, the name of the prepared folder and what it holds."""
    dataset = prepared.dataset
    return dataset.title if dataset.items else f"{prepared.folder.resolve().name}: {dataset.title}"


def draw_sheet(statistics: SetStatistics, dataset: Dataset, warnings: Sequence[str]) -> Picture:
    """Draw the page of statistics and their `warnings`, as `draw_set` does."""
    figure = make_figure(*SIZE)
    _draw_head(figure, statistics, dataset)
    margins = {"left": 0.045, "right": 0.98, "top": 0.865, "bottom": 0.025}
    grid = figure.add_gridspec(4, 24, height_ratios=(1.6, 1.6, 1.0, 1.3), hspace=0.48, wspace=1.0, **margins)
    _draw_gaze(figure.add_subplot(grid[:2, :16]), statistics)
    _draw_latitudes(figure.add_subplot(grid[0, 17:]), statistics)
    _draw_longitudes(figure.add_subplot(grid[1, 17:]), statistics)
    _draw_items(figure.add_subplot(grid[2, :16]), statistics)
    _draw_rates(figure.add_subplot(grid[2, 17:]), statistics)
    _draw_drops(figure.add_subplot(grid[3, :8]), statistics)
    _write_warnings(figure.add_subplot(grid[3, 8:]), warnings)
    return render(figure)


def _draw_head(figure: "Figure", statistics: SetStatistics, dataset: Dataset) -> None:
    found = len(statistics.items)
    facts = [
        f"{f'{found} of {dataset.items}' if dataset.items else found} {dataset.stimuli_in_words}",
        f"{len(statistics.observers)} observers (declared: {dataset.observers})",
        f"{statistics.total('fixations'):,} fixations",
        f"{statistics.total('samples'):,} samples" + _percent(", {} lost", statistics.lost_share),
        f"{statistics.total('dropped'):,} rows left out" + _percent(" ({})", statistics.dropped_share),
    ]
    declared = f"declared sampling: {dataset.sampling}   ·   licence: {dataset.licence}   ·   {dataset.url}"
    figure.text(0.045, 0.957, dataset.title, fontsize=20, weight="bold", parse_math=False)
    figure.text(0.045, 0.932, "   ·   ".join(facts), fontsize=11, color="#222222", parse_math=False)
    figure.text(0.045, 0.911, _cut(declared, 210), fontsize=9, color=_GREY, parse_math=False)


def _draw_gaze(axes: "Axes", statistics: SetStatistics) -> None:
    """Draw all gaze of the set, and where observers started."""
    from matplotlib.colors import PowerNorm  # noqa: PLC0415

    flat = statistics.flat
    density = statistics.gaze.astype(np.float64) if flat else _smooth_density(statistics)
    extent = (0, 1, 1, 0) if flat else (-180, 180, -90, 90)
    norm = PowerNorm(0.5, 0, max(float(density.max()), 1))  # a root, so that sparse gaze is visible
    image = axes.imshow(
        density, cmap=saliency_colours(), norm=norm, extent=extent, aspect="auto", interpolation="bilinear"
    )
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.018, pad=0.01)
    bar.set_label("fixations in a cell" if flat else "density; 1: gaze spread evenly", fontsize=8.5)
    bar.ax.tick_params(labelsize=8)
    if flat:
        _title(axes, "all fixations, the photos laid over one another", "u, to the right", "v, down")
        return
    _title(axes, f"where all gaze lies (smoothed by {_SMOOTH_DEG:g}°); circles: where observers started")
    axes.set_xticks(*label_degrees(180, 45))
    axes.set_yticks(*label_degrees(90, 30))
    axes.grid(color="white", alpha=0.25, linewidth=0.6)
    rows, columns = np.nonzero(statistics.starts)
    sizes = 15 + 250 * statistics.starts[rows, columns] / max(int(statistics.starts.max()), 1)
    lon, lat = (columns + 0.5) * _CELL_DEG - 180, 90 - (rows + 0.5) * _CELL_DEG
    axes.scatter(lon, lat, sizes, facecolors="none", edgecolors="#7fd4ff", linewidths=1.0, alpha=0.9)


def _draw_latitudes(axes: "Axes", statistics: SetStatistics) -> None:
    """Draw gaze by latitude (by row of photos), and what evenly spread gaze would give."""
    share, size = _shares(statistics.gaze.sum(1)) * 100, 1 / CELL_ROWS if statistics.flat else _CELL_DEG
    if statistics.flat:
        centres, even = (np.arange(CELL_ROWS) + 0.5) * size, np.full(CELL_ROWS, 100 / CELL_ROWS)
        _title(axes, "v", "% of the fixations in a 60th of the height", "down")
        axes.set_ylim(1, 0)
    else:
        centres = 90 - (np.arange(CELL_ROWS) + 0.5) * size
        even = solid_angle_weights(CELL_ROWS).numpy()[:, 0] * 2 * CELL_ROWS / (4 * math.pi) * 100
        mean = statistics.mean_latitude_deg()
        _title(
            axes, "latitude" + ("" if math.isnan(mean) else f" (mean {round(mean, 1) + 0.0:+.1f}°)"), "% of the gaze"
        )
        axes.set_ylim(-90, 90)
        axes.set_yticks(*label_degrees(90, 30))
    axes.barh(centres, share, height=size, color=_BLUE)
    axes.plot(even, centres, color=_ORANGE, linewidth=1.5, linestyle="--", label="spread evenly")
    axes.legend(frameon=False, fontsize=8.5, loc="upper right")


def _draw_longitudes(axes: "Axes", statistics: SetStatistics) -> None:
    """Draw gaze by longitude (by column of photos), and what evenly spread gaze would give."""
    first, last = (0, 1) if statistics.flat else (-180, 180)
    if statistics.flat:
        _title(axes, "u", "to the right", "% in a 120th of the width")
    else:
        _title(axes, "longitude", "", "% of the gaze")
        axes.set_xticks(*label_degrees(180, 90))
    edges = np.linspace(first, last, 2 * CELL_ROWS + 1)
    axes.stairs(_shares(statistics.gaze.sum(0)) * 100, edges, fill=True, color=_BLUE)
    axes.axhline(50 / CELL_ROWS, color=_ORANGE, linewidth=1.5, linestyle="--")
    axes.set_xlim(first, last)


def _draw_items(axes: "Axes", statistics: SetStatistics) -> None:
    """Draw how much gaze each item has, and of how many observers."""
    counts = list(statistics.items.values())
    what = "fixations" if statistics.total("fixations") else "valid_samples"
    numbers = np.arange(len(counts)) + 1
    _title(axes, f"{what.replace('_', ' ')} (bars) and observers (dots) of each item")
    axes.bar(numbers, [getattr(count, what) for count in counts], width=0.85 if len(counts) < 100 else 1, color=_BLUE)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    if len(counts) <= _MOST_NAMES:
        names = [_cut(name, 14) for name in statistics.items]
        long = max(map(len, names), default=0) > 4
        axes.set_xticks(numbers, names, rotation=25 if long else 0, ha="right" if long else "center", fontsize=8)
    axes.set_xlim(0.3, max(len(numbers), 1) + 0.7)
    right = axes.twinx()
    dots = 4 if len(counts) < 100 else 2
    right.plot(numbers, [count.observers for count in counts], "o", color=_ORANGE, markersize=dots)
    right.set_ylim(0, 1.15 * max([1, *(count.observers for count in counts)]))
    right.tick_params(labelsize=8.5, colors=_ORANGE)
    right.spines[:].set_visible(False)


def _draw_rates(axes: "Axes", statistics: SetStatistics) -> None:
    """Draw the sampling rates of the logs."""
    rates = statistics.rates_hz
    _title(axes, "sampling rate of the logs", "Hz", "logs")
    if not rates:
        axes.text(0.5, 0.5, "no times of samples", ha="center", color=_GREY, transform=axes.transAxes)
        axes.set_axis_off()
    elif len(rates) <= _MOST_RATES:
        axes.bar([f"{rate:g}" for rate in sorted(rates)], [rates[rate] for rate in sorted(rates)], 0.6, color=_BLUE)
        axes.set_xlim(-1, len(rates))
    else:
        axes.hist(list(rates), bins=30, weights=list(rates.values()), color=_BLUE)


def _draw_drops(axes: "Axes", statistics: SetStatistics) -> None:
    """Draw the numbers of dropped rows by reason, the most frequent first."""
    _title(axes, "rows left out, by reason")
    axes.set_axis_off()
    drops = _largest(statistics.drops)
    if not drops:
        axes.text(0, 0.97, "none", fontsize=9.5, va="top", transform=axes.transAxes)
        return
    axes.barh(np.arange(len(drops)), list(drops.values()), height=0.4, color=_ORANGE)
    for row, (reason, count) in enumerate(drops.items()):
        axes.text(0, row - 0.27, f"{count:,}  {_cut(reason, 62)}", fontsize=8, va="bottom", parse_math=False)
    axes.set_ylim(max(len(drops), 3) - 0.5, -0.8)


def _largest(drops: Mapping[str, int]) -> dict[str, int]:
    """Return the most frequent reasons, and the others as one."""
    ordered = sorted(drops.items(), key=lambda drop: -drop[1])
    largest = dict(ordered[:_MOST_REASONS])
    if len(ordered) > _MOST_REASONS:
        largest[f"{len(ordered) - _MOST_REASONS} other reasons"] = sum(count for _, count in ordered[_MOST_REASONS:])
    return largest


def _write_warnings(axes: "Axes", warnings: Sequence[str]) -> None:
    axes.set_axis_off()
    _title(axes, "warnings", colour=_RED if warnings else "black")
    lines = [
        line for text in warnings for line in textwrap.wrap(text, 128, initial_indent="• ", subsequent_indent="   ")
    ]
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], f"… and {len(lines) - _MOST_LINES + 1} lines more"]
    text = "\n".join(lines) or "none; a mirrored longitude does not show here: look at the drawings of the items"
    axes.text(0, 0.97, text, fontsize=9, va="top", linespacing=1.4, transform=axes.transAxes, parse_math=False)


def _title(axes: "Axes", title: str, x: str = "", y: str = "", *, colour: str = "black") -> None:
    axes.set_title(title, fontsize=11, weight="bold", loc="left", color=colour)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8.5)
    axes.spines[["top", "right"]].set_visible(False)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _smooth_density(statistics: SetStatistics) -> Floats:
    """Return gaze over solid angle, smoothed on the sphere, (60, 120); 1 where gaze is as dense as if spread evenly."""
    even = solid_angle_weights(CELL_ROWS).numpy() / (4 * math.pi)
    relative = torch.from_numpy(_shares(statistics.gaze) / even)
    density: Floats = SphericalGaussian(CELL_ROWS, _SMOOTH_DEG)(relative[None, None])[0, 0].numpy()
    return density


def _shares(counts: Integers) -> Floats:
    return counts / max(int(counts.sum()), 1)


def _percent(template: str, share: float) -> str:
    return "" if math.isnan(share) else template.format(f"{share:.1%}")

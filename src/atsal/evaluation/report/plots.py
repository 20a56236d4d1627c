"""The plots of a report as SVG images, without pyplot's global state.

The colours are those of Okabe and Ito, which colour-blind readers can tell apart. Rows also differ by their place.
"""

import base64
import io
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from atsal.errors import MissingDependencyError, install_hint
from atsal.evaluation.benchmark_config import STREAM_ORDER
from atsal.evaluation.metric_registry import metric_named
from atsal.evaluation.report.statistics import DatasetStatistics, RunStatistics, split_stream
from atsal.evaluation.report.table import Block, Heading, Image
from atsal.evaluation.results import LATITUDE_BANDS, Estimate, Run
from atsal.jobs.warning_filter import ignore_warnings
from atsal.untrusted.text import escape_controls

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEEDED = f"a report needs matplotlib and Jinja2: {install_hint('evaluation')}"
KIND_COLOURS = {"baseline": "#D55E00", "model": "#0072B2", "maps": "#009E73", "ceiling": "#555555"}
STREAM_STYLES = {"attention": ("#E69F00", "^"), "experts": ("#56B4E9", "s"), "fused": ("#0072B2", "o")}
_INK, _RULE, _FILL, _AXIS = "#222222", "#dddddd", "#d4d4d4", "#888888"
_WIDTH = 11.8  # inches
_COLUMNS = 3  # of panels
_LATITUDE_COLUMNS = 4
_NAME_WIDTH = 32  # characters of a line of a name
_MAX_POINTS = 3000  # in a plot; more are drawn as pixels
DrawLine = Callable[["Axes", float, str], None]  # axes, height of the line, metric

_ITEMS_CAPTION = (
    "A dot is one item, its height within the line is random; the diamond is the mean over items, the bar its 95 % "
    "bootstrap interval over items (none for fewer than three). Colours: baselines vermilion, models blue, given maps "
    "green, ceiling grey. † trained on items that are scored here."
)
_STREAMS_CAPTION = (
    "Mean over items of each stream's map scored by itself, with its 95 % bootstrap interval over items. The intervals "
    "are of the means. Compare streams item by item in the tables, not by whether bars overlap."
)
_LATITUDES_CAPTION = (
    "Line: share of the predicted maps in each of 36 bands of latitude, 5° each; grey: share of the measured fixations "
    "on the same items. Both are means over items, without an interval. North is up."
)


def plot_blocks(statistics: DatasetStatistics) -> Iterator[Block]:
    """Yield the plots that there is data for, each with its heading; raises `MissingDependencyError`."""
    plots = (
        ("Items", _plot_items, "Scores of the items.", _ITEMS_CAPTION),
        ("Streams", _plot_streams, "Attention stream, expert stream, and both fused.", _STREAMS_CAPTION),
        ("Latitudes", _plot_latitudes, "Where maps and gaze lie.", _LATITUDES_CAPTION),
    )
    for heading, plot, title, caption in plots:
        figure = plot(statistics)
        if figure is not None:
            yield Heading(heading, 3)
            source = base64.b64encode(_to_svg(figure).encode()).decode()
            yield Image(f"data:image/svg+xml;base64,{source}", title, caption)


def _plot_items(statistics: DatasetStatistics) -> "Figure | None":
    """Each item's score, and the mean with its interval: a panel for each metric, a line for each predictor."""
    lines = {row.name: _draw_items(row) for row in statistics.rows}
    points = sum(len(row.run.items) for row in statistics.rows) * len(statistics.metrics)
    return _panels(statistics.metrics, lines, as_pixels=points > _MAX_POINTS) if points else None


def _draw_items(row: RunStatistics) -> DrawLine:
    def draw(axes: "Axes", height: float, metric: str) -> None:
        scores = list(row.run.scores(metric).values())
        heights = height + np.random.default_rng(0).uniform(-0.28, 0.28, len(scores))  # so that points do not overlap
        points = axes.plot(scores, heights, "o", color=KIND_COLOURS[row.run.kind], markersize=2.6, markeredgewidth=0)
        points[0].set_alpha(0.6 if len(scores) < 40 else 0.35)
        _draw_mean(axes, height, row.estimates[metric], _INK, "D")

    return draw


def _draw_mean(axes: "Axes", height: float, found: Estimate, colour: str, marker: str, size: float = 5) -> None:
    if found.mean is None:
        return
    if found.low is not None and found.high is not None:
        axes.hlines(height, found.low, found.high, color=colour, linewidth=1.8, capstyle="butt", zorder=3)
    axes.scatter(found.mean, height, size**2, color=colour, marker=marker, edgecolors="white", linewidths=0.6, zorder=4)


def _plot_streams(statistics: DatasetStatistics) -> "Figure | None":
    """The means of the streams of each model, with intervals; None if no model has two."""
    models: dict[str, dict[str, RunStatistics]] = {}
    for row in statistics.rows:
        parts = split_stream(row.run.predictor)
        if parts is not None:
            models.setdefault(parts[0], {})[parts[1]] = row
    lines = {name: _draw_streams(rows) for name, rows in models.items() if len(rows) > 1}
    return _panels(statistics.metrics, lines, legend=True) if lines else None


def _draw_streams(rows: Mapping[str, RunStatistics]) -> DrawLine:
    def draw(axes: "Axes", height: float, metric: str) -> None:
        for index, stream in enumerate(STREAM_ORDER):
            if stream in rows:
                _draw_mean(
                    axes, height + (index - 1) * 0.24, rows[stream].estimates[metric], *STREAM_STYLES[stream], 6.5
                )

    return draw


def _panels(
    metrics: Sequence[str], lines: Mapping[str, DrawLine], *, as_pixels: bool = False, legend: bool = False
) -> "Figure":
    """A panel for each metric, all with the same lines; names at the left of each row of panels."""
    columns = min(_COLUMNS, len(metrics))
    count = -(-len(metrics) // columns)
    names = [_wrap(escape_controls(name)) for name in lines]
    two_lines = any("\n" in name for name in names)
    height = len(lines) * ((0.36 if two_lines else 0.28) * (1.5 if legend else 1))
    figure = _make_figure(count * (height + 0.75) + 0.45 * legend)
    for index, metric in enumerate(metrics):
        axes = figure.add_subplot(count, columns, index + 1)
        for position, draw in enumerate(lines.values()):
            draw(axes, position, metric)
        _style(axes, metric_named(metric).heading)
        axes.set_ylim(len(lines) - 0.45, -0.55)
        axes.set_yticks(range(len(lines)), names if index % columns == 0 else [""] * len(lines), parse_math=False)
        axes.grid(axis="y", color=_RULE, linewidth=0.6)
        if as_pixels:
            axes.set_rasterization_zorder(2.5)
    if legend:
        _add_stream_legend(figure)
    return figure


def _add_stream_legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    handles = [
        Line2D([], [], color=colour, marker=marker, linewidth=1.8, label=stream)
        for stream, (colour, marker) in STREAM_STYLES.items()
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False, fontsize=9)


def _plot_latitudes(statistics: DatasetStatistics) -> "Figure | None":
    """Where maps and gaze lie by latitude, a panel for each predictor; None on flat photos."""
    profiles = [(run, _latitude_profile(run)) for run in statistics.result.runs]
    found = [(run, profile) for run, profile in profiles if profile is not None]
    if not found:
        return None
    columns = min(_LATITUDE_COLUMNS, len(found))
    count = -(-len(found) // columns)
    figure = _make_figure(2.15 * count + 0.2, _WIDTH * max(columns, 2) / _LATITUDE_COLUMNS)
    first: Axes | None = None
    latitudes = 90 - (np.arange(LATITUDE_BANDS) + 0.5) * 180 / LATITUDE_BANDS
    for index, (run, (predicted, measured)) in enumerate(found):
        axes = figure.add_subplot(count, columns, index + 1, sharex=first, sharey=first)
        first = first or axes
        axes.fill_betweenx(latitudes, 0, measured * 100, color=_FILL, linewidth=0)
        axes.plot(predicted * 100, latitudes, color=KIND_COLOURS[run.kind], linewidth=1.6)
        axes.set_yticks(range(-90, 91, 45), ["−90°", "−45°", "0°", "+45°", "+90°"])
        axes.set_ylim(-90, 90)
        _style(axes, _wrap(run.predictor))
        axes.tick_params(axis="y", labelleft=index % columns == 0)
        axes.set_xlabel("% in a band of 5°", fontsize=8)
    if first is not None:
        first.set_xlim(left=0)  # last, because it ends the scaling of the axis that all panels share
    return figure


def _latitude_profile(run: Run) -> tuple[np.ndarray, np.ndarray] | None:
    """The mean shares of the maps and of the gaze over the items that have both."""
    items = [item for item in run.items if item.predicted_latitudes and item.measured_latitudes]
    if not items:
        return None
    predicted = np.mean([item.predicted_latitudes for item in items], axis=0)
    return predicted, np.mean([item.measured_latitudes for item in items], axis=0)


def _style(axes: "Axes", title: str) -> None:
    axes.set_title(escape_controls(title), fontsize=9.5, weight="bold", loc="left", color=_INK, parse_math=False)
    axes.tick_params(labelsize=8, length=2.5, color=_AXIS, labelcolor=_INK)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_AXIS)
    axes.grid(axis="x", color=_RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.locator_params(axis="x", nbins=5)


def _wrap(name: str) -> str:
    """A name on at most two lines; the middle of a longer one is left out."""
    name = name.encode("utf-8", "replace").decode()  # file names may hold what is no text
    lines, length = textwrap.wrap(name, _NAME_WIDTH), len(name)
    while len(lines) > 2:
        length -= 1
        lines = textwrap.wrap(f"{name[: length // 2]}…{name[length // 2 - length :]}", _NAME_WIDTH)
    return "\n".join(lines) or name


def _make_figure(height: float, width: float = _WIDTH) -> "Figure":
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError(NEEDED) from error
    figure = Figure((width, height), dpi=150, layout="constrained", facecolor="white")
    engine: Any = figure.get_layout_engine()
    engine.set(h_pad=0.08, w_pad=0.06)  # inches
    return figure


def _to_svg(figure: "Figure") -> str:
    """The same text for the same figure: no date, no random names, letters as outlines."""
    from matplotlib import rc_context  # noqa: PLC0415

    file = io.StringIO()
    # a font may lack the letters of a name
    with rc_context({"svg.hashsalt": "atsal", "svg.fonttype": "path"}), ignore_warnings(UserWarning, message="Glyph"):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()

"""The plots of a report, each an SVG of its own: nothing of pyplot's global state.

Colours are those of Okabe and Ito, which the colour-blind can tell apart; rows differ by place as well.
"""

import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from atsal.errors import MissingDependencyError, install_hint
from atsal.evaluation.report.tables import Row, Table
from atsal.evaluation.report.words import STREAMS, label, split_stream
from atsal.evaluation.results import LATITUDE_BANDS, DatasetResult, Estimate, Run
from atsal.jobs.warning_filter import ignore_warnings
from atsal.untrusted.text import escape_controls

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEEDED = f"a report needs matplotlib and Jinja2: {install_hint('evaluation')}"
KIND_COLOURS = {"baseline": "#D55E00", "model": "#0072B2", "maps": "#009E73", "ceiling": "#555555"}
STREAM_COLOURS = {"attention": "#E69F00", "experts": "#56B4E9", "fused": "#0072B2"}
STREAM_MARKS = {"attention": "^", "experts": "s", "fused": "o"}
_INK, _RULE, _FILL = "#222222", "#dddddd", "#d4d4d4"
_WIDTH = 11.8  # inches
_COLUMNS = 3  # of panels
_PANEL_COLUMNS = 4  # of latitudes
_NAME = 32  # characters of a line of a name
_MOST_POINTS = 3000  # in a plot; more are drawn as pixels


@dataclass
class _Line:
    """One line of a panel: its name, and what is drawn on it."""

    name: str
    draw: Callable[["Axes", float, str], None] = field(repr=False)  # axes, height of the line, metric


def distributions(table: Table, dataset: DatasetResult) -> str | None:
    """Each item's score, and the mean with its interval: a panel a metric, a line a predictor."""
    lines, points = [], 0
    for row in table.rows:
        run = dataset.run(row.predictor)
        if run is not None:
            lines.append(_Line(f"{row.predictor} {row.mark}".strip(), _strip_of(row, run)))
            points += len(run.items) * len(table.metrics)
    return _panels(table.metrics, lines, as_pixels=points > _MOST_POINTS) if points else None


def _strip_of(row: Row, run: Run) -> Callable[["Axes", float, str], None]:
    colour = KIND_COLOURS[row.kind]

    def draw(axes: "Axes", at: float, metric: str) -> None:
        scores = list(run.scores(metric).values())
        heights = at + np.random.default_rng(0).uniform(-0.28, 0.28, len(scores))  # that points do not hide others
        axes.plot(
            scores,
            heights,
            "o",
            color=colour,
            markersize=2.6,
            alpha=0.6 if len(scores) < 40 else 0.35,
            markeredgewidth=0,
        )
        _mean(axes, at, row.cells[metric].estimate, _INK, "D")

    return draw


def _mean(axes: "Axes", at: float, found: Estimate, colour: str, mark: str, size: float = 5) -> None:
    if found.mean is None:
        return
    if found.low is not None and found.high is not None:
        axes.plot([found.low, found.high], [at, at], color=colour, linewidth=1.8, solid_capstyle="butt", zorder=3)
    axes.plot(
        [found.mean], [at], mark, color=colour, markersize=size, markeredgecolor="white", markeredgewidth=0.6, zorder=4
    )


def streams(table: Table) -> str | None:
    """The streams of each model beside one another: means with intervals; None where no model has two."""
    models: dict[str, dict[str, Row]] = {}
    for row in table.rows:
        parts = split_stream(row.predictor)
        if parts is not None:
            models.setdefault(parts[0], {})[parts[1]] = row
    lines = [_Line(name, _streams_of(rows)) for name, rows in models.items() if len(rows) > 1]
    return _panels(table.metrics, lines, legend=True) if lines else None


def _streams_of(rows: Mapping[str, Row]) -> Callable[["Axes", float, str], None]:
    def draw(axes: "Axes", at: float, metric: str) -> None:
        for number, stream in enumerate(STREAMS):
            if stream in rows:
                found, height = rows[stream].cells[metric].estimate, at + (number - 1) * 0.24
                _mean(axes, height, found, STREAM_COLOURS[stream], STREAM_MARKS[stream], 6.5)

    return draw


def _panels(metrics: Sequence[str], lines: Sequence[_Line], *, as_pixels: bool = False, legend: bool = False) -> str:
    """A panel a metric, all with the same lines; names at the left of each row of panels."""
    columns = min(_COLUMNS, len(metrics))
    count = -(-len(metrics) // columns)
    names = [_wrapped(escape_controls(line.name)) for line in lines]
    two_lines = any("\n" in name for name in names)
    height = len(lines) * ((0.36 if two_lines else 0.28) * (1.5 if legend else 1))
    figure = _figure(count * (height + 0.75) + 0.45 * legend)
    for number, metric in enumerate(metrics):
        axes = figure.add_subplot(count, columns, number + 1)
        for at, line in enumerate(lines):
            line.draw(axes, at, metric)
        _dress(axes, label(metric))
        axes.set_ylim(len(lines) - 0.45, -0.55)
        axes.set_yticks(range(len(lines)), names if number % columns == 0 else [""] * len(lines), parse_math=False)
        axes.grid(axis="y", color=_RULE, linewidth=0.6)
        if as_pixels:
            axes.set_rasterization_zorder(2.5)
    if legend:
        _stream_legend(figure)
    return _svg(figure)


def _stream_legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    handles = [Line2D([], [], color=STREAM_COLOURS[s], marker=STREAM_MARKS[s], linewidth=1.8, label=s) for s in STREAMS]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False, fontsize=9)


def latitudes(dataset: DatasetResult) -> str | None:
    """Where maps and gaze lie by latitude: a panel a predictor; None without latitudes, as on flat photos."""
    profiles = {run.predictor: (run, _profile(run)) for run in dataset.runs}
    found = {name: (run, profile) for name, (run, profile) in profiles.items() if profile is not None}
    if not found:
        return None
    columns = min(_PANEL_COLUMNS, len(found))
    count = -(-len(found) // columns)
    figure = _figure(2.15 * count + 0.2, _WIDTH * max(columns, 2) / _PANEL_COLUMNS)
    first: Axes | None = None
    at = 90 - (np.arange(LATITUDE_BANDS) + 0.5) * 180 / LATITUDE_BANDS
    for number, (name, (run, (predicted, measured))) in enumerate(found.items()):
        axes = figure.add_subplot(count, columns, number + 1, sharex=first, sharey=first)
        first = first or axes
        axes.fill_betweenx(at, 0, measured * 100, color=_FILL, linewidth=0)
        axes.plot(predicted * 100, at, color=KIND_COLOURS[run.kind], linewidth=1.6)
        axes.set_yticks(range(-90, 91, 45), ["−90°", "−45°", "0°", "+45°", "+90°"])
        axes.set_ylim(-90, 90)
        _dress(axes, _wrapped(name))
        axes.tick_params(axis="y", labelleft=number % columns == 0)
        axes.set_xlabel("% in a band of 5°", fontsize=8)
    if first is not None:
        first.set_xlim(left=0)  # once all are drawn: it ends the scaling of the axis, which they share
    return _svg(figure)


def _profile(run: Run) -> tuple[np.ndarray, np.ndarray] | None:
    """The mean shares over the items that have both: predicted, measured."""
    items = [item for item in run.items if item.predicted_latitudes and item.measured_latitudes]
    if not items:
        return None
    predicted = np.mean([item.predicted_latitudes for item in items], axis=0)
    return predicted, np.mean([item.measured_latitudes for item in items], axis=0)


def _dress(axes: "Axes", title: str) -> None:
    axes.set_title(escape_controls(title), fontsize=9.5, weight="bold", loc="left", color=_INK, parse_math=False)
    axes.tick_params(labelsize=8, length=2.5, color="#888888", labelcolor=_INK)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#888888")
    axes.grid(axis="x", color=_RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.locator_params(axis="x", nbins=5)


def _wrapped(name: str) -> str:
    """A name on at most two lines, some of its middle left out where it is longer."""
    name = name.encode("utf-8", "replace").decode()  # of file names that are no text
    lines, most = textwrap.wrap(name, _NAME), len(name)
    while len(lines) > 2:
        most -= 1
        lines = textwrap.wrap(f"{name[: most // 2]}…{name[most // 2 - most :]}", _NAME)
    return "\n".join(lines) or name


def _figure(height: float, width: float = _WIDTH) -> "Figure":
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError(NEEDED) from error
    figure = Figure((width, height), dpi=150, layout="constrained", facecolor="white")
    engine: Any = figure.get_layout_engine()
    engine.set(h_pad=0.08, w_pad=0.06)  # inches
    return figure


def _svg(figure: "Figure") -> str:
    """The same text for the same figure: no date, no random names; letters as outlines, alike on every machine."""
    from matplotlib import rc_context  # noqa: PLC0415

    file = io.StringIO()
    with rc_context({"svg.hashsalt": "atsal", "svg.fonttype": "path"}), ignore_warnings(UserWarning, message="Glyph"):
        # a name may be in a script that the font lacks
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()

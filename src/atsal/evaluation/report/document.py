"""The contents of a report as blocks, which every format renders."""

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from atsal.errors import ShapeError
from atsal.evaluation.metric_registry import metric_named, metric_names
from atsal.evaluation.report import plots
from atsal.evaluation.report.protocol_text import protocol_entries, protocol_text
from atsal.evaluation.report.statistics import DatasetStatistics, Difference, RunStatistics
from atsal.evaluation.report.table import (
    Block,
    Cell,
    Group,
    Heading,
    Image,
    Listing,
    Paragraph,
    Table,
    interval,
    number,
    value_text,
)
from atsal.evaluation.results import Estimate, Result
from atsal.untrusted.text import plural

Drawing = Callable[[str, str, str], NDArray[np.uint8] | None]  # data set, predictor, item -> (H, W, 3), or nothing
_EXTREMES = 3  # best and worst items that are shown
_MAX_SIDE = 1600  # pixels of a picture
_JPEG_QUALITY = 88
SCORES_NOTE = (
    "Mean over items, with its interval. ↑ higher is better, ↓ lower is better, – no value. Bold: the best mean of its "
    "column among the rows that can be compared. These are not: ceilings (the viewers themselves), † rows (they know "
    "something of the items that are scored here; the notes say what), and means over fewer items than another's."
)
DIFFERENCES_NOTE = (
    "Predictor minus {reference}, paired: the mean over the items that both have, its interval, and on what share of "
    "them the predictor is the better one. ▲ better, ▼ worse: the whole 95 % interval lies on that side. There is no "
    "correction for the number of comparisons."
)


def report_blocks(
    result: Result, statistics: Sequence[DatasetStatistics], draw: Drawing | None, *, resamples: int, seed: int
) -> list[Block]:
    """Return the blocks of a report; raises `MissingDependencyError` without matplotlib."""
    metrics = map(metric_named, _used_metrics(result))
    blocks: list[Block] = [
        Heading(result.title, 1),
        Paragraph("How well predicted maps of attention agree with measured gaze."),
    ]
    for dataset in statistics:
        blocks += _dataset_blocks(dataset, draw)
    return [
        *blocks,
        Heading("Metrics", 2),
        Listing([(metric.heading, metric.description) for metric in metrics]),
        Heading("To repeat", 2),
        Listing([(str(name), value_text(value)) for name, value in result.settings.items()]),
        Paragraph(
            f"95 % intervals are percentiles of {resamples:,} bootstrap resamples of the items (seed {seed}); fewer "
            "than three items have none.",
            is_note=True,
        ),
    ]


def _dataset_blocks(statistics: DatasetStatistics, draw: Drawing | None) -> Iterator[Block]:
    dataset, metrics, reference = statistics.result, statistics.metrics, statistics.reference
    yield Heading(dataset.title, 2)
    yield Paragraph(f"{dataset.name} · {dataset.protocol.title}")
    yield Heading("What was measured", 3)
    yield Paragraph(protocol_text(dataset.protocol))
    facts = [(str(name), value_text(value)) for name, value in dataset.facts.items()]
    yield Listing([*protocol_entries(dataset.title, dataset.protocol), *facts])
    yield Heading("Scores", 3)
    if statistics.rows:
        yield scores_table(statistics)
        yield Paragraph(SCORES_NOTE, is_note=True)
    else:
        yield Paragraph("No predictor has scores here.")
    differences = {row.name: row.differences for row in statistics.rows if row.differences}
    if differences:
        yield Heading(f"Differences to {reference}", 3)
        yield differences_table("predictor", metrics, differences)
        yield Paragraph(DIFFERENCES_NOTE.format(reference=reference), is_note=True)
    if statistics.contrasts:
        yield Heading("What the fusion adds", 3)
        yield differences_table("fused − stream", metrics, statistics.contrasts)
        yield Paragraph("The fused map minus one stream of the same model, paired, as the differences.", is_note=True)
    yield from plots.plot_blocks(statistics)
    yield from _extreme_items(statistics, draw)
    yield from _published_blocks(statistics)
    if statistics.remarks:
        yield Heading("What is missing, and notes", 3)
        yield Listing([(remark.kind, remark.text) for remark in statistics.remarks])
    made_of = [(run.predictor, value_text(_without_files(run.settings))) for run in dataset.runs if run.settings]
    if made_of:
        yield Heading("What the maps depend on", 3)
        yield Listing(made_of)


def _without_files(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with the number of files for lists of files, which `result.json` has in full."""
    return {name: f"{len(value)}" if isinstance(value, dict) else value for name, value in settings.items()}


def scores_table(statistics: DatasetStatistics, *, brief: bool = False) -> Table:
    """Return the mean of each predictor by each metric.

    `brief` is for narrow terminals: verdicts of the differences instead of intervals, the count of items at the end.
    """
    metrics = statistics.metrics

    def row_of(row: RunStatistics) -> Sequence[Cell]:
        name, items, scores = Cell(row.name), Cell(len(row.run.items)), [_score(row, m, brief=brief) for m in metrics]
        return (name, *scores, items) if brief else (name, items, *scores)

    groups = [
        Group(heading, list(map(row_of, rows)), is_ceiling=rows[0].run.kind == "ceiling")
        for heading, rows in statistics.by_kind()
    ]
    failed = [(Cell(name), Cell(0), *[Cell(None)] * len(metrics)) for name in statistics.result.failed]
    if failed and not brief:
        groups.append(Group("Failed", failed))
    headings = [metric_named(metric).heading for metric in metrics]
    columns = ("predictor", *headings, "items") if brief else ("predictor", "items", *headings)
    return Table(columns, groups)


def _score(row: RunStatistics, metric: str, *, brief: bool) -> Cell:
    found, bold = row.estimates[metric], metric in row.best
    if brief:
        against = row.differences.get(metric)
        return Cell(found.mean, bold=bold, verdict=against.verdict if against else 0)
    details = interval(found.low, found.high)
    if found.mean is not None and found.count != len(row.run.items):
        details += (plural(found.count, "item"),)
    return Cell(found.mean, details, bold=bold)


def differences_table(first_column: str, metrics: Sequence[str], rows: Mapping[str, Mapping[str, Difference]]) -> Table:
    """Return the differences of each row by each metric."""
    cells = [(Cell(name), *(_difference(found[metric]) for metric in metrics)) for name, found in rows.items()]
    return Table((first_column, *(metric_named(metric).heading for metric in metrics)), [Group("", cells)])


def _difference(found: Difference) -> Cell:
    estimate = found.estimate
    share = () if found.better is None else (f"{100 * found.better:.0f} % of {estimate.count}",)
    details = (*interval(estimate.low, estimate.high, signed=True), *share)
    return Cell(estimate.mean, details, signed=True, verdict=found.verdict)


def summary_table(statistics: Sequence[DatasetStatistics]) -> Table:
    """Return a row for each data set, predictor and metric: estimate, and difference to the reference."""
    names = ("mean", "low", "high", "items")
    columns = ("dataset", "predictor", "metric", *names, "difference", *(f"difference_{name}" for name in names[1:]))
    rows = [
        [
            *map(Cell, (dataset.result.name, row.run.predictor, metric)),
            *_estimate_cells(found),
            *_estimate_cells(row.differences[metric].estimate if metric in row.differences else None),
        ]
        for dataset in statistics
        for row in dataset.rows
        for metric, found in row.estimates.items()
    ]
    return Table(columns, [Group("", rows)])


def _estimate_cells(found: Estimate | None) -> list[Cell]:
    values = [None] * 4 if found is None else [found.mean, found.low, found.high, found.count]
    return [Cell(value) for value in values]


def items_table(result: Result) -> Table:
    """Return a row for each data set, predictor and item."""
    metrics = _used_metrics(result)
    rows = [
        [
            *map(Cell, (dataset.name, run.predictor, item.item)),
            *map(Cell, map(item.scores.get, metrics)),
            *map(Cell, (len(item.first_frames), item.fixations, sum(item.skipped.values()))),
        ]
        for dataset in result.datasets
        for run in dataset.runs
        for item in run.items
    ]
    columns = ("dataset", "predictor", "item", *metrics, "windows", "fixations", "skipped")
    return Table(columns, [Group("", rows)])


def _used_metrics(result: Result) -> list[str]:
    used = {metric for dataset in result.datasets for metric in dataset.protocol.metrics}
    return [name for name in metric_names() if name in used]


def _extreme_items(statistics: DatasetStatistics, draw: Drawing | None) -> Iterator[Block]:
    """The best and the worst items of the best predictor, with pictures if there are any."""
    metric = metric_named("cc" if "cc" in statistics.metrics else statistics.metrics[0])
    leading = statistics.leading(metric.name)
    if leading is None:
        return
    scores = leading.run.scores(metric.name)
    ranked = sorted(scores, key=lambda item: -metric.sign * scores[item])
    best, worst = ranked[:_EXTREMES], ranked[max(_EXTREMES, len(ranked) - _EXTREMES) :][::-1]
    groups = [("best", best), ("worst", worst)]
    yield Heading("Best and worst items", 3)
    yield Paragraph(
        f"By {metric.label}, of {leading.name}, the best that can be compared and is no baseline, if there is one; of "
        f"{plural(len(ranked), 'item')}."
    )
    groups = [("best", best), ("worst", worst)]
    yield Listing(
        tuple(
            (name, ", ".join(f"{item} ({number(scores[item])})" for item in items)) for name, items in groups if items
        )
    )
    for item in (*best, *worst):
        picture = None if draw is None else draw(statistics.result.name, leading.run.predictor, item)
        if picture is not None:
            caption = f"{metric.label} {number(scores[item])}: stimulus, measured map, predicted map"
            yield Image(_jpeg_address(picture, item), item, caption)


def _jpeg_address(picture: NDArray[np.uint8], item: str) -> str:
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise ShapeError(f"picture of {item}: found {picture.dtype} {picture.shape}, expected uint8 (H, W, 3)")
    image = PilImage.fromarray(np.ascontiguousarray(picture))
    image.thumbnail((_MAX_SIDE, _MAX_SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def _published_blocks(statistics: DatasetStatistics) -> Iterator[Block]:
    """Published rows beside ours by the same metrics, and as footnotes whether they can be compared."""
    if not statistics.published:
        return
    metrics = list(dict.fromkeys(metric for row in statistics.published for metric in row.scores))
    reasons = {score.why: score.comparable for row in statistics.published for score in row.scores.values()}
    footnotes = {why: index for index, why in enumerate(reasons, 1)}
    no_value = Estimate(None, None, None, 0)
    ours: list[Sequence[Cell]] = [
        (Cell(row.name), *(Cell(row.estimates.get(metric, no_value).mean) for metric in metrics))
        for row in statistics.rows
        if row.run.kind in ("model", "maps")
    ]
    groups: dict[str, list[Sequence[Cell]]] = {"Here": ours}
    for row in statistics.published:
        source, _, origin = row.source.partition("; ")
        cells = [
            Cell(score.value, pale=not score.comparable, footnote=footnotes[score.why]) if score else Cell(None)
            for score in map(row.scores.get, metrics)
        ]
        groups.setdefault(source, []).append([Cell(row.model, [origin] if origin else []), *cells])
    yield Heading("Published figures", 3)
    yield Table(
        ("predictor", *(metric_named(metric).heading for metric in metrics)),
        [Group(heading, rows) for heading, rows in groups.items() if rows],
    )
    yield Paragraph(
        "The footnotes say which figures can be compared with those here. The others are pale, for orientation only.",
        is_note=True,
    )
    yield Listing(
        [
            (str(footnotes[why]), f"{'comparable' if comparable else 'not comparable'}: {why}")
            for why, comparable in reasons.items()
        ]
    )

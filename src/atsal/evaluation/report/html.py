"""The report as one HTML page that loads nothing: plots and pictures lie in it."""

import base64
import io
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from atsal.errors import MissingDependencyError, ShapeError
from atsal.evaluation.metrics import METRICS
from atsal.evaluation.published_scores import PublishedRow
from atsal.evaluation.report import plots
from atsal.evaluation.report.tables import Row, Table
from atsal.evaluation.report.text import LEGEND, interval_words
from atsal.evaluation.report.words import (
    LABELS,
    MEANINGS,
    interval,
    label,
    number,
    protocol_sentence,
    protocol_table,
    told,
)
from atsal.evaluation.results import DatasetResult, Result
from atsal.untrusted.text import escape_controls, plural

Drawing = Callable[[str, str, str], NDArray[np.uint8] | None]  # data set, predictor, item -> (H, W, 3), or nothing
_EXTREMES = 3  # best and worst items that are shown
_MOST_PIXELS = 1600  # of a side of a picture
_QUALITY = 88


def page(result: Result, tables: Sequence[Table], draw: Drawing | None, *, resamples: int, seed: int) -> str:
    """The page as text. Raises `MissingDependencyError` without Jinja2 or matplotlib."""
    try:
        from jinja2 import Environment, StrictUndefined  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError(plots.NEEDED) from error
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: escape_controls(value) if isinstance(value, str) else value,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(number=number, interval=interval, label=label)
    template = resources.files(__package__).joinpath("page.html.jinja").read_text(encoding="utf-8")
    used = [metric for metric in METRICS if any(metric in table.metrics for table in tables)]
    return environment.from_string(template).render(
        title=result.title,
        sections=[_section(table, dataset, draw) for table, dataset in zip(tables, result.datasets, strict=True)],
        legend=LEGEND,
        intervals=interval_words(resamples, seed),
        metrics=[(label(metric), MEANINGS[metric]) for metric in used],
        settings=[(str(name), told(value)) for name, value in result.settings.items()],
    )


def _section(table: Table, dataset: DatasetResult, draw: Drawing | None) -> dict[str, Any]:
    """What the template needs of one data set."""
    return {
        "table": table,
        "sentence": protocol_sentence(table.protocol),
        "protocol": protocol_table(dataset),
        "facts": [(str(name), told(value)) for name, value in dataset.facts.items()],
        "distributions": _embedded(plots.distributions(table, dataset)),
        "streams": _embedded(plots.streams(table)),
        "latitudes": _embedded(plots.latitudes(dataset)),
        "published": _published(table),
        "failed": list(dataset.failed),
        "extremes": _extremes(table, dataset, draw),
        "remarks": _grouped(table),
        "maps": [(run.predictor, told(_short(run.settings))) for run in dataset.runs if run.settings],
    }


def _short(settings: dict[str, Any]) -> dict[str, Any]:
    """Without lists of files, which `result.json` has."""
    return {name: f"{len(value)}" if isinstance(value, dict) else value for name, value in settings.items()}


def _embedded(svg: str | None) -> str | None:
    return None if svg is None else f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _grouped(table: Table) -> list[tuple[str, list[str]]]:
    """The remarks of each kind."""
    found: dict[str, list[str]] = {}
    for remark in table.remarks:
        found.setdefault(remark.kind, []).append(remark.text)
    return list(found.items())


def _published(table: Table) -> dict[str, Any] | None:
    """Published rows and our own by the same metrics, and the reasons as numbered notes."""
    if not table.published:
        return None
    metrics = list(dict.fromkeys(metric for row in table.published for metric in row.scores))
    whys: dict[str, tuple[int, bool]] = {}
    groups: dict[str, list[PublishedRow]] = {}
    for row in table.published:
        groups.setdefault(row.source.partition(";")[0], []).append(row)
        for score in row.scores.values():
            whys.setdefault(score.why, (len(whys) + 1, score.comparable))
    ours: list[Row] = [row for row in table.rows if row.kind in ("model", "maps")]
    return {"metrics": metrics, "groups": list(groups.items()), "ours": ours, "whys": whys}


def _extremes(table: Table, dataset: DatasetResult, draw: Drawing | None) -> dict[str, Any] | None:
    """The best and the worst items of the best predictor, with pictures where there are any."""
    metric = "cc" if "cc" in table.metrics else table.metrics[0]
    predictor = table.leading(metric)
    run = None if predictor is None else dataset.run(predictor)
    if run is None:
        return None
    row = next(row for row in table.rows if row.predictor == predictor)
    ranked = sorted(run.scores(metric).items(), key=lambda entry: entry[1], reverse=label(metric).endswith("↑"))
    best, worst = ranked[:_EXTREMES], ranked[max(_EXTREMES, len(ranked) - _EXTREMES) :][::-1]
    shown = [
        {
            "heading": heading,
            "items": [
                (item, score, None if draw is None else _picture(draw(table.name, run.predictor, item), item))
                for item, score in entries
            ],
        }
        for heading, entries in (("Best", best), ("Worst", worst))
        if entries
    ]
    return {
        "predictor": f"{row.predictor} {row.mark}".strip(),
        "metric": LABELS[metric],
        "groups": shown,
        "of": plural(len(ranked), "item"),
    }


def _picture(picture: NDArray[np.uint8] | None, item: str) -> str | None:
    """As JPEG in a data address."""
    if picture is None:
        return None
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise ShapeError(f"picture of {item}: found {picture.dtype} {picture.shape}, expected uint8 (H, W, 3)")
    image = Image.fromarray(np.ascontiguousarray(picture))
    image.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"

"""The numbers of a report for other programs: CSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from atsal.evaluation.metric_registry import BUILT_IN_NAMES, metric_named
from atsal.evaluation.report.statistics import DatasetStatistics, Difference
from atsal.evaluation.report.table import Table
from atsal.evaluation.results import Result, Run
from atsal.untrusted.text import spreadsheet_text


def to_csv(table: Table) -> str:
    """Return the values of a table; an empty field where there is none."""
    file = io.StringIO(newline="")
    values = [[cell.value for cell in row] for row in table.rows]
    rows = [[spreadsheet_text(value) if isinstance(value, str) else value for value in row] for row in values]
    csv.writer(file, lineterminator="\n").writerows([table.columns, *rows])
    return file.getvalue()


def to_json(result: Result, statistics: Sequence[DatasetStatistics], *, resamples: int, seed: int) -> str:
    """Return everything but the scores of single windows."""
    used = [metric for dataset in statistics for metric in dataset.metrics]
    document = {
        "title": result.title,
        "settings": result.settings,
        "reference": result.reference,
        "intervals": {"kind": "percentile bootstrap over items, 95 %", "resamples": resamples, "seed": seed},
        "labels": {name: metric_named(name).label for name in dict.fromkeys((*BUILT_IN_NAMES, *used))},
        "datasets": [_dataset_json(dataset) for dataset in statistics],
    }
    return json.dumps(_to_json_value(document), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _dataset_json(statistics: DatasetStatistics) -> dict[str, Any]:
    dataset = statistics.result
    return {
        "name": dataset.name,
        "title": dataset.title,
        "protocol": dataset.protocol.to_json(),
        "facts": dataset.facts,
        "runs": [_run_json(run) for run in dataset.runs],
        "estimates": {
            row.run.predictor: {m: {**vars(e), "best": m in row.best} for m, e in row.estimates.items()}
            for row in statistics.rows
        },
        "differences": {
            row.run.predictor: _differences_json(row.differences) for row in statistics.rows if row.differences
        },
        "contrasts": {name: _differences_json(found) for name, found in statistics.contrasts.items()},
        "failed": dataset.failed,
        "remarks": [vars(remark) for remark in statistics.remarks],
        "published": [row.to_json() for row in statistics.published],
    }


def _run_json(run: Run) -> dict[str, Any]:
    of_windows = ("by_window", "first_frames")
    return {
        "predictor": run.predictor,
        "kind": run.kind,
        "items": [{k: v for k, v in item.to_json().items() if k not in of_windows} for item in run.items],
        "missing": run.missing,
        "skipped": run.skipped,
        "in_sample": run.in_sample,
        "seen": run.seen,
        "notes": run.notes,
        "settings": run.settings,
    }


def _differences_json(differences: Mapping[str, Difference]) -> dict[str, Any]:
    return {
        metric: {**vars(found.estimate), "better_share": found.better, "verdict": found.verdict}
        for metric, found in differences.items()
    }


def _to_json_value(value: Any) -> Any:
    """A value that JSON can hold: settings may contain paths, numbers of numpy, and numbers that are not finite."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if hasattr(value, "items"):
        return {str(key): _to_json_value(found) for key, found in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray):
        return [_to_json_value(found) for found in value]
    return str(value)

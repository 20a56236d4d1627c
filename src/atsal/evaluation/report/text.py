"""A report as text: terminal, Markdown, CSV, JSON."""

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from atsal.evaluation.metrics import METRICS
from atsal.evaluation.report.tables import Difference, Row, Table, gather
from atsal.evaluation.report.words import (
    LABELS,
    MEANINGS,
    NOTHING,
    interval,
    label,
    number,
    protocol_sentence,
    protocol_table,
    told,
)
from atsal.evaluation.results import Estimate, Result, Run
from atsal.untrusted.text import escape_controls

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also as full-width characters
_LEAST_NAME = 18  # columns of a terminal for names
_ITEMS = 7  # for the count of items
LEGEND = (
    "Bold: the best mean of its column among the rows that can be compared, which are not: ceilings (the viewers "
    "themselves), † rows (trained on items that are scored here), and means over fewer items than another's."
)
_SIGNS = {1: "+", -1: "−", 0: ""}


def interval_words(resamples: int, seed: int) -> str:
    """What the brackets hold."""
    return (
        f"95 % intervals are percentiles of {resamples:,} bootstrap resamples of the items (seed {seed}); "
        "fewer than three items have none."
    )


def print_tables(result: Result, console: "Console", *, resamples: int = 10_000, seed: int = 0) -> None:
    """Print the means of each data set, and what is to be known of them, a line each.

    A number is followed by + or − where the predictor is better or worse than the reference beyond the interval of the
    difference. Metrics that do not fit beside one another are printed below one another.
    """
    from rich.text import Text  # noqa: PLC0415 - it draws from the program's random numbers when it is imported

    for table in gather(result, resamples=resamples, seed=seed):
        console.print(Text(escape_controls(f"{table.title}  ({table.name})"), style="bold"))
        console.print(Text(escape_controls(table.protocol.title), style="dim"))
        for name_width, metrics in _blocks(table, console.width):
            console.print(_grid(table, metrics, name_width))
        if table.reference is not None:
            words = f"+ −: better or worse than {table.reference} on the same items, by the 95 % interval"
            console.print(Text(escape_controls(words), style="dim"))
        for remark in table.remarks:
            text = escape_controls(f"{remark.kind}: {remark.text}")
            console.print(Text(text, style="red" if remark.kind == "failed" else ""))
        console.print()


def _blocks(table: Table, width: int) -> list[tuple[int, list[str]]]:
    """The metrics that fit beside one another, and what they leave for the names: at least `_LEAST_NAME`."""
    longest = max([len("predictor"), *(len(row.predictor) + 2 for row in table.rows)])
    least = min(longest, _LEAST_NAME)
    blocks: list[list[str]] = [[]]
    for metric in table.metrics:
        if blocks[-1] and least + _ITEMS + sum(map(_width, [*blocks[-1], metric])) > width:
            blocks.append([])
        blocks[-1].append(metric)
    widest = max(sum(map(_width, block)) for block in blocks)
    return [(max(least, min(longest, width - _ITEMS - widest)), block) for block in blocks]


def _width(metric: str) -> int:
    """Of a column, with the space after it."""
    return max(len(label(metric)), len("-0.000+")) + 1


def _grid(table: Table, metrics: Sequence[str], width: int) -> "RichTable":
    from rich.table import Table as RichTable  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = RichTable(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    grid.add_column("predictor", width=width, overflow="fold")
    for metric in metrics:
        grid.add_column(label(metric), justify="right", min_width=_width(metric) - 1, no_wrap=True)
    grid.add_column("items", justify="right", min_width=5, no_wrap=True)
    for row in table.rows:
        name = Text(
            escape_controls(f"{row.predictor} {row.mark}".strip()), style="italic" if row.kind == "ceiling" else ""
        )
        numbers = [_figure(row, metric) for metric in metrics]
        grid.add_row(name, *numbers, str(row.items))
    return grid


def _figure(row: Row, metric: str) -> "Text":
    from rich.text import Text  # noqa: PLC0415

    cell, against = row.cells[metric], row.differences.get(metric)
    sign = _SIGNS[against.verdict] if against else ""
    return Text(number(cell.estimate.mean), style="bold" if cell.best else "").append(sign or " ", style="dim")


def markdown(result: Result, tables: Sequence[Table], *, resamples: int, seed: int) -> str:
    """The tables and what is to be known of them."""
    lines = [f"# {_escaped(result.title)}", ""]
    for table, dataset in zip(tables, result.datasets, strict=True):
        lines += [f"## {_escaped(table.title)} ({_escaped(table.name)})", "", f"*{_escaped(table.protocol.title)}*", ""]
        lines += [_escaped(protocol_sentence(table.protocol)), ""]
        facts = [(str(name), told(value)) for name, value in dataset.facts.items()]
        lines += _grid_lines(("setting", "value"), [*protocol_table(dataset), *facts], "")
        lines += _scores_lines(table)
        if table.reference is not None:
            lines += [f"Difference to {_escaped(table.reference)}, on the items that both have:", ""]
            differences = [(row.predictor, row.differences) for row in table.rows if row.differences]
            lines += _difference_lines(table, differences)
        if table.contrasts:
            lines += ["What the fusion adds, on the items that both have:", ""]
            lines += _difference_lines(table, [(found.name, found.differences) for found in table.contrasts])
        lines += _published_lines(table)
        lines += [f"* {remark.kind}: {_escaped(remark.text)}" for remark in table.remarks]
        lines += [""] * bool(table.remarks)
    lines += [LEGEND, "", interval_words(resamples, seed), "", "## Metrics", ""]
    used = [metric for metric in METRICS if any(metric in table.metrics for table in tables)]
    lines += [f"* {label(metric)}: {MEANINGS[metric]}" for metric in used]
    lines += [
        "",
        "## To repeat",
        "",
        *(f"* {_escaped(name)}: {_escaped(told(value))}" for name, value in result.settings.items()),
        "",
    ]
    return "\n".join(lines)


def _scores_lines(table: Table) -> list[str]:
    rows = []
    for row in table.rows:
        name = f"{_escaped(row.predictor)}{' (ceiling)' * (row.kind == 'ceiling')} {row.mark}".strip()
        rows.append([name, str(row.items), *(_marked(row, metric) for metric in table.metrics)])
    return _grid_lines(("predictor", "items", *map(label, table.metrics)), rows, None)


def _marked(row: Row, metric: str) -> str:
    found, best = row.cells[metric].estimate, row.cells[metric].best
    text = f"**{number(found.mean)}**" if best else number(found.mean)
    return f"{text} {interval(found.low, found.high)}".strip()


def _difference_lines(table: Table, differences: Sequence[tuple[str, Mapping[str, Difference]]]) -> list[str]:
    rows = [
        [_escaped(name), *(difference_text(found[metric]) for metric in table.metrics)] for name, found in differences
    ]
    return _grid_lines(("predictor", *map(label, table.metrics)), rows, None)


def difference_text(found: Difference) -> str:
    """Mean, interval, and on how many items the predictor is better."""
    if found.estimate.mean is None or found.better is None:
        return NOTHING
    ends = interval(found.estimate.low, found.estimate.high, signed=True)
    share = f"better on {found.better:.0%} of {found.estimate.count}"
    return ", ".join(part for part in (f"{number(found.estimate.mean, signed=True)} {ends}".strip(), share) if part)


def _published_lines(table: Table) -> list[str]:
    if not table.published:
        return []
    metrics = list(dict.fromkeys(metric for row in table.published for metric in row.scores))
    whys = list(dict.fromkeys(score.why for row in table.published for score in row.scores.values()))
    rows = []
    for row in table.published:
        scores = (row.scores.get(metric) for metric in metrics)
        cells = (f"{number(s.value)} ({whys.index(s.why) + 1})" if s else NOTHING for s in scores)
        rows.append([_escaped(row.model), _escaped(row.source), *cells])
    comparable = {s.why for row in table.published for s in row.scores.values() if s.comparable}
    notes = [f"({n}) {'' if why in comparable else 'not comparable: '}{why}" for n, why in enumerate(whys, 1)]
    head = ("published", "source", *map(label, metrics))
    return [*_grid_lines(head, rows, None), *(f"* {_escaped(note)}" for note in notes), ""]


def _grid_lines(head: Sequence[str], rows: Iterable[Sequence[str]], escape: str | None) -> list[str]:
    """A table; `escape` not None: the cells are plain text, to be escaped."""
    body = [[_escaped(cell) if escape is not None else cell for cell in row] for row in rows]
    lines = [head, ["---"] + ["---:" if escape is None else "---"] * (len(head) - 1), *body]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def _escaped(value: object) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", escape_controls(" ".join(str(value).split())))


def scores_csv(result: Result) -> str:
    """A line for each data set, predictor and item; an empty field where a metric has no value."""
    metrics = [m for m in METRICS if any(m in dataset.protocol.metrics for dataset in result.datasets)]
    lines: list[Sequence[object]] = [("dataset", "predictor", "item", *metrics, "windows", "fixations", "skipped")]
    for dataset in result.datasets:
        for run in dataset.runs:
            for item in run.items:
                scores = item.scores
                counts = (len(item.first_frames), item.fixations, sum(item.skipped.values()))
                lines.append((dataset.name, run.predictor, item.item, *map(scores.get, metrics), *counts))
    return _csv(lines)


def summary_csv(tables: Sequence[Table]) -> str:
    """A line for each data set, predictor and metric: estimate, and difference to the reference."""
    names = ("mean", "low", "high", "items")
    head = ("dataset", "predictor", "metric", *names, "difference", *(f"difference_{name}" for name in names[1:]))
    lines: list[Sequence[object]] = [head]
    for table in tables:
        for row in table.rows:
            for metric in table.metrics:
                against = row.differences.get(metric)
                differs = _fields(against.estimate) if against else (None,) * 4
                lines.append((table.name, row.predictor, metric, *_fields(row.cells[metric].estimate), *differs))
    return _csv(lines)


def _fields(found: Estimate) -> tuple[object, ...]:
    return found.mean, found.low, found.high, found.count


def _csv(lines: Iterable[Sequence[object]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows([_as_text(field) for field in line] for line in lines)
    return file.getvalue()


def _as_text(field: object) -> object:
    """A text that a spreadsheet would run as a formula, with an apostrophe before it; numbers stay numbers."""
    if not isinstance(field, str):
        return field
    text = escape_controls(field)
    return f"'{text}" if text.startswith(_FORMULA) else text


def result_json(result: Result, tables: Sequence[Table], *, resamples: int, seed: int) -> str:
    """Everything but the scores of single windows."""
    document = {
        "title": result.title,
        "settings": result.settings,
        "reference": result.reference,
        "intervals": {"kind": "percentile bootstrap over items, 95 %", "resamples": resamples, "seed": seed},
        "labels": LABELS,
        "datasets": [
            {
                "name": table.name,
                "title": table.title,
                "protocol": table.protocol.to_json(),
                "facts": dataset.facts,
                "runs": [_run_json(run) for run in dataset.runs],
                "estimates": {row.predictor: _estimates_json(row) for row in table.rows},
                "differences": {
                    row.predictor: _differences_json(row.differences) for row in table.rows if row.differences
                },
                "contrasts": {found.name: _differences_json(found.differences) for found in table.contrasts},
                "failed": dataset.failed,
                "remarks": [vars(remark) for remark in table.remarks],
                "published": [row.to_json() for row in table.published],
            }
            for table, dataset in zip(tables, result.datasets, strict=True)
        ],
    }
    return json.dumps(_plain(document), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _run_json(run: Run) -> dict[str, Any]:
    items = [item.to_json() for item in run.items]
    per_window = ("by_window", "first_frames")
    return {
        "predictor": run.predictor,
        "kind": run.kind,
        "items": [{name: value for name, value in item.items() if name not in per_window} for item in items],
        "missing": run.missing,
        "skipped": run.skipped,
        "in_sample": run.in_sample,
        "notes": run.notes,
        "settings": run.settings,
    }


def _estimates_json(row: Row) -> dict[str, Any]:
    return {metric: {**vars(cell.estimate), "best": cell.best} for metric, cell in row.cells.items()}


def _differences_json(differences: Mapping[str, Difference]) -> dict[str, Any]:
    return {
        metric: {**vars(found.estimate), "better_share": found.better, "verdict": found.verdict}
        for metric, found in differences.items()
    }


def _plain(value: Any) -> Any:
    """What JSON can hold: settings may bring arrays' numbers, paths, and numbers that are none."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if hasattr(value, "items"):
        return {str(key): _plain(found) for key, found in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray):
        return [_plain(found) for found in value]
    return str(value)

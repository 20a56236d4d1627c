"""The summary of a batch: a table of all sources as CSV, and one page with counts, causes of failure, and the table."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape
from io import StringIO
from pathlib import Path

from atsal.batch.ledger import Row, count_states
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.untrusted.text import escape_controls, spreadsheet_text
from atsal.version import __version__

CSV, PAGE = "summary.csv", "summary.html"
_COLUMNS = ("id", "path", "state", "tries", "frames", "seconds", "changed", "reason")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 0 0 2rem; }
th, td { border-bottom: 1px solid #8886; padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; }
td { font-variant-numeric: tabular-nums; min-width: 4rem; overflow-wrap: anywhere; }
td:nth-child(2), td:last-child:not(:first-child) { min-width: 12rem; }
td:nth-child(7) { white-space: nowrap; }
"""


def write_summary(folder: Path, rows: Sequence[Row]) -> None:
    """Write `summary.csv` and `summary.html`. Raises `OutputError`."""
    table = StringIO(newline="")
    csv.writer(table).writerows([_COLUMNS, *([spreadsheet_text(cell) for cell in _cells(row)] for row in rows)])
    for name, text in {CSV: table.getvalue(), PAGE: _page(rows)}.items():
        with output_errors(folder / name), atomic_file(folder / name) as part:
            part.write_text(text, encoding="utf-8", newline="")


def count_causes(rows: Iterable[Row]) -> Counter[str]:
    """Return how often each cause ended a source: its reason without the source's own path."""
    return Counter(_cause(row) for row in rows if row.is_bad)


def _cause(row: Row) -> str:
    return row.reason.removeprefix(f"{row.path}: ").replace(row.path, "…") if row.path else row.reason


def _cells(row: Row) -> list[str]:
    return [str(getattr(row, name)) for name in _COLUMNS]


def _page(rows: Sequence[Row]) -> str:
    counts = count_states(rows)
    frames, seconds = sum(row.frames for row in rows), sum(row.seconds for row in rows)
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Summary of a batch</title>',
        f"<style>{_STYLE}</style><h1>Summary of a batch</h1>",
        f"<p>{len(rows)} sources, {frames} frames, {seconds:.0f} s of work; atsal {__version__}.</p>",
        _table(("state", "sources"), [(state, str(count)) for state, count in counts.items()]),
    ]
    causes = count_causes(rows).most_common()
    if causes:
        parts += ["<h2>Causes of failure</h2>", _table(("sources", "cause"), [(str(n), text) for text, n in causes])]
    parts += ["<h2>Sources</h2>", _table(_COLUMNS, (_cells(_shown(row)) for row in rows)), "</html>\n"]
    return "\n".join(parts)


def _shown(row: Row) -> Row:
    """Return a row with its time as people read it."""
    return replace(row, changed=row.changed.replace("T", " ").replace("+00:00", " UTC"))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    # names of files may hold any bytes
    lines = ["".join(f"<td>{escape(escape_controls(cell))}</td>" for cell in row) for row in rows]
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    return f"<table><tr>{titles}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"

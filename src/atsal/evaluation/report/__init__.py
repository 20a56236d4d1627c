"""The report of a benchmark: tables on the terminal, CSV, JSON, Markdown, and one HTML page that needs nothing else."""

from importlib.util import find_spec
from pathlib import Path

from atsal.errors import MissingDependencyError
from atsal.evaluation.report.html import Drawing, page
from atsal.evaluation.report.plots import NEEDED
from atsal.evaluation.report.tables import gather
from atsal.evaluation.report.text import markdown, print_tables, result_json, scores_csv, summary_csv
from atsal.evaluation.results import Result
from atsal.jobs.atomic_write import atomic_file, output_errors

__all__ = ["Drawing", "check_report", "print_tables", "write_report"]


def check_report() -> None:
    """Raise `MissingDependencyError` where a report cannot be written; worth asking before long work."""
    if find_spec("jinja2") is None or find_spec("matplotlib") is None:
        raise MissingDependencyError(NEEDED)


def write_report(
    result: Result, folder: Path, draw: Drawing | None = None, *, resamples: int = 10_000, seed: int = 0
) -> list[Path]:
    """Write `report.html`, `report.md`, `scores.csv`, `summary.csv` and `result.json`; returns their paths.

    All of them are made before the first is written. `draw` gives the pictures of the best and the worst items;
    `resamples` and `seed` are those of the intervals. Raises `MissingDependencyError` without matplotlib or Jinja2, and
    `OutputError` for a file that cannot be written.
    """
    tables = gather(result, resamples=resamples, seed=seed)
    texts = {
        "report.html": page(result, tables, draw, resamples=resamples, seed=seed),
        "report.md": markdown(result, tables, resamples=resamples, seed=seed),
        "scores.csv": scores_csv(result),
        "summary.csv": summary_csv(tables),
        "result.json": result_json(result, tables, resamples=resamples, seed=seed),
    }
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = folder / name
        with output_errors(path), atomic_file(path) as part:
            part.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    return [folder / name for name in texts]

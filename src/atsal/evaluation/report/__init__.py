"""The report of a benchmark: scores on the terminal, CSV, JSON, Markdown, LaTeX, and a page that loads nothing.

`statistics.py` computes the numbers once. `document.py` puts them into blocks (`table.py`), which each format renders.
"""

from importlib.util import find_spec
from pathlib import Path

from atsal.errors import MissingDependencyError
from atsal.evaluation.report.data_files import to_csv, to_json
from atsal.evaluation.report.document import Drawing, items_table, report_blocks, summary_table
from atsal.evaluation.report.html import to_html
from atsal.evaluation.report.latex import to_latex
from atsal.evaluation.report.markdown import to_markdown
from atsal.evaluation.report.paper_tables import paper_tables
from atsal.evaluation.report.plots import NEEDED
from atsal.evaluation.report.statistics import compute_statistics
from atsal.evaluation.report.terminal import print_tables
from atsal.evaluation.results import Result
from atsal.jobs.atomic_write import atomic_file, output_errors

__all__ = ["Drawing", "print_tables", "require_report_packages", "write_report"]


def require_report_packages() -> None:
    """Raise `MissingDependencyError` if a report cannot be written; call it before long work."""
    if find_spec("jinja2") is None or find_spec("matplotlib") is None:
        raise MissingDependencyError(NEEDED)


def write_report(
    result: Result, folder: Path, draw: Drawing | None = None, *, resamples: int = 10_000, seed: int = 0
) -> list[Path]:
    """Write the page, the same as Markdown, tables for LaTeX and spreadsheets, and `result.json`; return their paths.

    All of them are made before the first is written. `draw` gives the pictures of the best and the worst items.
    `resamples` and `seed` are those of the intervals. Raises `MissingDependencyError` without matplotlib or Jinja2, and
    `OutputError` for a file that cannot be written.
    """
    statistics = compute_statistics(result, resamples=resamples, seed=seed)
    blocks = report_blocks(result, statistics, draw, resamples=resamples, seed=seed)
    texts = {
        "report.html": to_html(result.title, blocks),
        "report.md": to_markdown(blocks),
        "tables.tex": to_latex(paper_tables(statistics)),
        "scores.csv": to_csv(items_table(result)),
        "summary.csv": to_csv(summary_table(statistics)),
        "result.json": to_json(result, statistics, resamples=resamples, seed=seed),
    }
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = folder / name
        with output_errors(path), atomic_file(path) as part:
            part.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    return [folder / name for name in texts]

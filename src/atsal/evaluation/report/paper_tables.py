"""The tables of a report that belong into a paper."""

from collections.abc import Iterator, Sequence

from atsal.evaluation.report.document import DIFFERENCES_NOTE, SCORES_NOTE, differences_table, scores_table
from atsal.evaluation.report.statistics import DatasetStatistics
from atsal.evaluation.report.table import Table


def paper_tables(statistics: Sequence[DatasetStatistics]) -> Iterator[tuple[Table, str, str]]:
    """Yield each table with its caption and label: scores, and differences to the reference."""
    for dataset in statistics:
        name, metrics = dataset.result.name, dataset.metrics
        title = f"{name} ({dataset.result.protocol.title})."
        if dataset.rows:
            yield scores_table(dataset), f"{title} {SCORES_NOTE}", f"{name}-scores"
        differences = {row.name: row.differences for row in dataset.rows if row.differences}
        if differences:
            note = DIFFERENCES_NOTE.format(reference=dataset.reference).replace("▲", "+").replace("▼", "−")
            yield differences_table("predictor", metrics, differences), f"{title} {note}", f"{name}-differences"

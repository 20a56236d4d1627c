"""The scores of a report on a terminal."""

from typing import TYPE_CHECKING

from atsal.evaluation.report.document import scores_table
from atsal.evaluation.report.statistics import compute_statistics
from atsal.evaluation.report.table import Cell, Table
from atsal.evaluation.results import Result
from atsal.untrusted.text import escape_controls

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

_MIN_NAME_WIDTH = 18
_ITEMS_WIDTH = 7
_SIGNS = {1: "+", -1: "−", 0: " "}


def print_tables(result: Result, console: "Console", *, resamples: int = 10_000, seed: int = 0) -> None:
    """Print the mean scores and the remarks of each data set.

    A number is followed by + or − if the predictor is better or worse than the reference, by the interval of the
    difference. Metrics that do not fit beside each other are printed below each other.
    """
    from rich.text import Text  # noqa: PLC0415 - importing it draws from the program's random numbers

    def say(text: str, style: str = "") -> None:
        console.print(Text(escape_controls(text), style=style))

    for statistics in compute_statistics(result, resamples=resamples, seed=seed):
        dataset = statistics.result
        say(f"{dataset.title}  ({dataset.name})", "bold")
        say(dataset.protocol.title, "dim")
        table = scores_table(statistics, brief=True)
        for name_width, columns in _blocks(table, console.width):
            console.print(_to_rich(table, columns, name_width))
        if statistics.reference is not None:
            say(f"+ −: better or worse than {statistics.reference} on the same items, by the 95 % interval", "dim")
        for remark in statistics.remarks:
            say(f"{remark.kind}: {remark.text}", "red" if remark.kind == "failed" else "")
        console.print()


def _blocks(table: Table, width: int) -> list[tuple[int, list[int]]]:
    """The indices of the metrics' columns that fit beside each other, and the width that they leave for names."""
    longest = max(len(text) for text in (table.columns[0], *(row[0].text for row in table.rows)))
    least = min(longest, _MIN_NAME_WIDTH)
    widths = [_width(column) for column in table.columns]
    blocks: list[list[int]] = [[]]
    for column in range(1, len(widths) - 1):
        if blocks[-1] and least + _ITEMS_WIDTH + sum(widths[c] for c in [*blocks[-1], column]) > width:
            blocks.append([])
        blocks[-1].append(column)
    widest = max(sum(widths[column] for column in block) for block in blocks)
    return [(max(least, min(longest, width - _ITEMS_WIDTH - widest)), block) for block in blocks]


def _width(column: str) -> int:
    """Characters of a column of scores, with the space behind it."""
    return max(len(column), len("-0.000+")) + 1


def _to_rich(table: Table, columns: list[int], name_width: int) -> "RichTable":
    from rich.table import Table as RichTable  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = RichTable(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    grid.add_column(table.columns[0], width=name_width, overflow="fold")
    for column in columns:
        heading = table.columns[column]
        grid.add_column(Text(escape_controls(heading)), justify="right", min_width=_width(heading) - 1, no_wrap=True)
    grid.add_column(table.columns[-1], justify="right", min_width=5, no_wrap=True)
    for group in table.groups:
        for row in group.rows:
            name = Text(escape_controls(row[0].text), style="italic" if group.is_ceiling else "")
            grid.add_row(name, *(_score(row[column]) for column in columns), row[-1].text)
    return grid


def _score(cell: Cell) -> "Text":
    from rich.text import Text  # noqa: PLC0415

    return Text(cell.text, style="bold" if cell.bold else "").append(_SIGNS[cell.verdict], style="dim")

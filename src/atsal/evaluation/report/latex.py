"""The tables of a report for a paper in LaTeX. They need the packages booktabs and graphicx."""

import re
from collections.abc import Iterable, Sequence

from atsal.evaluation.report.table import NO_VALUE, Cell, Table
from atsal.untrusted.text import escape_controls

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "<": "$<$",
    ">": "$>$",
    "−": "$-$",
    "–": "--",
    "†": r"$^\dagger$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "σ": r"$\sigma$",
    "°": r"$^\circ$",
    "×": r"$\times$",
    "²": r"$^2$",
    "[": "{[}",  # a row that begins with it would be an argument of the line before
    "]": "{]}",
}
_ANY_SPECIAL = re.compile("[" + re.escape("".join(_SPECIAL)) + "]")
_VERDICTS = {1: r"$^{+}$", -1: r"$^{-}$", 0: ""}


def to_latex(tables: Iterable[tuple[Table, str, str]]) -> str:
    """Return tables, each given with its caption and label, as floats of the width of the text."""
    head = "% Needs \\usepackage{booktabs} and \\usepackage{graphicx}. UTF-8.\n"
    return "\n".join([head, *(_float(table, caption, label) for table, caption, label in tables)])


def _float(table: Table, caption: str, label: str) -> str:
    return "\n".join(
        [
            r"\begin{table*}",
            r"\centering",
            f"\\caption{{{escape(caption)}}}",
            f"\\label{{tab:{re.sub(r'[^A-Za-z0-9-]', '-', label)}}}",
            r"\resizebox{\textwidth}{!}{%",
            f"\\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
            r"\toprule",
            _row(map(escape, table.columns)),
            *_groups(table),
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table*}",
            "",
        ]
    )


def _groups(table: Table) -> Iterable[str]:
    for group in table.groups:
        yield r"\midrule"
        if group.heading:
            yield f"\\multicolumn{{{len(table.columns)}}}{{l}}{{\\textit{{{escape(group.heading)}}}}} \\\\"
        for row in group.rows:
            yield _row(_mean(cell, italic=group.is_ceiling) for cell in row)
            if any(cell.details for cell in row):
                yield _row(map(_details, row))


def _row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _mean(cell: Cell, *, italic: bool) -> str:
    text = NO_VALUE if cell.value is None else cell.text
    style = r"\textbf{%s}" if cell.bold else r"\textit{%s}" if italic else "%s"
    return style % escape(text) + _VERDICTS[cell.verdict]


def _details(cell: Cell) -> str:
    details: Sequence[str] = [escape(detail) for detail in cell.details]
    return f"{{\\scriptsize {', '.join(details)}}}" if details else ""


def escape(text: str) -> str:
    """Return the text so that LaTeX typesets it as it is, on one line."""
    plain = escape_controls(" ".join(text.split()))
    return _ANY_SPECIAL.sub(lambda found: _SPECIAL[found[0]], plain)

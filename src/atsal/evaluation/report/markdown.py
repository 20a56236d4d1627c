"""A report as Markdown."""

import re
from collections.abc import Iterable, Iterator

from atsal.evaluation.report.table import Block, Cell, Heading, Listing, Paragraph, Table
from atsal.untrusted.text import escape_controls

_VERDICTS = {1: " ▲", -1: " ▼", 0: ""}


def to_markdown(blocks: Iterable[Block]) -> str:
    """Return the blocks as Markdown, without images."""
    return "\n".join(line for block in blocks for line in _lines(block))


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield from (f"{'#' * block.level} {escape(block.text)}", "")
    elif isinstance(block, Paragraph):
        yield from (escape(block.text), "")
    elif isinstance(block, Listing):
        yield from (f"* {escape(name)}: {escape(text)}" for name, text in block.entries)
        yield ""
    elif isinstance(block, Table):
        yield _row(map(escape, block.columns))
        yield _row(["---"] + ["---:"] * (len(block.columns) - 1))
        for group in block.groups:
            if group.heading:
                yield _row([f"*{escape(group.heading)}*"] + [""] * (len(block.columns) - 1))
            yield from (_row(map(_cell, row)) for row in group.rows)
        yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    text = f"**{escape(cell.text)}**" if cell.bold else escape(cell.text)
    text += _VERDICTS[cell.verdict] + ("" if cell.footnote is None else f" ({cell.footnote})")
    details = ", ".join(detail if detail.startswith("[") else escape(detail) for detail in cell.details)
    return f"{text} {details}".strip()


def escape(text: str) -> str:
    """Return the text so that Markdown shows it as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#~&])", r"\\\1", escape_controls(" ".join(text.split())))

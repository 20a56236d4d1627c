"""A report as one HTML page that loads nothing: plots and pictures are part of it."""

from collections.abc import Sequence
from importlib import resources

from atsal.errors import MissingDependencyError
from atsal.evaluation.report import plots
from atsal.evaluation.report.table import Block, Heading
from atsal.untrusted.text import escape_controls


def to_html(title: str, blocks: Sequence[Block]) -> str:
    """Return the blocks as a page; raises `MissingDependencyError` without Jinja2."""
    try:
        from jinja2 import Environment, StrictUndefined  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError(plots.NEEDED) from error
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = resources.files(__package__).joinpath("page.html.jinja").read_text(encoding="utf-8")
    chapters = [block for block in blocks if isinstance(block, Heading) and block.level == 2]
    anchors = {id(chapter): f"chapter-{index}" for index, chapter in enumerate(chapters, 1)}
    environment.globals["anchor"] = lambda chapter: anchors[id(chapter)]
    return environment.from_string(template).render(title=title, blocks=blocks, chapters=chapters)


def _printable(value: object) -> object:
    """A text without codes for terminals; what macros have rendered stays as it is."""
    return escape_controls(value) if isinstance(value, str) and not hasattr(value, "__html__") else value

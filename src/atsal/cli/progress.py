"""Progress bars of the commands that predict: on a terminal only, and not with `--quiet`."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from atsal.cli.console import is_quiet, make_console
from atsal.untrusted.text import escape_controls, plural

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from atsal.prediction.options import ReadOptions
    from atsal.prediction.sources import Source
    from atsal.prediction.tasks import AnySource

SHOW_FRAMES = "atsal.show_frames"  # key in `click.Context.meta`: a function that is called in place of a bar


@contextmanager
def progress_bar(source: "Source", reading: "ReadOptions") -> "Iterator[Callable[[int], None]]":
    """Show a bar for the frames of a source, as `frames_bar` does; nothing for a still."""
    if source.is_still(reading):
        yield lambda _done: None
        return
    total = source.expected_frames(reading)
    with frames_bar(source.path.name) as show:
        show(0, total)
        yield lambda done: show(done, total)


@contextmanager
def frames_bar(name: str) -> "Iterator[Callable[[int, int | None], None]]":
    """Show a bar with rate and remaining time.

    The function that is returned takes the number of frames that are done and of all frames; None: unknown.
    """
    context = click.get_current_context(silent=True)
    if context is not None and SHOW_FRAMES in context.meta:
        yield context.meta[SHOW_FRAMES]
        return
    progress = make_progress()
    if progress is None:
        yield lambda _done, _total: None
        return
    with progress as bar:
        task = bar.add_task(escape_controls(name), total=None, rate="–")

        def update(done: int, total: int | None) -> None:
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, completed=done, total=total, rate=f"{speed:.1f}" if speed else "–")

        yield update


class SourcesBar:
    """A bar over many sources: each counts as one, and a part of a video as that part of one."""

    def __init__(self, reading: "ReadOptions", bar: "Progress", task: "TaskID") -> None:
        self._reading = reading
        self._bar = bar
        self._task = task
        self._shares: dict[AnySource, float] = {}
        self._expected: dict[AnySource, int] = {}  # frames
        self._frames = 0
        self._started_s = time.monotonic()

    def add(self, source: "AnySource", frames: int) -> None:
        """Show that so many more frames of a source are done."""
        self._frames += frames
        if source not in self._expected:  # once: looking may read the file
            self._expected[source] = source.look().expected_frames(self._reading) or frames or 1
        self._set(source, min(1.0, self._shares.get(source, 0.0) + frames / self._expected[source]))

    def end(self, source: "AnySource") -> None:
        """Show that a source has ended."""
        self._set(source, 1.0)

    def _set(self, source: "AnySource", share: float) -> None:
        gained = share - self._shares.get(source, 0.0)
        self._shares[source] = share
        rate = self._frames / max(time.monotonic() - self._started_s, 0.1)
        self._bar.update(self._task, advance=gained, rate=f"{rate:.1f}")


@contextmanager
def sources_bar(sources: "Sequence[Source]", reading: "ReadOptions") -> "Iterator[SourcesBar | None]":
    """Show a bar over all sources; None where none is shown."""
    progress = make_progress()
    if progress is None:
        yield None
        return
    with progress as bar:
        task = bar.add_task(plural(len(sources), "input"), total=len(sources), rate="–")
        yield SourcesBar(reading, bar, task)


def make_progress() -> "Progress | None":
    """Return a bar; None where none is shown."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = make_console(stderr=True)
    if not console.is_terminal or is_quiet():
        return None
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]} frames/s"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True)

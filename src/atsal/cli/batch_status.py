"""What `atsal batch` says while it runs, and of a batch that runs or ran elsewhere."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from atsal.cli.console import print_error, print_line, print_warning
from atsal.cli.progress import make_progress
from atsal.errors import ConfigError
from atsal.untrusted.text import plural

if TYPE_CHECKING:
    from atsal.batch.ledger import Row
    from atsal.batch.run import Listener

_MOST_ROWS = 20  # that are printed of a state


class BatchReport:
    """A line for each source that ended and, on a terminal, a bar over all of them."""

    def __init__(self, count: int, workers: int) -> None:
        self._expected = count
        self._workers = workers
        self._failed = self._frames = self._left = 0
        self._started_s = time.monotonic()
        self._bar = make_progress()
        self._task = None if self._bar is None else self._bar.add_task(self._text(), total=count, rate="–")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._left:
            print_warning(
                f"{plural(self._left, 'source')} failed in an earlier run and did not change, "
                "so not tried again; give --retry-failed for that"
            )

    @property
    def listener(self) -> "Listener":
        """What a batch calls."""
        from atsal.batch.run import Listener  # noqa: PLC0415

        return Listener(self._ended, self._skipped, self._moved)

    def expect(self, more: int) -> None:
        """Count so many more sources."""
        self._expected += more
        self._update(0)

    def _ended(self, row: "Row") -> None:
        if row.is_bad:
            self._failed += 1
            print_error(row.reason)
        else:
            print_line(f"{row.path}: {plural(row.frames, 'frame')} in {row.seconds:.1f} s")
        self._update(1)

    def _skipped(self, row: "Row") -> None:
        self._failed += row.is_bad
        self._left += row.is_bad
        self._update(1)

    def _moved(self, frames: int) -> None:
        self._frames += frames
        self._update(0)

    def _text(self) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{plural(self._expected, 'source')}{failed}, {plural(self._workers, 'worker')}"

    def _update(self, ended: int) -> None:
        if self._bar is not None and self._task is not None:
            rate = self._frames / max(time.monotonic() - self._started_s, 0.1)
            self._bar.update(
                self._task, advance=ended, total=self._expected, description=self._text(), rate=f"{rate:.1f}"
            )


def print_status(output: Path) -> None:
    """Print the state of a batch, by its ledger or, without one, by its results."""
    from atsal.batch.destination import open_destination  # noqa: PLC0415
    from atsal.batch.ledger import LEDGER, count_states, read_ledger  # noqa: PLC0415

    destination = open_destination(output)
    rows = read_ledger(destination.folder / LEDGER)
    if rows is None:
        destination.begin()
        rows = read_ledger(destination.folder / LEDGER) or list(destination.recover_rows())
    if not rows:
        raise ConfigError(f"{destination}: has no ledger and no results of a batch; check the folder")
    counts = count_states(rows)
    print_line(f"{plural(len(rows), 'source')}: " + ", ".join(f"{count} {state}" for state, count in counts.items()))
    print_line(
        f"{plural(sum(row.frames for row in rows), 'frame')} in {sum(row.seconds for row in rows):.0f} s of work"
    )
    for state in ("running", "failed", "set aside"):
        _print_rows(state, [row for row in rows if row.state == state])


def _print_rows(state: str, rows: "Sequence[Row]") -> None:
    for row in rows[:_MOST_ROWS]:
        print_line(f"{state}: {row.reason or row.path}")
    if len(rows) > _MOST_ROWS:
        print_line(f"{state}: … ({len(rows)})")

"""Predict many sources into one folder, over many runs, with a ledger of what became of each."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from atsal.batch.destination import Destination
from atsal.batch.item import Item, find_name_clashes
from atsal.batch.ledger import Ledger, Row, State, now
from atsal.errors import SetAsideError
from atsal.jobs.engine import Engine
from atsal.prediction.outcome import Outcome
from atsal.prediction.parallel import ParallelRun
from atsal.prediction.tasks import AnySource, Failure
from atsal.untrusted.text import describe_failure


@dataclass(frozen=True)
class Listener:
    """Functions that are called as a batch goes on."""

    ended: Callable[[Row], None]
    skipped: Callable[[Row], None]  # for a source that ended in an earlier run
    moved: Callable[[int], None]  # with the number of frames that were added


@dataclass
class _Try:
    item: Item
    fingerprint: str = ""
    started_s: float = field(default_factory=time.monotonic)


class BatchRun:
    """A batch into a destination that is locked."""

    def __init__(self, destination: Destination, ledger: Ledger, engine: Engine, listener: Listener) -> None:
        self._destination = destination
        self._ledger = ledger
        self._listener = listener
        self._tries: dict[AnySource, _Try] = {}
        self._run = ParallelRun(engine, self._begin, lambda _source, frames: listener.moved(frames))

    def predict(self, items: Sequence[Item], *, retry_failed: bool) -> list[Row]:
        """Predict what is not done, check that everything is there, and return the rows of these sources.

        Sources that failed or were set aside stay so unless they or their settings changed, or with `retry_failed`.
        Raises what loading the model raises if all have the same, and `OutputError` if the ledger cannot be written.
        """
        clashes = find_name_clashes(items)
        keys = {item: item.shown_path if item in clashes else item.id for item in items}
        self._enter(items, keys)
        for item, error in clashes.items():
            self._end(keys[item], replace(self._row(keys[item]), state="failed", reason=str(error)))
        todo = [item for item in items if item not in clashes and not self._is_final(item, retry_failed=retry_failed)]
        if len({item.job.model for item in todo}) == 1:  # else one bad row of a catalogue would stop the others
            self._run.check_model(todo[0].job)
        self._tries = {item.source: _Try(item) for item in todo}
        try:
            for source, found in self._run.outcomes((item.source, item.job) for item in todo):
                self._take(self._tries.pop(source), found)
        finally:
            self._stop_waiting()
        self._destination.refresh()
        return [self._checked(self._row(keys[item])) for item in items]

    def _enter(self, items: Sequence[Item], keys: dict[Item, str]) -> None:
        """Give each source a row; what a killed run left running waits again."""
        rows = []
        for item in items:
            row = self._ledger.get(keys[item]) or Row(keys[item], item.shown_path)
            state = "waiting" if row.state == "running" else row.state
            rows.append(replace(row, path=item.shown_path, state=state))
        self._ledger.put(*rows)

    def _stop_waiting(self) -> None:
        """Let what Ctrl-C stopped wait for the next run."""
        stopped = [replace(row, state="waiting", changed=now()) for row in self._ledger.rows if row.state == "running"]
        self._ledger.put(*stopped)

    def _row(self, name: str) -> Row:
        row = self._ledger.get(name)
        return Row(name, "") if row is None else row

    def _is_final(self, item: Item, *, retry_failed: bool) -> bool:
        """Whether a source need not be looked at: it ended with these settings, and its manifest is there."""
        row = self._row(item.id)
        is_kept = row.state == "done" or (row.is_bad and not retry_failed)
        if not is_kept or item.fingerprint() not in (row.fingerprint, None):
            return False
        if row.state == "done" and not self._destination.is_done(item.id):
            return False
        self._listener.skipped(row)
        return True

    def _begin(self, source: AnySource) -> None:
        started = self._tries[source]
        started.started_s, started.fingerprint = time.monotonic(), started.item.fingerprint() or ""
        row = self._row(source.stem)
        self._ledger.put(replace(row, state="running", tries=row.tries + 1, reason="", changed=now()))

    def _take(self, ended: _Try, found: Outcome | Failure) -> None:
        """Note how a source ended. One that breaks half way has failed, and has results."""
        seconds = round(time.monotonic() - ended.started_s, 3)
        row = replace(self._row(ended.item.id), seconds=seconds, fingerprint=ended.fingerprint)
        if isinstance(found, Outcome):
            state: State = "failed" if found.problem else "done"
            row = replace(row, state=state, reason=found.problem or "", frames=found.frames)
        else:
            state = "set aside" if isinstance(found, SetAsideError) else "failed"
            row = replace(row, state=state, reason=describe_failure(found), frames=0)
        self._end(row.id, row)

    def _end(self, name: str, row: Row) -> None:
        self._ledger.put(replace(row, id=name, changed=now()))
        self._listener.ended(row)

    def _checked(self, row: Row) -> Row:
        """Return the row of a source at the end; one whose results something removed waits for the next run."""
        damage = self._destination.find_damage(row.id) if row.state == "done" else None
        if damage is None:
            return row
        row = replace(row, state="waiting", reason=damage, changed=now())
        self._ledger.put(row)
        return row

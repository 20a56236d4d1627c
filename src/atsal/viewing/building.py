"""The items of a page that is served: each is built when the page first asks for it."""

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from atsal.errors import AtsalError
from atsal.untrusted.text import describe_failure
from atsal.viewing.entries.entry import BrokenEntry, Entry
from atsal.viewing.scene import Item, Progress
from atsal.viewing.site import PICTURE, Site, files_in, make_page
from atsal.viewing.thumbnails import write_thumbnail

_WAITING_S = 2.0  # the page asks again after 0.25 s, in the background after 1 s
_WAITING = Progress("", None, failed=False)
_SCENE = re.compile(r"(items/\d+/)scene\.json")


def list_items(entries: Sequence[Entry]) -> list[Item]:
    """Return what the page says of the entries."""
    folders = [f"items/{number}/" for number in range(1, len(entries) + 1)]
    with_pictures = len(entries) > 1
    return [
        Item(entry.name, entry.about, folder, folder + PICTURE if with_pictures else "")
        for entry, folder in zip(entries, folders, strict=True)
    ]


class _GivenUpError(Exception):
    """Nobody waits for the item any more."""


@dataclass
class _Job:
    item: Item
    entry: Entry
    asked_s: float = float("-inf")  # when the page last asked for it
    progress: Progress = _WAITING
    is_done: bool = False  # or failed

    @property
    def is_awaited(self) -> bool:
        return not self.is_done and time.monotonic() - self.asked_s < _WAITING_S


def _make_job(item: Item, entry: Entry) -> _Job:
    if isinstance(entry, BrokenEntry):
        return _Job(item, entry, progress=Progress(str(entry.error), None, failed=True), is_done=True)
    return _Job(item, entry)


class ItemBuilder:
    """Builds items in one thread, first the one that the page asked for last.

    An item that the page has left gives way to one that it waits for. `site` has the files of the page; those of an
    item are added when it is built. `on_problem` gets a message on an item, or the end of one, that cannot be shown.
    """

    def __init__(self, entries: Sequence[Entry], folder: Path, on_problem: Callable[[str], None]) -> None:
        items = list_items(entries)
        self.site: Site = make_page(items, folder)
        self._jobs = {item.folder: _make_job(item, entry) for item, entry in zip(items, entries, strict=True)}
        self._folder, self._on_problem = folder, on_problem
        self._drawing = threading.Lock()
        self._running: _Job | None = None
        self._changed = threading.Condition()
        self._is_stopped = False

    def find_progress(self, name: str) -> Progress | None:
        """Return how far a scene is, and have it built; None for other names."""
        found = _SCENE.fullmatch(name)
        job = self._jobs.get(found[1]) if found else None
        if job is None:
            return None
        with self._changed:
            job.asked_s = time.monotonic()
            self._changed.notify()
            if self._running not in (None, job) and not job.is_done:
                return Progress(f"Waiting for {self._running.entry.name}", None, failed=False)
            return job.progress

    def draw_picture(self, name: str) -> Path | None:
        """Return the small picture of an item, which is made now; None for other names."""
        job = next((job for job in self._jobs.values() if job.item.picture == name), None)
        if job is None:
            return None
        path = self._folder / "pictures" / name
        with self._drawing:
            if not path.exists():
                write_thumbnail(job.entry, path)
        return path

    @contextmanager
    def running(self) -> Iterator[None]:
        """Build what the page asks for, during the block."""
        thread = threading.Thread(target=self._work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._is_stopped = True
                self._changed.notify()
            thread.join()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            folder = self._folder / job.item.folder
            try:
                self._build(job, folder)
            except _GivenUpError:
                shutil.rmtree(folder, ignore_errors=True)
            except Exception as error:  # whatever is wrong with an item, the others can be shown
                text = str(error) if isinstance(error, AtsalError) else f"{job.entry.path}: {describe_failure(error)}"
                job.progress, job.is_done = Progress(text, None, failed=True), True
                self._on_problem(text)

    def _next(self) -> _Job | None:
        """Wait for a job; None: there will be no more."""
        with self._changed:
            self._running = None
            while not self._is_stopped:
                awaited = [job for job in self._jobs.values() if job.is_awaited]
                if awaited:
                    self._running = max(awaited, key=lambda job: job.asked_s)
                    break
                self._changed.wait()
            return self._running

    def _build(self, job: _Job, folder: Path) -> None:
        def show(done: int, total: int | None) -> None:
            if self._is_stopped or (not job.is_awaited and any(other.is_awaited for other in self._jobs.values())):
                raise _GivenUpError
            job.progress = Progress(job.entry.doing, done / total if total else None, failed=False)

        show(0, None)
        folder.mkdir(parents=True)
        built = job.entry.build(folder, show)
        self.site.update(files_in(job.item, built.site))
        job.is_done = True
        if built.problem:
            self._on_problem(f"{built.problem} The frames before the break are shown.")

"""Which server processes live: each holds the lock of a file, which the system releases when the process ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from atsal.jobs.atomic_write import output_errors
from atsal.serving.job import is_id, new_id


class ServerLock:
    """The lock of this server process."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that has the locks of all servers."""
        self.id = new_id()
        self._folder = folder
        self._lock = FileLock(self._path(self.id), thread_local=False)

    def acquire(self) -> None:
        """Live. Raises `OutputError`."""
        with output_errors(self._path(self.id)):
            self._lock.acquire(timeout=0)

    def release(self) -> None:
        """Live no more."""
        self._path(self.id).unlink(missing_ok=True)
        self._lock.release()

    @contextmanager
    def of_dead(self, server: str) -> Iterator[bool]:
        """Say whether another server has ended; if so, no other process is told that during the block."""
        path = self._path(server)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
            path.unlink(missing_ok=True)
        finally:
            lock.release()

    def _path(self, server: str) -> Path:
        if not is_id(server):
            raise ValueError(server)
        return self._folder / f"{server}.lock"

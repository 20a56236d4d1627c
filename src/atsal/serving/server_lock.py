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
        path = self._path(self.id)
        with output_errors(path):
            self._lock.acquire()
            while not path.exists():  # another server removed the file before it was locked
                self._lock.release()
                self._lock.acquire()

    def release(self) -> None:
        """Live no more."""
        self._path(self.id).unlink(missing_ok=True)
        self._lock.release()

    def others(self) -> set[str]:
        """Return the servers that live or have died without removing their lock."""
        found = {path.stem for path in self._folder.glob("*.lock")}
        return {server for server in found - {self.id} if is_id(server)}

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

"""Where the results of a batch are: whether those of a source are there, and what they say of a lost ledger.

Each has what `predict` writes: `NAME.json` is the manifest of a source whose results are complete.
"""

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from atsal.batch.ledger import LEDGER, Row, State, check_size
from atsal.batch.summary import CSV, PAGE
from atsal.errors import OutputError
from atsal.jobs.atomic_write import atomic_file, create_folder, output_errors
from atsal.jobs.output_folder import lock_folder
from atsal.jobs.storage import open_storage
from atsal.jobs.store_lock import lock_store
from atsal.remote.path import RemotePath, as_path

if TYPE_CHECKING:
    from atsal.prediction.run_record import EarlierRun

_CHUNKS, _MANIFEST = ".chunks", ".json"
_ID = "id.txt"


class Destination:
    """A local folder, which has the ledger, too."""

    store: str | None = None  # a URL to which tasks bring their results

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __str__(self) -> str:
        return str(self.folder)

    def is_done(self, name: str) -> bool:
        """Whether the manifest of a source is there."""
        return (self.folder / f"{name}{_MANIFEST}").is_file()

    def find_damage(self, name: str) -> str | None:
        """Say what is wrong with the results of a source that is done; None: nothing."""
        from atsal.prediction.run_record import read_manifest  # noqa: PLC0415 - imports torch

        path = self.folder / f"{name}{_MANIFEST}"
        try:
            found = read_manifest(path)
        except OutputError as error:
            return str(error)
        if found is None or not found.is_complete(self.folder, name):
            what = "is missing" if found is None else "some of its results are missing"
            return f"{path}: {what}: something removed it. Run the same command again"
        return None

    def recover_rows(self) -> Iterator[Row]:
        """Yield a row for each manifest in the folder, and for each source whose chunks wait to be joined."""
        for path in sorted(self.folder.glob(f"*{_MANIFEST}")) if self.folder.is_dir() else []:
            found = _read(path)
            if found is not None:
                state: State = "failed" if found.problem else "done"
                yield Row(path.stem, _source_path(found), state, 1, found.problem or "", len(found.frames))
        for path in sorted(self.folder.glob(f".*{_CHUNKS}")) if self.folder.is_dir() else []:
            name = path.name.removesuffix(_CHUNKS)[1:]
            if not self.is_done(name):
                yield Row(name, "", reason="parts of it are done")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock it against other runs during the block. Raises `OutputError` if another run holds the lock."""
        with lock_folder(self.folder):
            yield

    def refresh(self) -> None:
        """Do nothing: each look is a new one."""

    def begin(self) -> None:
        """Do nothing: the ledger is there."""

    def end(self) -> None:
        """Do nothing: ledger and summary are there."""


class StoreDestination(Destination):
    """A prefix in a store. Tasks work in a local folder, and bring the results of a source when it is done.

    The ledger is local while a batch runs. Copies of ledger and summary are in the store.
    """

    def __init__(self, url: RemotePath) -> None:
        from atsal.models.loading import weights_home  # noqa: PLC0415 - imports torch

        key = hashlib.sha256(url.url.rstrip("/").encode()).hexdigest()[:16]
        super().__init__(weights_home() / "batches" / key)
        self.store = url.url
        self._url = url
        self._storage = open_storage(url.url)
        self._listed: set[str] | None = None

    def __str__(self) -> str:
        return str(self._url)

    def is_done(self, name: str) -> bool:
        """Whether the manifest of a source is in the store, by one listing for all."""
        if self._listed is None:
            self._listed = {path.name for path in self._url.iterdir()} if self._url.exists() else set()
        return f"{name}{_MANIFEST}" in self._listed

    def find_damage(self, name: str) -> str | None:
        """Say that the manifest of a source is missing; it was put after everything that it names."""
        return None if self.is_done(name) else f"{self}/{name}{_MANIFEST}: is missing. Run the same command again"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the local folder, and with its id the store, so that a run that was killed goes on only from here."""
        with lock_folder(self.folder), lock_store(self._url.url, self._read_id()):
            yield

    def _read_id(self) -> str:
        """Return the id of the local folder, which gets one at the first run."""
        path = self.folder / _ID
        with output_errors(path):
            if not path.exists():
                with atomic_file(path) as part:
                    part.write_text(secrets.token_hex(16), encoding="ascii")
            return path.read_text(encoding="ascii")

    def refresh(self) -> None:
        """Look anew at the store from now on."""
        self._listed = None

    def begin(self) -> None:
        """Take the ledger of an earlier run, on another machine."""
        path = self.folder / LEDGER
        if not path.exists() and self._storage.exists(LEDGER):
            stored = as_path(f"{self.store}/{LEDGER}")
            check_size(stored)
            with (
                output_errors(path),
                create_folder(path.parent),
                atomic_file(path) as part,
                stored.open("rb") as file,
                part.open("wb") as copy,
            ):
                shutil.copyfileobj(file, copy)

    def end(self) -> None:
        """Put copies of ledger and summary into the store."""
        for name in (LEDGER, CSV, PAGE):
            self._storage.put_file(self.folder / name, name)


def open_destination(path: Path) -> Destination:
    """Return the destination at a path or URL."""
    return StoreDestination(path) if isinstance(path, RemotePath) else Destination(path)


def _read(path: Path) -> "EarlierRun | None":
    from atsal.prediction.run_record import read_manifest  # noqa: PLC0415 - imports torch

    try:
        return read_manifest(path)
    except OutputError:  # another JSON file
        return None


def _source_path(run: "EarlierRun") -> str:
    source = run.settings["source"]
    return str(source.get("path", "")) if isinstance(source, dict) else ""

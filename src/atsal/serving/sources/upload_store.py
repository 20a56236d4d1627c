"""Uploads: a row in the store that says whose they are and how long they will be, and a file that grows.

The size of the file is the offset. So no second record can disagree with it, and a server that is killed in the middle
of a write leaves an upload that goes on where the file ends. A complete upload has another name than one that grows.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, insert, select

from atsal.errors import AtsalError
from atsal.serving.job import is_id, new_id
from atsal.serving.store.database import Database
from atsal.serving.store.tables import UPLOADS
from atsal.serving.store.usage import QuotaError, usage_of

_GROWING, _COMPLETE = "part", "file"


class BusyError(AtsalError):
    """Another request writes to the upload."""


@dataclass(frozen=True)
class Upload:
    """An upload. Times are seconds since 1970."""

    id: str
    owner: str
    name: str  # that the client gave the file; it is only shown
    bytes: int  # when it is complete
    created_s: float
    expires_s: float


class UploadStore:
    """The uploads of a service. Each method raises `StoreError` where the store does."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def add(self, upload: Upload, *, most_bytes: int, most: int) -> None:
        """Make an empty upload, whose owner then has at most so many bytes and uploads.

        Raises `QuotaError`, and OSError where the folder cannot be written; then there is no upload.
        """
        with self._database.writing() as connection:
            used = usage_of(connection, upload.owner)
            if used.uploads >= most or used.bytes + upload.bytes > most_bytes:
                raise QuotaError(
                    f"this token has {used.uploads} uploads, and {used.bytes} bytes in uploads and jobs; the limits "
                    f"are {most} and {most_bytes}: remove some first"
                )
            connection.execute(insert(UPLOADS).values(vars(upload)))
        try:
            self._path(upload.id).mkdir(mode=0o700)
            (self._path(upload.id) / _GROWING).touch(mode=0o600, exist_ok=False)
        except OSError:
            self.remove(upload.id)
            raise

    def get(self, upload_id: str) -> Upload | None:
        """Return an upload, if there is one with this id."""
        if not is_id(upload_id):
            return None
        with self._database.reading() as connection:
            row = connection.execute(select(UPLOADS).where(UPLOADS.c.id == upload_id)).first()
        return None if row is None else Upload(**row._mapping)

    def offset(self, upload: Upload) -> int | None:
        """Return how many bytes have come; None if the file is gone."""
        if self.complete_file(upload) is not None:
            return upload.bytes
        with suppress(FileNotFoundError):
            return (self._path(upload.id) / _GROWING).stat().st_size
        return upload.bytes if self.complete_file(upload) is not None else None  # completed in between

    def complete_file(self, upload: Upload) -> Path | None:
        """Return the file of an upload that is complete."""
        growing, complete = (self._path(upload.id) / name for name in (_GROWING, _COMPLETE))
        with suppress(FileNotFoundError, BusyError):
            if growing.stat().st_size == upload.bytes:  # its server was killed after the last byte
                with self.growing(upload):
                    pass
        return complete if complete.is_file() else None

    @contextmanager
    def growing(self, upload: Upload) -> Iterator[int]:
        """Give the descriptor of an upload's file, to which nobody else writes in the block.

        At the end of the block, a file with all its bytes is complete. Raises `BusyError`, and FileNotFoundError if
        the upload is complete or gone.
        """
        path = self._path(upload.id) / _GROWING
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _lock(descriptor)
            if os.fstat(descriptor).st_nlink == 0 or not path.exists():
                raise FileNotFoundError(upload.id)
            yield descriptor
            if os.fstat(descriptor).st_size == upload.bytes:
                os.fsync(descriptor)
                path.rename(path.with_name(_COMPLETE))
        finally:
            os.close(descriptor)

    def remove_unused(self, upload: Upload) -> None:
        """Remove an upload to which nobody writes; raises `BusyError` otherwise."""
        try:
            with self.growing(upload):
                self.remove(upload.id)
        except FileNotFoundError:  # it is complete
            self.remove(upload.id)

    def remove(self, upload_id: str) -> None:
        """Remove an upload: its file first, so that none is left without a row."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self._path(upload_id))
        with self._database.writing() as connection:
            connection.execute(delete(UPLOADS).where(UPLOADS.c.id == upload_id))

    def expired(self, now_s: float) -> list[str]:
        """Return ids of uploads whose time is over."""
        with self._database.reading() as connection:
            return list(connection.execute(select(UPLOADS.c.id).where(UPLOADS.c.expires_s <= now_s)).scalars())

    def _path(self, upload_id: str) -> Path:
        if not is_id(upload_id):
            raise ValueError(upload_id)
        return self._folder / upload_id


def new_upload(owner: str, name: str, size: int, now_s: float, kept_s: float) -> Upload:
    """Return an upload with an id that nobody can guess."""
    return Upload(new_id(), owner, name, size, now_s, now_s + kept_s)


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BusyError("another request writes to this upload") from None

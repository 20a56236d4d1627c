"""Where finished results go: a local folder, or a prefix in an S3-compatible store. Both behave the same.

A file is there completely or not at all. So is a folder on a local disk. A store takes the files of a folder one by
one: put the record that names the folder after it.
"""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from atsal.errors import AtsalError, InputError, OutputError
from atsal.jobs.atomic_write import atomic_file, atomic_folder, output_errors
from atsal.remote.filesystems import filesystem
from atsal.remote.path import RemotePath, as_path
from atsal.remote.store import CREDENTIALS, NO_CREDENTIALS, failure_reason
from atsal.remote.urls import STORES, shown_url, url_scheme
from atsal.untrusted.files import ErrorFactory, is_inside
from atsal.untrusted.json_text import read_object

STORE_TRIES = 4  # of each request


class Storage(ABC):
    """Finished files and folders by name: a relative path with slashes, as "clip/fused.mp4".

    Every method raises `OutputError`: no permission, no such bucket, a connection that is lost repeatedly, a full disk.
    """

    def __init__(self, where: str) -> None:
        self._where = where.rstrip("/") or where

    def __str__(self) -> str:
        return shown_url(self._where) if url_scheme(self._where) else self._where

    def path(self, name: str) -> Path:
        """Return where a result is, for those who read it."""
        if not is_inside(name):
            raise OutputError(f"{self}: {name!r} is no name of a result; expected a relative path without '..'")
        return as_path(f"{self._where}/{name}")

    def exists(self, name: str) -> bool:
        """Whether there is a file or folder of this name."""
        with self._errors(name):
            try:
                self.path(name).stat()
            except FileNotFoundError:
                return False
        return True

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Return the object in a JSON file; None where there is no such file."""
        if not self.exists(name):
            return None
        with self._errors(name):
            return read_object(self.path(name), ErrorFactory(OutputError, str(self.path(name)), "remove it"))

    def put_file(self, file: Path, name: str) -> None:
        """Copy a finished file; one of the same name is replaced in one step."""
        with self._errors(name):
            self._put_file(file, self.path(name))

    def put_folder(self, folder: Path, name: str) -> None:
        """Copy a finished folder; one of the same name is replaced, with everything in it.

        After an error, the name does not exist in a store, and is unchanged in a local folder.
        """
        with self._errors(name):
            if not any(folder.iterdir()):
                raise OutputError(f"{folder}: is empty; a store has no empty folders")
            self._put_folder(folder, self.path(name))

    def delete(self, name: str) -> None:
        """Remove a file, or a folder with everything in it, if there is one of this name."""
        with self._errors(name):
            self._delete(self.path(name))

    def files(self, folder: str = "") -> list[str]:
        """Return the names of all files below a folder, in order, hidden ones not included."""
        with self._errors(folder):
            found = self._files(self.path(folder) if folder else as_path(self._where))
        names = (f"{folder}/{name}" if folder else name for name in found)
        return sorted(name for name in names if not any(part.startswith(".") for part in name.split("/")))

    @abstractmethod
    def _errors(self, name: str) -> Any: ...

    @abstractmethod
    def _put_file(self, file: Path, target: Path) -> None: ...

    @abstractmethod
    def _put_folder(self, folder: Path, target: Path) -> None: ...

    @abstractmethod
    def _delete(self, target: Path) -> None: ...

    @abstractmethod
    def _files(self, folder: Path) -> list[str]:
        """Return the paths of all files below a folder, relative to it; none where it does not exist."""


def open_storage(where: Path | str) -> Storage:
    """Return the storage at a path, or at a URL that begins with s3://. Raises `OutputError` for another URL."""
    scheme = url_scheme(where) if isinstance(where, str) else None
    if scheme in STORES:
        return _ObjectStorage(str(where))
    if scheme not in (None, "file"):
        raise OutputError(
            f"{shown_url(str(where))}: nothing is written there; expected a folder, or s3://BUCKET/PREFIX"
        )
    return _FolderStorage(str(as_path(where)))


class _FolderStorage(Storage):
    def _errors(self, name: str) -> Any:
        return output_errors(self.path(name) if name else Path(self._where))

    def _put_file(self, file: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(target) as part:
            shutil.copyfile(file, part)

    def _put_folder(self, folder: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_folder(target) as part:
            shutil.copytree(folder, part, dirs_exist_ok=True)

    def _delete(self, target: Path) -> None:
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def _files(self, folder: Path) -> list[str]:
        return [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]


class _ObjectStorage(Storage):
    @property
    def _system(self) -> Any:
        return filesystem(url_scheme(self._where) or "", tries=STORE_TRIES)

    def _errors(self, name: str) -> Any:
        return store_errors(f"{self}/{name}".rstrip("/"))

    def _put_file(self, file: Path, target: Path) -> None:
        self._system.put_file(str(file), _url(target))

    def _put_folder(self, folder: Path, target: Path) -> None:
        names = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
        try:
            for name in names:
                self._system.put_file(str(folder / name), f"{_url(target)}/{name}")
            for name in set(self._files(target)).difference(names):
                self._system.rm_file(f"{_url(target)}/{name}")
        except BaseException:
            self._delete(target)
            raise

    def _delete(self, target: Path) -> None:
        with suppress(FileNotFoundError):
            self._system.rm(_url(target), recursive=True)

    def _files(self, folder: Path) -> list[str]:
        own = self._system._strip_protocol(_url(folder)).rstrip("/")
        return [name.removeprefix(own).lstrip("/") for name in self._system.find(own)]


@contextmanager
def store_errors(shown: str) -> Iterator[None]:
    """Turn what a store raises in the block into an `OutputError` about `shown`, a URL without secrets."""
    try:
        yield
    except InputError as error:  # of reading
        raise OutputError(str(error)) from None
    except AtsalError:
        raise
    except Exception as error:  # errors of many types, of fsspec, aiohttp and botocore
        raise OutputError(f"{shown}: cannot be written: {_remedy(error)}.") from None


def _url(target: Path) -> str:
    return target.url if isinstance(target, RemotePath) else str(target)


def _remedy(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such bucket; create it, or check the URL"
    if isinstance(error, PermissionError):
        return f"permission denied; expected permission to write. Credentials are taken from {CREDENTIALS}"
    if type(error).__name__ in NO_CREDENTIALS:
        return f"no credentials were found; set them in {CREDENTIALS}"
    return f"{failure_reason(error)}; run the same command again: what is complete is kept"

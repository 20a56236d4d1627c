"""Output folders: who owns a folder, which settings made its results, and a lock against a second job.

A folder has a record: a JSON file with the kind of folder and the settings of its results::

    folder = OutputFolder(path, PREPARED_SET)
    with folder.claim(settings):            # new or empty, or made with the same settings; locked
        ...                                 # do what is not done yet
        folder.finish("manifest.json", document, files)

Each kind declares the names of the files that its jobs write. No other file is ever removed.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock, Timeout

from atsal.errors import OutputError
from atsal.jobs.atomic_write import (
    atomic_folder,
    create_folder,
    hidden_name,
    is_leftover,
    output_errors,
    remove_leftovers,
    write_json,
)
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import short_repr, shorten_list

Settings = Mapping[str, Any]
_FORMAT, _VERSION = "format", "version"
_LOCK = ".atsal-lock"
_MAX_LISTED = 5  # settings in a message


@dataclass(frozen=True)
class FolderKind:
    """A kind of output folder."""

    description: str  # in messages, as "a prepared set"
    format: str  # the value in its record
    record: str  # the name of its record
    writes: tuple[str, ...] = ()  # patterns of the files that its jobs write and may remove, as "*/frames/*.jpg"
    metadata: tuple[str, ...] = ()  # patterns among them that are about results, and are not results
    folders: tuple[str, ...] = ("",)  # patterns of the folders in which a killed job may leave incomplete files
    version: int = 1  # increased when folders of earlier versions cannot be resumed


@dataclass(frozen=True)
class Difference:
    """A setting with another value than before; None where it is not set."""

    name: str  # as "preparation.sigma_deg"
    before: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.name} was {_quote(self.before)}, is {_quote(self.now)}"


def find_differences(before: Any, now: Any, name: str = "") -> list[Difference]:
    """Compare settings as JSON values; a missing setting equals one that is null."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = dict.fromkeys([*now, *before])
        return [d for k in keys for d in find_differences(before.get(k), now.get(k), f"{name}.{k}" if name else str(k))]
    if isinstance(before, list | tuple) and isinstance(now, list | tuple) and len(before) == len(now):
        pairs = enumerate(zip(before, now, strict=True))
        return [d for number, (a, b) in pairs for d in find_differences(a, b, f"{name}.{number}")]
    return [] if before == now else [Difference(name, before, now)]


def list_differences(found: Iterable[Difference]) -> str:
    """Join differences for a message: the first few, and the total where there are more."""
    texts = [str(difference) for difference in found]
    return "; ".join(texts[:_MAX_LISTED]) + (f"; … ({len(texts)})" if len(texts) > _MAX_LISTED else "")


@contextmanager
def lock_folder(folder: Path, name: str = "") -> Iterator[None]:
    """Lock `folder`, or the results called `name` in it, against other jobs during the block.

    A missing folder is created, and removed again if nothing was written. The system releases the lock when the process
    ends, even if it is killed. Raises `OutputError` if another job holds the lock.
    """
    path = folder / (hidden_name(name, "atsal-lock") if name else _LOCK)
    lock = FileLock(path)
    with create_folder(folder):
        with output_errors(path):
            try:
                lock.acquire(timeout=0)
            except Timeout as error:
                locked = f"{folder}, {name}" if name else f"{folder}"
                raise OutputError(f"{locked}: another run is writing to it; wait until it ends, or stop it") from error
        try:
            yield
        finally:
            with suppress(OSError):  # before the release, so that no other job loses a file it has just locked
                if not path.stat().st_size:
                    path.unlink()
            lock.release()


class OutputFolder:
    """A folder that jobs of one kind write to."""

    def __init__(self, path: Path, kind: FolderKind) -> None:
        self.path = path
        self.kind = kind

    @property
    def record(self) -> Path:
        """The path of its record."""
        return self.path / self.kind.record

    def settings(self) -> dict[str, Any] | None:
        """Return the settings that made the folder; None if it has no record.

        Raises `OutputError` if the record is invalid, of another kind, or of another version of the format.
        """
        if not self.record.exists():
            return None
        document = read_object(self.record, ErrorFactory(OutputError, self.record, "choose another folder"))
        if document.pop(_FORMAT, None) != self.kind.format:
            raise OutputError(f"{self.record}: is not a record of {self.kind.description}; choose another folder")
        version = document.pop(_VERSION, self.kind.version)
        if version != self.kind.version:
            raise OutputError(
                f"{self.path}: was made by another version of atsal (its format is {short_repr(version)}, this one "
                f"reads {self.kind.version}); choose another folder"
            )
        return document

    @contextmanager
    def claim(self, settings: Settings | None = None, *, overwrite: bool | None = None) -> Iterator[bool]:
        """Lock the folder for a job with these settings; the value of the block is whether the job starts anew.

        Leftovers of killed jobs are removed. With `overwrite`, so are results of other settings; None means that the
        job has no such option. Without `settings`, the folder may have any settings. Raises `OutputError` for a file,
        for a folder with anything else in it or with results of other settings, and if another job holds the lock.
        """
        if self.path.exists() and not self.path.is_dir():
            raise OutputError(f"{self.path}: is a file; expected a folder for {self.kind.description}")
        with lock_folder(self.path):
            is_resumed = self._can_resume(settings, overwrite=overwrite)
            for pattern in self.kind.folders:
                for folder in list(self.path.glob(pattern)) if pattern else [self.path]:
                    remove_leftovers(folder)
            if not is_resumed:
                self.remove_results()
                self.write_record(settings or {})
            yield not is_resumed

    def _can_resume(self, settings: Settings | None, *, overwrite: bool | None) -> bool:
        """Whether the folder has results of these settings; `OutputError` if the job may not write to it."""
        before = self.settings()
        if before is None:
            others = [path.name for path in self.path.iterdir() if path.name != _LOCK and not is_leftover(path)]
            if others:
                raise OutputError(
                    f"{self.path}: holds {shorten_list(others)} and is not {self.kind.description}; choose another "
                    "folder"
                )
            return False
        found = [] if settings is None else find_differences(before, _to_json(settings))
        if found and not overwrite and self._has_results():
            remedy = "remove this one" if overwrite is None else "give --overwrite to replace its results"
            raise OutputError(
                f"{self.path}: holds {self.kind.description} made with other settings ({list_differences(found)}); "
                f"choose another folder, or {remedy}"
            )
        return not found

    def _has_results(self) -> bool:
        """Whether there is more than a record and metadata: a job that failed before its first result leaves those."""
        return not set(self.files()) <= {self.kind.record, *self.kind.metadata}

    def write_record(self, settings: Settings) -> None:
        """Record the settings."""
        write_json(self.record, self.make_record(settings))

    def make_record(self, settings: Settings) -> dict[str, Any]:
        """Return the content of the record for these settings."""
        return {_FORMAT: self.kind.format, _VERSION: self.kind.version, **_to_json(settings)}

    def files(self) -> list[str]:
        """List the files that jobs of this kind write, relative to the folder."""
        return [name for name in self._all_files() if self._is_own(name) and name != _LOCK]

    def other_files(self) -> list[str]:
        """List the files that no job of this kind writes, relative to the folder."""
        return [name for name in self._all_files() if not self._is_own(name)]

    def remove_results(self) -> None:
        """Remove the files that jobs of this kind write, then the folders that this leaves empty, and nothing else."""
        for name in self.files():
            with output_errors(self.path / name):
                (self.path / name).unlink(missing_ok=True)
        patterns = {str(folder) for pattern in self.kind.writes for folder in PurePosixPath(pattern).parents}
        for path in sorted(self.path.rglob("*"), reverse=True):  # the deepest first
            if path.is_dir() and any(_matches(self._relative(path), pattern) for pattern in patterns):
                with suppress(OSError):  # it holds something else
                    path.rmdir()

    def finish(self, name: str, document: Mapping[str, Any], files: Iterable[str]) -> None:
        """Write the final document if all `files` exist; `OutputError` names one that does not."""
        require_files(self.path, files)
        write_json(self.path / name, dict(document))

    @contextmanager
    def replace(self, *, overwrite: bool) -> Iterator[Path]:
        """Give a new, empty folder that replaces this one when the block ends without an error.

        Raises `OutputError` as `check_replaceable` does.
        """
        with lock_folder(self.path.parent, self.path.name):
            remove_leftovers(self.path.parent, self.path.name)
            self.check_replaceable(overwrite=overwrite)
            with atomic_folder(self.path) as part:
                yield part
                self.check_replaceable(overwrite=overwrite)  # again: it may have changed in the meantime

    def check_replaceable(self, *, overwrite: bool) -> None:
        """Raise `OutputError` if the folder exists and `overwrite` is off, or if it holds anything else."""
        if not self.path.exists() and not self.path.is_symlink():
            return
        if not overwrite:
            raise OutputError(f"{self.path}: already exists; choose another folder, or overwrite it (--overwrite)")
        others = self.other_files() if self.path.is_dir() else [self.path.name]
        if others or (not self.record.exists() and any(self.path.iterdir())):
            problem = f"holds {shorten_list(others)}" if others else f"has no {self.kind.record}"
            raise OutputError(
                f"{self.path}: is not just {self.kind.description} ({problem}), so it is not overwritten; choose "
                "another folder"
            )

    def _all_files(self) -> list[str]:
        paths = sorted(self.path.rglob("*")) if self.path.is_dir() else []
        return [self._relative(path) for path in paths if not path.is_dir() or path.is_symlink()]

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()

    def _is_own(self, name: str) -> bool:
        return name in (self.kind.record, _LOCK) or any(_matches(name, pattern) for pattern in self.kind.writes)


def require_files(folder: Path, names: Iterable[str]) -> None:
    """Raise `OutputError` if one of these files of a folder does not exist: something removed it while a job ran."""
    lost = [name for name in names if not (folder / name).is_file()]
    if lost:
        are, them = ("is", "it") if len(lost) == 1 else ("are", "them")
        raise OutputError(
            f"{folder}: {shorten_list(lost)} {are} missing: something removed {them} during this run. Run the same "
            "command again"
        )


def _matches(name: str, pattern: str) -> bool:
    parts, patterns = name.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def _to_json(settings: Any) -> Any:
    """Return the settings as JSON holds them: tuples become lists."""
    return json.loads(json.dumps(settings))


def _quote(value: Any) -> str:
    return "not set" if value is None else short_repr(value, 60)

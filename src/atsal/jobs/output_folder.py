"""The folder that a job writes to: whose it is, what settings made it, and that one job at a time writes there.

A folder belongs to a job by its record, a JSON file that names the kind of folder and the settings of its results::

    folder = OutputFolder(path, PREPARED_SET)
    with folder.claimed(settings):          # new and empty, or made with the same settings; nobody else may write
        ...                                 # do what is not done yet
        folder.finish("manifest.json", document, files)

Each kind declares the names of the files that its jobs write. Nothing else is ever removed.
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
    folder_aside,
    hidden_name,
    is_leftover,
    made_folder,
    remove_leftovers,
    reported,
    write_json,
)
from atsal.untrusted.json_text import read_object
from atsal.untrusted.reading import Blame
from atsal.untrusted.text import shown, some

Settings = Mapping[str, Any]
_FORMAT, _VERSION = "format", "version"
_LOCK = ".atsal-lock"
_TOLD = 5  # settings in a message


@dataclass(frozen=True)
class FolderKind:
    """A kind of output folder."""

    holds: str  # what it is in a message, as "a prepared set"
    format: str  # what it is in its record
    record: str  # the name of its record
    writes: tuple[str, ...] = ()  # patterns of the files that its jobs write and may remove, as "*/frames/*.jpg"
    about: tuple[str, ...] = ()  # those of them that tell of results, and are none
    folders: tuple[str, ...] = ("",)  # patterns of the folders in which a killed job may leave half-written files
    version: int = 1  # raised when folders of earlier versions cannot be gone on with


@dataclass(frozen=True)
class Difference:
    """A setting that two jobs have different values of; None where it is not set."""

    name: str  # as "preparation.sigma_deg"
    before: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.name} was {_value(self.before)}, is {_value(self.now)}"


def differences(before: Any, now: Any, name: str = "") -> list[Difference]:
    """In what settings, as JSON values, differ; a setting that is missing is the same as one that is null."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = dict.fromkeys([*now, *before])
        return [d for k in keys for d in differences(before.get(k), now.get(k), f"{name}.{k}" if name else str(k))]
    if isinstance(before, list | tuple) and isinstance(now, list | tuple) and len(before) == len(now):
        pairs = enumerate(zip(before, now, strict=True))
        return [d for number, (a, b) in pairs for d in differences(a, b, f"{name}.{number}")]
    return [] if before == now else [Difference(name, before, now)]


def told(found: Iterable[Difference]) -> str:
    """Differences in a message: the first few."""
    listed = [str(difference) for difference in found]
    return "; ".join(listed[:_TOLD]) + (f"; … ({len(listed)})" if len(listed) > _TOLD else "")


@contextmanager
def held(folder: Path, name: str = "") -> Iterator[None]:
    """Keep other jobs from writing to `folder`, or to the results called `name` in it, while the block runs.

    The folder is made where it is missing, and removed again where nothing was written. The system gives the folder
    back when the process ends, however it ends. Raises `OutputError` where another job holds it.
    """
    lock = folder / (hidden_name(name, "atsal-lock") if name else _LOCK)
    handle = FileLock(lock)
    with made_folder(folder):
        with reported(lock):
            try:
                handle.acquire(timeout=0)
            except Timeout as error:
                what = f"{folder}, {name}" if name else f"{folder}"
                raise OutputError(f"{what}: another run is writing to it; wait for its end, or stop it") from error
        try:
            yield
        finally:
            with suppress(OSError):  # while it is held, so that no other job loses a file it has just locked
                if not lock.stat().st_size:
                    lock.unlink()
            handle.release()


class OutputFolder:
    """A folder that jobs of one kind write to."""

    def __init__(self, path: Path, kind: FolderKind) -> None:
        self.path = path
        self.kind = kind

    @property
    def record(self) -> Path:
        """The file that says whose the folder is."""
        return self.path / self.kind.record

    def settings(self) -> dict[str, Any] | None:
        """The settings that made the folder; None where it has no record.

        Raises `OutputError` for a record that cannot be read, is of another kind, or of a later version of atsal.
        """
        if not self.record.exists():
            return None
        document = read_object(self.record, Blame(OutputError, self.record, "choose another folder"))
        if document.pop(_FORMAT, None) != self.kind.format:
            raise OutputError(f"{self.record}: is no record of {self.kind.holds}; choose another folder")
        version = document.pop(_VERSION, self.kind.version)
        if version != self.kind.version:
            raise OutputError(
                f"{self.path}: was made by another version of atsal (its format is {shown(version)}, this one reads "
                f"{self.kind.version}); choose another folder"
            )
        return document

    @contextmanager
    def claimed(self, settings: Settings | None = None, *, overwrite: bool | None = None) -> Iterator[bool]:
        """Make the folder this job's own, or find that it is, and hold it; gives whether it is new.

        What killed jobs left half-written is removed. With `overwrite`, results of other settings are removed too; None
        is for jobs that do not replace. Without `settings`, the folder is held whatever settings made it. Raises
        `OutputError` for a file, for a folder that holds anything else or results of other settings, and where another
        job holds it.
        """
        if self.path.exists() and not self.path.is_dir():
            raise OutputError(f"{self.path}: is a file; expected a folder for {self.kind.holds}")
        with held(self.path):
            goes_on = self._goes_on(settings, overwrite=overwrite)
            self._remove_leftovers()
            if not goes_on:
                self.remove_results()
                self.write_record(settings or {})
            yield not goes_on

    def _goes_on(self, settings: Settings | None, *, overwrite: bool | None) -> bool:
        """Whether the folder holds results of these settings; `OutputError` where it is not this job's to write to."""
        before = self.settings()
        if before is None:
            there = [path.name for path in self.path.iterdir() if path.name != _LOCK and not is_leftover(path)]
            if there:
                raise OutputError(
                    f"{self.path}: holds {some(there)} and is not {self.kind.holds}; choose another folder"
                )
            return False
        found = [] if settings is None else differences(before, _plain(settings))
        if found and not overwrite and self._has_results():
            remedy = "remove this one" if overwrite is None else "give --overwrite to make it anew"
            raise OutputError(
                f"{self.path}: holds {self.kind.holds} made with other settings ({told(found)}); choose another "
                f"folder, or {remedy}"
            )
        return not found

    def _has_results(self) -> bool:
        """A job that failed before its first result leaves a folder that is as good as new."""
        return not set(self.files()) <= {self.kind.record, *self.kind.about}

    def record_of(self, settings: Settings) -> dict[str, Any]:
        """What the record says of a folder that these settings made."""
        return {_FORMAT: self.kind.format, _VERSION: self.kind.version, **_plain(settings)}

    def write_record(self, settings: Settings) -> None:
        """Say what settings made the folder."""
        write_json(self.record, self.record_of(settings))

    def _remove_leftovers(self) -> None:
        """Remove what killed jobs left half-written."""
        for pattern in self.kind.folders:
            for folder in list(self.path.glob(pattern)) if pattern else [self.path]:
                remove_leftovers(folder)

    def foreign(self) -> list[str]:
        """The names of all files, as seen from the folder, that no job of this kind writes."""
        return [name for name in map(self._name, self._files()) if not self._is_written(name)]

    def files(self) -> list[str]:
        """The names of all files, as seen from the folder, that jobs of this kind write."""
        return [name for name in map(self._name, self._files()) if self._is_written(name) and name != _LOCK]

    def remove_results(self) -> None:
        """Remove what jobs of this kind write, file by file, and then the empty folders of it; all else stays."""
        for name in self.files():
            with reported(self.path / name):
                (self.path / name).unlink(missing_ok=True)
        folders = {str(folder) for pattern in self.kind.writes for folder in PurePosixPath(pattern).parents}
        for path in reversed(self._all()):  # what lies below comes first
            if path.is_dir() and any(_matches(self._name(path), folder) for folder in folders):
                with suppress(OSError):  # something else lies there
                    path.rmdir()

    def finish(self, name: str, document: Mapping[str, Any], files: Iterable[str]) -> None:
        """Write the document that says that all is done, once all `files` were seen; `OutputError` names a lost one."""
        require_files(self.path, files)
        write_json(self.path / name, dict(document))

    @contextmanager
    def replaced(self, *, overwrite: bool) -> Iterator[Path]:
        """Give a new, empty folder beside this one, which takes its place as a whole when the block ends well.

        Raises `OutputError` as `check_replaceable` does.
        """
        with held(self.path.parent, self.path.name):
            remove_leftovers(self.path.parent, self.path.name)
            self.check_replaceable(overwrite=overwrite)
            with folder_aside(self.path) as part:
                yield part
                self.check_replaceable(overwrite=overwrite)  # again: somebody may have put something there meanwhile

    def check_replaceable(self, *, overwrite: bool) -> None:
        """Raise `OutputError` where the folder is there and `overwrite` is off, or where it holds anything else."""
        if not self.path.exists() and not self.path.is_symlink():
            return
        if not overwrite:
            raise OutputError(f"{self.path}: exists already; choose another folder or ask for overwriting")
        others = self.foreign() if self.path.is_dir() else [self.path.name]
        if others or (not self.record.exists() and any(self.path.iterdir())):
            what = f"holds {some(others)}" if others else f"has no {self.kind.record}"
            raise OutputError(
                f"{self.path}: not {self.kind.holds} alone ({what}), so it is not overwritten; choose another folder"
            )

    def _all(self) -> list[Path]:
        return sorted(self.path.rglob("*")) if self.path.is_dir() else []

    def _files(self) -> list[Path]:
        return [path for path in self._all() if not path.is_dir() or path.is_symlink()]

    def _name(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()

    def _is_written(self, name: str) -> bool:
        return name in (self.kind.record, _LOCK) or any(_matches(name, pattern) for pattern in self.kind.writes)


def require_files(folder: Path, names: Iterable[str]) -> None:
    """Raise `OutputError` where one of these files of a folder is not there: something removed it while a job ran."""
    lost = [name for name in names if not (folder / name).is_file()]
    if lost:
        raise OutputError(
            f"{folder}: {some(lost)} {'is' if len(lost) == 1 else 'are'} not there any more; something removed "
            f"{'it' if len(lost) == 1 else 'them'} while this ran. Run the same command again"
        )


def _matches(name: str, pattern: str) -> bool:
    parts, patterns = name.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def _plain(settings: Any) -> Any:
    """As JSON holds them: tuples are lists."""
    return json.loads(json.dumps(settings))


def _value(value: Any) -> str:
    return "not set" if value is None else shown(value, 60)

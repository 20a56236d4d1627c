"""The data folder of the service: its database, its uploads and the folders of its jobs."""

import errno
import mimetypes
import shutil
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from atsal.jobs.atomic_write import output_errors
from atsal.serving.job import ResultFile, is_id

RESULT = "result"  # in a job's folder: what it makes
OTHER_RESULT = "maps"  # in the folder of a job that is about another job's results: a link to those


@dataclass(frozen=True)
class DataFolder:
    """Where everything of the service is, so that one folder can be backed up and moved."""

    path: Path

    @property
    def database(self) -> Path:
        """The SQLite file, where the store is one."""
        return self.path / "service.sqlite"

    @property
    def uploads(self) -> Path:
        """One folder for each upload."""
        return self.path / "uploads"

    @property
    def jobs(self) -> Path:
        """One folder for each job."""
        return self.path / "jobs"

    @property
    def servers(self) -> Path:
        """One lock for each server process."""
        return self.path / "servers"

    def create(self) -> None:
        """Make the folders, which only their user can read. Raises `OutputError`."""
        for folder in (self.path, self.uploads, self.jobs, self.servers):
            with output_errors(folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def job(self, job_id: str) -> Path:
        """Return the folder of a job."""
        if not is_id(job_id):
            raise ValueError(job_id)
        return self.jobs / job_id

    def result(self, job_id: str) -> Path:
        """Return the folder of a job's results."""
        return self.job(job_id) / RESULT

    def remove_job(self, job_id: str) -> None:
        """Remove the folder of a job, if there is one.

        Something may stay if a process still writes there; the dispatcher that ends this process removes the rest.
        """
        try:
            shutil.rmtree(self.job(job_id))
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
                raise

    def job_bytes(self, job_id: str) -> int:
        """Return the size of all files in the folder of a job; what a link leads to does not count."""
        found = [path.lstat() for path in self.job(job_id).rglob("*")]
        return sum(status.st_size for status in found if S_ISREG(status.st_mode))

    def free_bytes(self) -> int:
        """Return how much the disk can still take."""
        return shutil.disk_usage(self.path).free


def list_results(folder: Path) -> tuple[ResultFile, ...]:
    """Return the files below a folder, without hidden ones and links."""
    return tuple(_result(path, folder) for path in sorted(folder.rglob("*")) if _is_shown(path, folder))


def media_type(name: str) -> str:
    """Return the media type of a file by its ending."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _is_shown(path: Path, folder: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not is_hidden and path.is_file() and not path.is_symlink()


def _result(path: Path, folder: Path) -> ResultFile:
    return ResultFile(path.relative_to(folder).as_posix(), path.stat().st_size, media_type(path.name))

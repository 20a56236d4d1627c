"""The source of a job that another job used, and the results of that one."""

from pathlib import Path
from typing import TYPE_CHECKING

from atsal.serving.folders import OTHER_RESULT, RESULT
from atsal.serving.job import JobRecord
from atsal.serving.problem_types import INVALID_SOURCE
from atsal.serving.problems import Problem

if TYPE_CHECKING:
    from atsal.serving.service import Service


def link_source(service: "Service", other: JobRecord, folder: Path) -> str:
    """Put the source of another job into a folder, and return its name there. Raises `Problem`."""
    path = service.data.job(other.id) / other.file
    try:
        if path.is_symlink():
            (folder / other.file).symlink_to(path.readlink())
        else:
            (folder / other.file).hardlink_to(path)
    except FileNotFoundError as error:
        raise Problem(INVALID_SOURCE, "the source of that job is not here any more") from error
    return other.file


def link_results(other: JobRecord, folder: Path) -> None:
    """Let a job read the results of another one; the link is relative, so that the data folder can be moved."""
    (folder / OTHER_RESULT).symlink_to(Path("..", other.id, RESULT))

"""Results as files: written to hidden files, which a later call goes on with, and renamed when they are whole."""

from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import quote

from atsal.client.job import Job, Progress, Result, ShowProgress
from atsal.client.steps import (
    LATER,
    MOST_TRIES,
    Answer,
    Ask,
    BrokenError,
    Pause,
    Steps,
    pause_s,
    problem_of,
    unreachable,
)
from atsal.errors import OutputError, ServiceError
from atsal.jobs.atomic_write import hidden_name, output_errors
from atsal.jobs.output_folder import lock_folder
from atsal.untrusted.text import short_repr

_RESERVED = frozenset('\\:*?"<>|')  # in names on some systems


def download_results(job: Job, folder: Path, progress: ShowProgress, *, overwrite: bool) -> Steps[list[Path]]:
    """Write the results of a job that is done into a folder, and return their paths."""
    targets = [folder / checked_name(result.name) for result in job.results]
    for target in targets:
        _check_is_new(target, overwrite=overwrite)
    total = sum(result.bytes for result in job.results)
    before = 0
    for result, target in zip(job.results, targets, strict=True):
        with lock_folder(target.parent, target.name), output_errors(target):
            _check_is_new(target, overwrite=overwrite)  # another download may have made it meanwhile
            yield from _fetch(job, result, target, partial(_show, progress, before, total))
        before += result.bytes
    return targets


def _check_is_new(target: Path, *, overwrite: bool) -> None:
    with output_errors(target):
        if target.exists() and not overwrite:
            raise OutputError(f"{target}: exists; choose another folder, or pass overwrite=True")


def _show(progress: ShowProgress, before: int, total: int, done: int) -> None:
    progress(Progress(before + done, total))


def checked_name(name: str) -> Path:
    """Return the relative path of a result. Raises `ServiceError` for a name that leads elsewhere."""
    parts = PurePosixPath(name).parts
    is_plain = all(part.isprintable() and not part.startswith(".") and not _RESERVED & set(part) for part in parts)
    if not parts or name.startswith("/") or not is_plain:
        raise ServiceError(
            f"the service names a result {short_repr(name)}, which is no name of a file; do not trust it"
        )
    return Path(*parts)


def _fetch(job: Job, result: Result, target: Path, show: Callable[[int], object]) -> Steps[None]:
    """Fetch one file; only a try after which nothing more has come counts."""
    part = target.with_name(hidden_name(target.name, f"{job.id[:8]}.atsal-part"))  # results of a job do not change
    with part.open("ab") as file:
        file.truncate(min(file.tell(), result.bytes))
        tries = 0
        while file.tell() < result.bytes:
            tries += 1
            before = file.tell()
            failure = yield from _fetch_part(
                _Part(file, target, result.bytes, show), f"/v1/jobs/{job.id}/results/{result.name}"
            )
            tries = 0 if file.tell() > before else tries
            if tries == MOST_TRIES:
                raise failure
            if file.tell() < result.bytes:
                yield Pause(pause_s(tries))
    part.replace(target)


def _fetch_part(part: "_Part", path: str) -> Steps[ServiceError]:
    """Fetch what comes of the rest; return why it may not be all."""
    headers = {"Range": f"bytes={part.start}-", "Accept-Encoding": "identity"}
    try:
        answer = yield Ask("GET", quote(path), headers, take=part.take)
    except BrokenError as error:
        return unreachable(error)
    if answer.status < 400:
        return ServiceError("the answer ended before the file did; try again")
    failure = problem_of(answer)
    if answer.status not in LATER:
        raise failure
    return failure


class _Part:
    """The rest of a file, as it comes."""

    def __init__(self, file: BinaryIO, target: Path, size: int, show: Callable[[int], object]) -> None:
        self.start = file.tell()
        self._file, self._target, self._size, self._show = file, target, size, show

    def take(self, answer: Answer, piece: bytes) -> bool:
        """Append a piece. Raises `ServiceError` for a piece of something else, and `OutputError`."""
        end = self._file.tell() + len(piece)
        is_whole = answer.status == 200 and self.start == 0
        if end > self._size or not (is_whole or self._begins_here(answer)):
            raise ServiceError("the service sends another part of the file than it was asked for; try again")
        with output_errors(self._target):
            self._file.write(piece)
        self._show(end)
        return end == self._size

    def _begins_here(self, answer: Answer) -> bool:
        return answer.status == 206 and answer.headers.get("content-range", "").startswith(f"bytes {self.start}-")

"""Uploads in parts by tus 1.0, which go on after a cut."""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from atsal.client.job import Progress, ShowProgress, show_nothing
from atsal.client.steps import (
    LATER,
    MOST_TRIES,
    Answer,
    Ask,
    BrokenError,
    Pause,
    Steps,
    ask,
    pause_s,
    problem_of,
    unreachable,
)
from atsal.errors import InputError, ServiceError
from atsal.untrusted.text import error_reason

_PART_BYTES = 8 << 20
_TUS = {"Tus-Resumable": "1.0.0"}
_ID = re.compile(r"[0-9a-f]{32}")
_GO_ON = (408, 409, 423, 500, *LATER)  # ask how much came, and go on there


def upload(path: str | Path, /, progress: ShowProgress | None = None) -> Steps[dict[str, str]]:
    """Send a file, and return it as the source of a job.

    It is sent in parts of 8 MiB. After a cut, it goes on with what the service has. `progress` is called with bytes.
    Raises `InputError` for a file that cannot be read, and `ServiceError`.
    """
    path = Path(path)
    with reading(path):
        file = path.open("rb")
    with file:
        with reading(path):
            size = file.seek(0, 2)
        if not size:
            raise InputError(f"{path}: is empty; expected a photo or a video")
        upload_id = yield from _begin(path.name, size)
        yield from _send(file, path, size, f"/v1/uploads/{upload_id}", progress or show_nothing)
    return {"upload": upload_id}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors of the system in the block into an `InputError` that names the file."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: of a path with a NUL
        found = f"{path}: cannot be read ({error_reason(error)})"
        raise InputError(f"{found}; check the path, and that its disk is there") from error


def _begin(name: str, size: int) -> Steps[str]:
    metadata = f"filename {base64.b64encode(name.encode(errors='replace')).decode()}"
    headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": metadata}
    answer = yield from ask(Ask("POST", "/v1/uploads", headers))
    upload_id = answer.headers.get("location", "").rpartition("/")[2]
    if _ID.fullmatch(upload_id) is None:
        raise ServiceError("the service began an upload without an address; check that it is `atsal serve`")
    return upload_id


def _send(file: BinaryIO, path: Path, size: int, address: str, progress: ShowProgress) -> Steps[None]:
    """Send the parts; only a try after which nothing more has come counts."""
    done, tries = 0, 0
    while done < size:
        try:
            answer = yield _part(file, path, address, done)
        except BrokenError as error:
            failure = unreachable(error)
        else:
            if answer.status < 400:
                before, done, tries = done, _offset(answer, size), 0
                if done == before:
                    raise InputError(f"{path}: became shorter while it was sent; send it when it is complete")
                progress(Progress(done, size))
                continue
            failure = problem_of(answer)
            if answer.status not in _GO_ON:
                raise failure
        tries += 1
        if tries == MOST_TRIES:
            raise failure
        yield Pause(pause_s(tries))
        before, done = done, _offset((yield from ask(Ask("HEAD", address, _TUS))), size)
        tries = 0 if done > before else tries


def _part(file: BinaryIO, path: Path, address: str, start: int) -> Ask:
    def read() -> bytes:
        with reading(path):
            file.seek(start)
            return file.read(_PART_BYTES)

    headers = {**_TUS, "Upload-Offset": str(start), "Content-Type": "application/offset+octet-stream"}
    return Ask("PATCH", address, headers, body=read)


def _offset(answer: Answer, size: int) -> int:
    text = answer.headers.get("upload-offset", "")
    if not text.isdecimal() or int(text) > size:
        raise ServiceError("the service does not say how much of the upload it has; check that it is `atsal serve`")
    return int(text)

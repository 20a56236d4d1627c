"""What can be asked of a service: one function for each method of the clients, which send what it describes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from atsal.client.downloading import download_results
from atsal.client.job import Job, ShowProgress, id_of, show_nothing
from atsal.client.steps import Ask, Steps, ask, json_of
from atsal.client.uploading import reading, upload
from atsal.errors import ServiceError

Source = str | Path | Mapping[str, str]
_MOST_IN_PAGE = 100


def kinds() -> Steps[list[dict[str, Any]]]:
    """Return the kinds of jobs: name, about, and the JSON schema of the options. Raises `ServiceError`."""
    found: list[dict[str, Any]] = json_of((yield from ask(Ask("GET", "/v1/kinds"))))
    return found


def submit(kind: str, source: Source, /, **options: Any) -> Steps[Job]:
    """Submit a job, and return it as it waits.

    `source` is the path of a file, which is uploaded once the service has checked the options, or what `upload`
    returned, or a mapping as {"file": "films:clip.mp4"} or {"url": "https://…"} where the service has such sources. The
    options are those of the command, with underscores for hyphens: `max_frames=3`; None leaves an option out. Cuts do
    not make a second job.
    Raises `InputError` for a file that cannot be read, and `ServiceError` for what the service refuses.
    """
    planned = {"kind": kind, "options": _named(options)}
    if not isinstance(source, Mapping):
        yield from ask(Ask("POST", "/v1/jobs/check", json=planned))  # before a long upload
        source = yield from upload(source)
    new = planned | {"source": dict(source)}
    answer = yield from ask(Ask("POST", "/v1/jobs", {"Idempotency-Key": uuid4().hex}, json=new))
    return Job.from_json(json_of(answer))


def job(job_id: str, /) -> Steps[Job]:
    """Return a job by its id. Raises `ServiceError`."""
    return Job.from_json(json_of((yield from ask(Ask("GET", f"/v1/jobs/{job_id}")))))


def jobs(*, state: str | None = None, kind: str | None = None, limit: int = 100) -> Steps[list[Job]]:
    """Return the jobs of this token, the newest first, `limit` at most, without their results.

    Raises `ServiceError`.
    """
    chosen: dict[str, str | int] = {
        name: value for name, value in (("state", state), ("kind", kind)) if value is not None
    }
    found: list[Job] = []
    before: dict[str, int] = {}
    while len(found) < limit:
        query: dict[str, str | int] = {**chosen, **before, "limit": min(_MOST_IN_PAGE, limit - len(found))}
        page = json_of((yield from ask(Ask("GET", "/v1/jobs", query=query))))
        found += map(Job.from_json, page["jobs"])
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    return found


def cancel(job: Job | str, /) -> Steps[Job]:
    """Cancel a job that has not ended. Raises `ServiceError`, of kind "conflict" for one that has."""
    return Job.from_json(json_of((yield from ask(Ask("POST", f"/v1/jobs/{id_of(job)}/cancel"), again=False))))


def delete(job: Job | str, /) -> Steps[None]:
    """Remove a job and its results; one that has not ended is cancelled first. Raises `ServiceError`."""
    yield from ask(Ask("DELETE", f"/v1/jobs/{id_of(job)}"), again=False)


def download(
    job: Job | str, folder: str | Path, /, *, progress: ShowProgress | None = None, overwrite: bool = False
) -> Steps[list[Path]]:
    """Write the results of a job into a folder, and return their paths.

    A file gets its name when it is whole; a file that a cut or the end of the program left goes on at the next call.
    `progress` is called with bytes. Raises `OutputError` for a file that exists, unless `overwrite` is on, for one that
    another download is writing, and where the folder cannot be written, and `ServiceError`, also for a job that is not
    done.
    """
    found = Job.from_json(json_of((yield from ask(Ask("GET", f"/v1/jobs/{id_of(job)}")))))
    if found.state != "done":
        raise ServiceError(
            f"the job {found.id} has no results: it is {found.state}; wait for it first", kind="conflict"
        )
    return (yield from download_results(found, Path(folder), progress or show_nothing, overwrite=overwrite))


def regions(job: Job | str, /) -> Steps[dict[str, Any]]:
    """Return the regions that a job of kind "regions" found. Raises `ServiceError`."""
    found: dict[str, Any] = json_of((yield from ask(Ask("GET", f"/v1/jobs/{id_of(job)}/regions"))))
    return found


def image(path: str | Path, /, *, output: str = "npy", **options: Any) -> Steps[bytes]:
    """Return what is predicted for a photo, at once and without a job, as the content of a file.

    `output` is "npy", "png", "png16", "overlay" or "regions" (JSON); the options are those of `POST /v1/images`, with
    underscores for hyphens. Raises `InputError` for a file that cannot be read, and `ServiceError`.
    """
    with reading(Path(path)):
        content = Path(path).read_bytes()
    query = {"output": output, **query_of(options)}
    headers = {"Content-Type": "application/octet-stream"}  # the service sees what it is
    return (yield from ask(Ask("POST", "/v1/images", headers, query, body=lambda: content))).content


def query_of(options: Mapping[str, Any]) -> dict[str, str]:
    """Return options as the parameters of an address."""
    return {name: str(value) for name, value in _named(options).items()}


def _named(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in options.items() if value is not None}

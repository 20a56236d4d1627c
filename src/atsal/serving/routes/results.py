"""`/v1/jobs/{id}/results`: the files that a job made."""

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import FileResponse

from atsal.serving.folders import media_type
from atsal.serving.gate.access import Reader
from atsal.serving.gate.caller import Caller
from atsal.serving.job import JobRecord
from atsal.serving.own_jobs import find_job
from atsal.serving.problem_types import CONFLICT, NOT_FOUND, STORE_UNAVAILABLE
from atsal.serving.problems import Problem, declared

if TYPE_CHECKING:
    from atsal.serving.service import Service

REGIONS = "regions.json"
_MAY_HAVE = declared(NOT_FOUND, CONFLICT, STORE_UNAVAILABLE)


def find_done_job(service: "Service", caller: Caller, job_id: str) -> JobRecord:
    """Return a job that is done. Raises `Problem`."""
    job = find_job(service, caller, job_id)
    if job.state != "done":
        raise Problem(CONFLICT, f"the job has no results: it is {job.state}")
    return job


def result_path(service: "Service", job: JobRecord, name: str) -> Path:
    """Return the path of a result, by a name that the job has: no path is made of what a request says.

    Raises `Problem`.
    """
    if name in {result.name for result in job.results}:
        path = service.data.result(job.id) / name
        if path.is_file():  # and was not removed a moment ago
            return path
    raise Problem(NOT_FOUND, "the job has no result of this name; its results are listed in the job")


def download_name(job: JobRecord, name: str) -> str:
    """Return the name under which a browser stores a result: it begins with that of the source, as "clip.film.mp4"."""
    stem = PurePath(job.name).stem
    return f"{stem}.{name.removeprefix(f'{PurePath(job.file).stem}.')}" if stem else name


def make_router(service: "Service") -> APIRouter:
    """Return the routes of results."""
    router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["results"])

    @router.head("/results/{name:path}", include_in_schema=False)
    @router.get("/results/{name:path}", response_class=FileResponse, responses=_MAY_HAVE)
    def get_result(job_id: str, name: str, caller: Reader) -> FileResponse:
        """Return a file, or the part of it that a Range header asks for."""
        job = find_done_job(service, caller, job_id)
        path = result_path(service, job, name)
        return FileResponse(path, media_type=media_type(path.name), filename=download_name(job, path.name))

    @router.get("/regions", response_class=FileResponse, responses=_MAY_HAVE)
    def get_regions(job_id: str, caller: Reader) -> FileResponse:
        """Return the regions that a job of kind `regions` found, as JSON."""
        job = find_done_job(service, caller, job_id)
        return FileResponse(result_path(service, job, REGIONS), media_type="application/json")

    return router
